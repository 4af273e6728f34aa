//! From the paths that the user names to chunks of files.
//!
//! In: paths of files and directories with the source of their events, or texts. Out: chunks that can be read in
//! parallel: a whole file, or a range of a large plain one; what is not read, and why. Must not know: rules.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use super::chunk::{Chunk, Container, Start};
use super::files::files;
use super::open::{Notes, open, unpack};
use super::place::Frame;
use super::recognise::Recogniser;
use super::split::Splitter;
use super::stream::is_stream;
use super::taker::{Broken as BrokenText, Taker, Text};
use super::window::Window;
use crate::replay::options::Control;

/// Files of events.
#[derive(Debug, Clone)]
pub struct Input {
    /// Canonical name of the source; `None` for canonical NDJSON, whose lines name theirs.
    pub source: Option<String>,
    /// A file, a pipe, a directory with all below it, or `-` for standard input.
    pub path: String,
}

/// Events in memory: what a file of them would hold, compressed or not.
#[derive(Debug, Clone)]
pub struct LogText {
    /// Canonical name of the source; `None` for canonical NDJSON, whose lines name theirs.
    pub source: Option<String>,
    /// What a report calls it.
    pub name: String,
    /// What it holds.
    pub bytes: Arc<[u8]>,
}

impl LogText {
    /// Raw events of `source`.
    pub fn raw(source: impl Into<String>, name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { source: Some(source.into()), name: name.into(), bytes: bytes.into() }
    }

    /// Canonical records, one JSON object a line.
    pub fn canonical(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { source: None, name: name.into(), bytes: bytes.into() }
    }
}

/// Bytes of a chunk of a large file.
const CHUNK: u64 = 16 * 1024 * 1024;
/// Bytes of a file that show which source it is of.
const HEAD: u64 = 64 * 1024;

/// Paths that cannot be read, and why.
type Broken = Vec<(String, String)>;

/// What is not read because of what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    Hidden,
    /// To read a pipe or a socket in a directory may take for ever.
    Special,
    #[cfg(feature = "zip")]
    OtherLog,
}

impl Unread {
    /// One of the kind in words.
    pub(crate) fn one(self) -> &'static str {
        match self {
            Self::Hidden => "hidden file",
            Self::Special => "pipe or device",
            #[cfg(feature = "zip")]
            Self::OtherLog => "file of another log",
        }
    }

    /// Several of them.
    pub(crate) fn many(self) -> &'static str {
        match self {
            Self::Hidden => "hidden files",
            Self::Special => "pipes or devices",
            #[cfg(feature = "zip")]
            Self::OtherLog => "files of other logs",
        }
    }
}

/// Files of one kind that are in a directory or an archive and were not read.
#[derive(Debug, Clone)]
pub(crate) struct PassedOver {
    pub(crate) inside: String,
    pub(crate) what: Unread,
    pub(crate) files: Vec<String>,
}

/// What the inputs come to.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// The chunks, in order of file and place.
    pub(crate) chunks: Vec<Chunk>,
    /// Paths that cannot be read and files of another source, with the reason.
    pub(crate) broken: Broken,
    /// Directories with other logs in them: how many files, and the first.
    pub(crate) others: Vec<(String, u64, String)>,
    /// What else is in directories and archives and was not read.
    pub(crate) passed_over: Vec<PassedOver>,
    /// The sources of all inputs, whatever is in them.
    pub(crate) given: BTreeSet<Option<String>>,
    /// Those of which an input is among the broken.
    pub(crate) flawed: BTreeSet<Option<String>>,
}

/// The chunks of all inputs.
pub(crate) fn chunks(inputs: &[Input], recogniser: &Recogniser) -> Inputs {
    let mut found = Inputs::default();
    let mut seen = HashSet::new();
    for input in inputs {
        let broken = found.broken.len();
        if let Err(problem) = found.add(input, recogniser, &mut seen) {
            found.broken.push((input.path.clone(), problem.to_string()));
        }
        found.note_source(input.source.clone(), broken);
    }
    found
}

/// A chunk for each text; and the texts that cannot be read or are of another source.
pub(crate) fn in_memory(texts: &[LogText], recogniser: &Recogniser) -> Inputs {
    let mut found = Inputs::default();
    for text in texts {
        let source = text.source.as_ref();
        let broken = found.broken.len();
        match unpack(&*text.bytes, &Notes::default())
            .map(|opened| head(&mut { opened.reader }, source, recogniser).1)
        {
            Ok(None) => {
                found.chunks.push(whole(&text.name, source, Container::Memory(Arc::clone(&text.bytes))));
            }
            Ok(Some(other)) => found.broken.push((text.name.clone(), looks_like(&other, source))),
            Err(problem) => found.broken.push((text.name.clone(), problem.to_string())),
        }
        found.note_source(text.source.clone(), broken);
    }
    found
}

