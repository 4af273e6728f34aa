//! Places and names between the program and the protocol.
//!
//! In: spans, offsets, paths. Out: ranges, positions, addresses; and back. Must not know: what stands there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lsp_types::{Location, Position, Range, Uri};

use crate::project::Live;
use crate::source::{SourceFile, Span, Utf16Position};

/// How editors begin the address of a text that was never saved.
const UNSAVED: &str = "untitled:";

/// The path under which a text that was never saved is known: in a folder, so that it sees the environment of that
/// folder and can import from there. [`uri`] leads back.
pub(super) fn unsaved(uri: &Uri, folder: &Path) -> Option<PathBuf> {
    let rest = uri.as_str().strip_prefix(UNSAVED)?;
    // One part of a path, whatever it names.
    let name = rest.replace('%', "%25").replace('/', "%2F").replace('\\', "%5C");
    Some(folder.join(format!("{UNSAVED}{name}.chain")))
}

/// The address of a path.
pub(super) fn uri(path: &Path) -> Option<Uri> {
    let text = path.to_str()?;
    let name = path.file_name()?.to_str()?;
    if let Some(rest) = name.strip_prefix(UNSAVED).and_then(|rest| rest.strip_suffix(".chain")) {
        let rest = rest.replace("%5C", "\\").replace("%2F", "/").replace("%25", "%");
        return Uri::from_str(&format!("{UNSAVED}{rest}")).ok();
    }
    let mut out = String::from("file://");
    if !text.starts_with('/') {
        // `C:\rules` on Windows.
        out.push('/');
    }
    for byte in text.bytes() {
        match byte {
            b'\\' if cfg!(windows) => out.push('/'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                out.push(byte.into());
            }
            other => _ = write!(out, "%{other:02X}"),
        }
    }
    Uri::from_str(&out).ok()
}

/// The path of an address; `None` for what is no file.
pub(super) fn path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.as_str().strip_prefix("file://")?;
    let rest = rest.strip_prefix("localhost").unwrap_or(rest);
    let (mut bytes, mut rest) = (Vec::new(), rest.as_bytes());
    while let Some((&first, more)) = rest.split_first() {
        let code = more.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        let byte = code.filter(|_| first == b'%').and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { more.get(2..).unwrap_or_default() } else { more };
    }
    let text = String::from_utf8(bytes).ok()?;
    let has_drive = cfg!(windows) && text.get(2..3) == Some(":");
    let text = if has_drive { text.get(1..)?.to_owned() } else { text };
    let path = PathBuf::from(text);
    path.is_absolute().then_some(path)
}

pub(super) fn position(source: &SourceFile, offset: usize) -> Position {
    let Utf16Position { line, character } = source.utf16(offset);
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Position { line: number(line), character: number(character) }
}

pub(super) fn offset(source: &SourceFile, position: Position) -> usize {
    let number = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    source.offset(Utf16Position { line: number(position.line), character: number(position.character) })
}

pub(super) fn range(source: &SourceFile, bytes: std::ops::Range<usize>) -> Range {
    Range { start: position(source, bytes.start), end: position(source, bytes.end) }
}

/// Where a span stands; `None` in what is part of the program.
pub(super) fn location(live: &Live, span: Span) -> Option<Location> {
    let uri = uri(&live.path_of(span.file)?)?;
    Some(Location { uri, range: range(live.sources().get(span.file)?, span.range()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_back_to_their_paths() {
        for name in ["/a/b.chain", "/a b/ä#?%.chain", "/100%/x"] {
            assert_eq!(path(&uri(Path::new(name)).unwrap()).unwrap(), Path::new(name));
        }
        for address in ["untitled:Untitled-1", "untitled:/a/b%20c%252F.chain", "untitled:"] {
            let held = unsaved(&Uri::from_str(address).unwrap(), Path::new("/w")).unwrap();
            assert_eq!((uri(&held).unwrap().as_str(), held.parent()), (address, Some(Path::new("/w"))));
        }
        for address in ["untitled:Untitled-1", "http://x/y", "file:", "file://host/x%zz"] {
            // Whatever an editor calls its files, nothing fails.
            let _ = Uri::from_str(address).ok().and_then(|address| path(&address));
        }
    }
}
