//! Bytes to text: a rule file is UTF-8.
//!
//! In: the bytes of a file. Out: its text, or a readable stand-in and a finding that names the first bad byte.
//! Must not know: where the bytes come from.

use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// The text of `bytes`.
///
/// # Errors
/// When they are not UTF-8: the text with `\u{fffd}` for what cannot be read, for use as the file's text, and the
/// finding, which points into that text.
pub fn decode(bytes: Vec<u8>, file: FileId) -> Result<String, Box<(String, Diagnostic)>> {
    let error = match String::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    let at = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    let bad = bytes.get(at).copied().unwrap_or_default();
    let text = String::from_utf8_lossy(bytes).into_owned();
    // What stands before the first bad byte is the same in the stand-in, so its offset holds there.
    let place = Span::new(file, at, at + char::REPLACEMENT_CHARACTER.len_utf8());
    let found = if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = bytes {
        Diagnostic::new(Code::NotUtf8, place, "the file is UTF-16, not UTF-8")
            .label("its byte order mark")
            .help("save it as UTF-8; spreadsheets call that \"CSV UTF-8\"")
    } else {
        Diagnostic::new(Code::NotUtf8, place, format!("byte {at} (0x{bad:02x}) is not UTF-8"))
            .label("not valid UTF-8")
            .help("save the file as UTF-8")
    };
    Err(Box::new((text, found)))
}