fn looks_like(other: &str, source: Option<&String>) -> String {
    format!("this looks like {other}, but it was given as {}", source.map_or("", String::as_str))
}

impl Inputs {
    /// Takes note of the source of an input before which so many were `broken`.
    fn note_source(&mut self, source: Option<String>, broken: usize) {
        self.given.insert(source.clone());
        if self.broken.len() > broken {
            self.flawed.insert(source);
        }
    }

    fn add(
        &mut self,
        input: &Input,
        recogniser: &Recogniser,
        seen: &mut HashSet<(Option<String>, String)>,
    ) -> io::Result<()> {
        let source = input.source.as_deref();
        let folders = source.and_then(|source| recogniser.form(source)).map(|form| form.folders.as_slice());
        let found = files(&input.path, folders.unwrap_or_default())?;
        let is_empty = found.files.is_empty() && found.others.is_empty() && found.broken.is_empty();
        let shown = |path: &PathBuf| path.to_string_lossy().into_owned();
        for (what, paths) in [(Unread::Hidden, &found.hidden), (Unread::Special, &found.special)] {
            self.pass_over(&input.path, what, paths.iter().map(shown).collect());
        }
        if found.is_folder && is_empty {
            return Err(io::Error::other("there is no file in this directory"));
        }
        self.broken.extend(found.broken);
        let mut others: Vec<String> =
            found.others.iter().map(|file| file.to_string_lossy().into_owned()).collect();
        let before = self.chunks.len();
        for file in found.files {
            let name = file.to_string_lossy().into_owned();
            // One tree may be given for several sources, and is then read once for each of them.
            if !seen.insert((input.source.clone(), name.clone())) {
                continue;
            }
            match split(&name, (input, found.is_folder), recogniser, self) {
                Ok(Split::Chunks(of_file)) => self.chunks.extend(of_file),
                Ok(Split::Other(_)) if found.is_folder => others.push(name),
                Ok(Split::Other(other)) => {
                    self.broken.push((name, looks_like(&other, input.source.as_ref())));
                }
                Err(problem) => self.broken.push((name, problem.to_string())),
            }
        }
        others.sort();
        if let Some(first) = others.first() {
            if self.chunks.len() == before && self.broken.is_empty() {
                let source = source.unwrap_or_default();
                return Err(io::Error::other(format!(
                    "none of its files is a log of {source}, such as {first}"
                )));
            }
            self.others.push((input.path.clone(), others.len() as u64, first.clone()));
        }
        Ok(())
    }
}

impl Inputs {
    fn pass_over(&mut self, inside: &str, what: Unread, files: Vec<String>) {
        // A directory that is given for several sources has the same hidden files each time.
        let is_known = self.passed_over.iter().any(|known| known.inside == inside && known.files == files);
        if !files.is_empty() && !is_known {
            self.passed_over.push(PassedOver { inside: inside.to_owned(), what, files });
        }
    }
}

/// What a file comes to.
enum Split {
    Chunks(Vec<Chunk>),
    /// It looks like another source.
    Other(String),
}

/// Looks at the head of a file and cuts it into chunks.
fn split(
    name: &str,
    (input, is_in_folder): (&Input, bool),
    recogniser: &Recogniser,
    found: &mut Inputs,
) -> io::Result<Split> {
    let source = input.source.as_ref();
    if is_stream(name) {
        return Ok(Split::Chunks(vec![whole(name, source, Container::File)]));
    }
    let magic = magic(name)?;
    #[cfg(feature = "zip")]
    if super::archive::is_archive(&magic) {
        return archive(name, input, recogniser, found);
    }
    #[cfg(feature = "parquet")]
    if super::parquet::is_parquet(&magic) {
        return Ok(Split::Chunks(vec![whole(name, source, Container::Rows)]));
    }
    let _ = (magic, found);
    let opened = open(name, &Notes::default())?;
    let is_plain = opened.is_plain;
    let mut text = opened.reader;
    let (head, other) = head(&mut text, source, recogniser);
    if let Some(other) = other {
        // One file of a folder may begin with another log and go on with this one.
        let goes_on = is_in_folder && source.is_some_and(|source| recogniser.is_in(text, source));
        if !goes_on {
            return Ok(Split::Other(other));
        }
    }
    // A file of blanks is an empty log, not a file of another kind.
    if head.iter().all(u8::is_ascii_whitespace) && is_plain && (head.len() as u64) < HEAD {
        return Ok(Split::Chunks(Vec::new()));
    }
    // What is packed can only be read from its beginning, so it is one chunk.
    let length = if is_plain { fs::metadata(name)?.len() } else { 0 };
    // One line as long as that is one list of events: it is read from one end to the other anyway.
    if length <= CHUNK || memchr::memchr(b'\n', &head).is_none() {
        return Ok(Split::Chunks(vec![whole(name, source, Container::File)]));
    }
    Ok(Split::Chunks(parts(&whole(name, source, Container::File), &head, length, recogniser)))
}

