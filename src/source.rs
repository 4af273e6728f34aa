//! Source text: what the files of one compilation are called, what they hold, and where things stand in them.
//!
//! In: names and texts. Out: [`Span`]s that stay valid for the life of the compilation, and line/column positions.
//! Must not know: what the text means, or how it was read.

mod foreign;

pub use foreign::{
    Excerpt, has_hidden, is_hidden, is_hidden_at, is_tag, marked, visible, visible_json, visible_start,
};

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use serde::Serialize;

/// Index of a file in its [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct FileId(pub u32);

/// A half-open range of bytes in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end` (bytes) of `file`; offsets past 4 GiB are clamped, files are bounded far below.
    #[must_use]
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { file, start: clamp(start), end: clamp(end) }
    }

    /// Whether `other` lies in it.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }

    /// The smallest range that holds both; `other` must be of the same file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The byte range as `usize`.
    #[must_use]
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value together with the place it was written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spanned<T> {
    /// The value.
    pub node: T,
    /// Where it stands.
    pub span: Span,
}

/// One file: its name as the user gave it, its text, and where its lines begin.
#[derive(Debug, Default)]
pub struct SourceFile {
    /// The path as shown to the user.
    pub name: String,
    /// The text; that of a file which is part of the program is not copied.
    pub text: Cow<'static, str>,
    lines: OnceLock<Vec<usize>>,
    counts: OnceLock<Vec<Count>>,
}

/// How far a place is counted from the start of its line, in bytes. Past it the count starts from a place counted
/// before: a file may be one line of megabytes, and a place is asked for with each of its words.
const NEAR: usize = 1_024;

/// What stands before a place of a file.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    bytes: usize,
    characters: usize,
    units: usize,
}

impl Count {
    /// The same behind `text`, which follows.
    fn and(self, text: &str) -> Self {
        let (characters, units) = if text.is_ascii() {
            (text.len(), text.len())
        } else {
            (text.chars().count(), text.encode_utf16().count())
        };
        Self {
            bytes: self.bytes + text.len(),
            characters: self.characters + characters,
            units: self.units + units,
        }
    }
}

/// A position as editors count it: line and column from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
}

/// A position as the language server protocol counts it: line and character from 0, characters in UTF-16 code units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Utf16Position {
    /// Line, from 0.
    pub line: usize,
    /// Code units before it in its line.
    pub character: usize,
}

impl SourceFile {
    /// A file with `name` and `text`; no normalisation takes place.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: Cow::Owned(text.into()), ..Self::default() }
    }

    /// A file that is part of the program; it costs next to nothing until somebody asks where something stands in it.
    #[must_use]
    pub fn embedded(name: impl Into<String>, text: &'static str) -> Self {
        Self { name: name.into(), text: Cow::Borrowed(text), ..Self::default() }
    }

    /// Whether it is part of the program.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        matches!(self.text, Cow::Borrowed(_))
    }

    /// Where each line begins.
    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let ends = memchr::memchr_iter(b'\n', self.text.as_bytes());
            std::iter::once(0).chain(ends.map(|at| at + 1)).collect()
        })
    }

    /// What stands before a place, counted from one that is at most [`NEAR`] before it.
    fn before(&self, offset: usize) -> Count {
        let counts = self.counts.get_or_init(|| {
            let (mut counts, mut last, mut rest) = (Vec::new(), Count::default(), &*self.text);
            while !rest.is_empty() {
                counts.push(last);
                let boundary = (0..=NEAR.min(rest.len())).rev().find(|&at| rest.is_char_boundary(at));
                let (piece, after) = rest.split_at(boundary.unwrap_or(rest.len()));
                (last, rest) = (last.and(piece), after);
            }
            counts
        });
        let next = counts.partition_point(|count| count.bytes <= offset);
        let known = next.checked_sub(1).and_then(|at| counts.get(at)).copied().unwrap_or_default();
        known.and(self.text.get(known.bytes..offset).unwrap_or_default())
    }

    /// What stands between the start of a line and a place in it; nothing if the place is inside a character.
    fn along(&self, start: usize, offset: usize) -> Count {
        if offset - start <= NEAR || !self.text.is_char_boundary(offset) {
            return Count::default().and(self.text.get(start..offset).unwrap_or_default());
        }
        let (from, to) = (self.before(start), self.before(offset));
        let (characters, units) = (to.characters - from.characters, to.units - from.units);
        Count { bytes: offset - start, characters, units }
    }

    /// Line and column of a byte offset; an offset past the end gives the end.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.lines().partition_point(|&start| start <= offset);
        let start = self.lines().get(line.saturating_sub(1)).copied().unwrap_or(0);
        let Count { characters, .. } = self.along(start, offset);
        // Nobody sees a byte order mark, and editors do not count it.
        let is_mark = |c: &char| start == 0 && *c == '\u{feff}';
        let hidden = self.text.chars().take_while(is_mark).count().min(characters);
        Position { line, column: characters - hidden + 1 }
    }

    /// A byte offset as the language server protocol counts; an offset past the end gives the end, one inside a
    /// character the start of its line.
    #[must_use]
    pub fn utf16(&self, offset: usize) -> Utf16Position {
        let offset = offset.min(self.text.len());
        let line = self.lines().partition_point(|&start| start <= offset).saturating_sub(1);
        let start = self.lines().get(line).copied().unwrap_or(0);
        Utf16Position { line, character: self.along(start, offset).units }
    }

    /// The byte offset of a position; a character past the end of its line gives the end of the line (before its line
    /// end), a line past the last one the end of the file, the second half of a surrogate pair the character itself.
    #[must_use]
    pub fn offset(&self, position: Utf16Position) -> usize {
        let Some(&start) = self.lines().get(position.line) else { return self.text.len() };
        let next = self.lines().get(position.line + 1).copied().unwrap_or(self.text.len());
        let line = self.text.get(start..next).unwrap_or_default();
        let line = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
        let mut units = 0;
        for (at, c) in line.char_indices() {
            if units + c.len_utf16() > position.character {
                return start + at;
            }
            units += c.len_utf16();
        }
        start + line.len()
    }
}