/// The parts of a plain file that begins with `head`.
fn parts(file: &Chunk, head: &[u8], length: u64, recogniser: &Recogniser) -> Vec<Chunk> {
    let form = file.source.as_ref().and_then(|source| recogniser.form(source));
    let frames = frames_behind(head, form.map_or(&[], |form| form.container.as_slice()));
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line: Arc<[u8]> = line.trim_ascii().into();
    let chunk = |start: u64| Chunk {
        start: if start == 0 { Start::File } else { Start::LineBehind(start, frames.clone()) },
        // The last chunk has no end, so it takes what is written to the file meanwhile too.
        end: if start + CHUNK >= length { u64::MAX } else { start + CHUNK },
        first_line: (start > 0).then(|| Arc::clone(&line)),
        ..file.clone()
    };
    (0..length.div_ceil(CHUNK)).map(|part| chunk(part * CHUNK)).collect()
}

/// The first bytes of a file.
fn magic(name: &str) -> io::Result<Vec<u8>> {
    let mut magic = Vec::new();
    fs::File::open(name)?.take(8).read_to_end(&mut magic)?;
    Ok(magic)
}

/// The beginning of a text, and the source that it looks like, if it is another one.
fn head(text: &mut impl Read, source: Option<&String>, recogniser: &Recogniser) -> (Vec<u8>, Option<String>) {
    let mut head = Vec::new();
    // A file that breaks within its head is reported when it is read as a whole.
    let _ = text.take(HEAD).read_to_end(&mut head);
    if head.starts_with(b"\xef\xbb\xbf") {
        head.drain(..3);
    }
    let other = source.and_then(|source| recogniser.other(&head, source));
    let other = other.map(str::to_owned);
    (head, other)
}

/// The members of an archive, each as a file; other logs in it are passed over, if there is one of the source.
#[cfg(feature = "zip")]
fn archive(name: &str, input: &Input, recogniser: &Recogniser, found: &mut Inputs) -> io::Result<Split> {
    let (source, mut chunks) = (input.source.as_ref(), Vec::new());
    let (mut other, mut others) = (None, Vec::new());
    let super::archive::Members { members, hidden } = super::archive::members(name)?;
    let is_empty = members.is_empty();
    found.pass_over(name, Unread::Hidden, hidden);
    if is_empty {
        return Err(io::Error::other("there is no file in this archive"));
    }
    for member in members {
        let shown = |member: &str| format!("{name}!{member}");
        let member = match member {
            Ok(member) => member,
            Err((member, problem)) => {
                found.broken.push((shown(&member), problem));
                continue;
            }
        };
        let text = member.open(name).and_then(|raw| unpack(raw, &Notes::default()));
        let judged = text.map(|mut text| {
            let other = head(&mut text.reader, source, recogniser).1;
            other.filter(|_| source.is_none_or(|source| !recogniser.is_in(text.reader, source)))
        });
        match judged {
            Ok(Some(looks_like)) => {
                other = Some(looks_like);
                others.push(shown(&member.name));
            }
            Ok(None) => {
                let shown = shown(&member.name);
                let container = Container::Archive { path: name.to_owned(), member };
                chunks.push(whole(&shown, source, container));
            }
            Err(problem) => found.broken.push((shown(&member.name), problem.to_string())),
        }
    }
    if !chunks.is_empty() {
        found.pass_over(name, Unread::OtherLog, others);
    }
    Ok(other.filter(|_| chunks.is_empty()).map_or(Split::Chunks(chunks), Split::Other))
}

fn whole(name: &str, source: Option<&String>, container: Container) -> Chunk {
    let (name, source) = (name.to_owned(), source.cloned());
    Chunk { name, source, container, start: Start::File, end: u64::MAX, first_line: None }
}

/// What is open between two values of a file that begins so.
fn frames_behind(head: &[u8], containers: &[String]) -> Vec<Frame> {
    struct Nothing;

    impl Taker for Nothing {
        fn line(&mut self, _: &[u8], _: u64) -> bool {
            false
        }

        fn value(&mut self, _: &[u8], _: u64) -> bool {
            true
        }

        fn member(&mut self, _: &str, _: &[u8], _: u64) -> bool {
            false
        }

        fn text(&mut self, _: &[u8], _: u64, _: bool) -> Text {
            Text::Junk
        }

        fn broken(&mut self, _: BrokenText, _: u64) {}
    }

    let control = Control::default();
    let mut splitter = Splitter::new(Window::new(head, 0, Vec::new(), &control), containers, Vec::new());
    // What is at its end is not whole.
    let _ = splitter.run(head.len() as u64 / 2, &mut Nothing);
    splitter.next_place().map(|place| place.frames).unwrap_or_default()
}