/// The files of one run, addressed by [`FileId`].
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<Arc<SourceFile>>,
}

impl Sources {
    /// Adds a file and returns its id; ids count up from 0.
    pub fn add(&mut self, file: SourceFile) -> FileId {
        let id = self.next_id();
        self.files.push(Arc::new(file));
        id
    }

    /// Puts another text in the place of a file's, as an editor does; spans into the old text mean nothing any more.
    /// Whoever shares the old file keeps it. Nothing happens where there is no such file.
    pub fn replace(&mut self, id: FileId, text: impl Into<String>) {
        if let Some(file) = self.files.get_mut(id.0 as usize) {
            *file = Arc::new(SourceFile::new(file.name.clone(), text));
        }
    }

    /// The id that the next file will get.
    #[must_use]
    pub fn next_id(&self) -> FileId {
        FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX))
    }

    /// The file of an id, if the id belongs to these sources.
    #[must_use]
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize).map(Arc::as_ref)
    }

    /// The file of an id, to hold on to.
    #[must_use]
    pub fn share(&self, id: FileId) -> Option<Arc<SourceFile>> {
        self.files.get(id.0 as usize).cloned()
    }

    /// The text under a span, empty if the span does not lie in these sources.
    #[must_use]
    pub fn snippet(&self, span: Span) -> &str {
        self.get(span.file).and_then(|file| file.text.get(span.range())).unwrap_or_default()
    }

    /// File name and start position of a span.
    #[must_use]
    pub fn locate(&self, span: Span) -> Option<(&str, Position)> {
        let file = self.get(span.file)?;
        Some((&file.name, file.position(span.start as usize)))
    }

    /// All files with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0u32..).map(FileId).zip(self.files.iter().map(Arc::as_ref))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two-byte, three-byte and four-byte characters, of which the last takes two code units, and both kinds of line
    /// end.
    const TEXT: &str = "aé€😀b\r\nx\n\n😀";

    #[test]
    fn positions_count_characters_code_units_and_bytes() {
        let file = SourceFile::new("f", TEXT);
        for (offset, (line, column), (row, character)) in [
            (0, (1, 1), (0, 0)),
            (1, (1, 2), (0, 1)),
            (3, (1, 3), (0, 2)),
            (6, (1, 4), (0, 3)),
            (10, (1, 5), (0, 5)),
            (13, (2, 1), (1, 0)),
            (15, (3, 1), (2, 0)),
            (16, (4, 1), (3, 0)),
            (20, (4, 2), (3, 2)),
            (99, (4, 2), (3, 2)),
        ] {
            assert_eq!(file.position(offset), Position { line, column }, "{offset}");
            let position = Utf16Position { line: row, character };
            assert_eq!(file.utf16(offset), position, "{offset}");
            assert_eq!(file.offset(position), offset.min(TEXT.len()));
        }
    }

    #[test]
    fn places_far_along_a_line_are_counted_from_one_before() {
        let line = "aé€😀b".repeat(4_000);
        let file = SourceFile::new("f", format!("\u{feff}x\n{line}"));
        let mut found = Vec::new();
        let mut counted = Vec::new();
        let (mut characters, mut units) = (0, 0);
        for (at, c) in line.char_indices() {
            let offset = at + "\u{feff}x\n".len();
            found.push((file.position(offset).column, file.utf16(offset).character));
            counted.push((characters + 1, units));
            characters += 1;
            units += c.len_utf16();
        }
        assert!(found == counted);
        let marked = SourceFile::new("f", format!("\u{feff}{line}"));
        let end = marked.text.len();
        assert_eq!(marked.position(end), Position { line: 1, column: 20_001 });
        assert_eq!(marked.position(end - 1), Position { line: 1, column: 20_000 });
        assert_eq!(marked.utf16(end), Utf16Position { line: 0, character: 24_001 });
        assert_eq!(marked.position(end - 3), Position { line: 1, column: 1 }, "inside a character");
    }

    #[test]
    fn positions_outside_the_text_are_moved_into_it() {
        let file = SourceFile::new("f", TEXT);
        for ((line, character), offset) in
            [((0, 4), 6), ((0, 99), 11), ((1, 99), 14), ((2, 9), 15), ((9, 0), 20)]
        {
            assert_eq!(file.offset(Utf16Position { line, character }), offset, "{line}:{character}");
        }
    }

    #[test]
    fn editing_a_file_replaces_its_text() {
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::new("f", "one"));
        let before = sources.share(id).unwrap();
        sources.replace(id, "two\nthree");
        sources.replace(FileId(9), "nobody's");
        assert_eq!((sources.snippet(Span::new(id, 4, 9)), &*before.text), ("three", "one"));
        assert_eq!((sources.next_id(), sources.get(id).unwrap().name.as_str()), (FileId(1), "f"));
    }
}
