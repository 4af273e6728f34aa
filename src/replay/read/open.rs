//! Opening files, compressed or not, in whatever encoding.
//!
//! In: a path, or bytes. Out: a reader of the text; for what cannot be read as text, what it is and what to do.
//! Must not know: formats of events. Compression and encoding are detected from the first bytes, not from the name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::bufread::GzDecoder;
use ruzstd::decoding::StreamingDecoder;

use super::form;
use super::utf16::{Order, Utf16};

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// What a user should know about a file that could be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    /// Adds one.
    pub(crate) fn add(&self, note: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }

    /// All notes so far.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A file that can be read.
pub(crate) struct Opened<'r> {
    /// Whether its bytes are those of its text, so that it can be read from any place.
    pub(crate) is_plain: bool,
    pub(crate) reader: Box<dyn Read + 'r>,
}

const BUFFER: usize = 256 * 1024;
/// Bytes that show what a text is.
// A tar archive shows itself as late as byte 257.
const HEAD: u64 = 512;

/// The packing that the first bytes of a file show.
fn packing(head: &[u8]) -> Packing {
    match head {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
        // Parallel writers begin with such a frame.
        head if begins_foreign_frame(head) => Packing::Zstd,
        _ => Packing::Plain,
    }
}

/// Whether a zstd frame begins that holds data of others (RFC 8878, 3.1.2).
fn begins_foreign_frame(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Opens a file.
///
/// # Errors
/// When it cannot be read, or is no text.
pub(crate) fn open(path: &str, notes: &Notes) -> io::Result<Opened<'static>> {
    unpack(File::open(path)?, notes)
}

/// Opens what `raw` gives.
///
/// # Errors
/// When it cannot be read, or is no text.
pub(crate) fn unpack<'r>(raw: impl Read + 'r, notes: &Notes) -> io::Result<Opened<'r>> {
    let (head, raw) = peek(raw, HEAD)?;
    let packing = packing(&head);
    let whole = BufReader::with_capacity(BUFFER, raw);
    let text: Box<dyn Read + 'r> = match packing {
        Packing::Plain => return encoded(packing, &head, Box::new(whole), notes),
        Packing::Gzip => {
            Box::new(Members { source: Some(whole), member: None, notes: notes.clone(), is_first: true })
        }
        Packing::Zstd => Box::new(Frames { source: Some(Box::new(whole)), frame: None }),
    };
    let (head, text) = match peek(text, HEAD) {
        Ok((head, text)) => (head, Box::new(text) as Box<dyn Read + 'r>),
        Err(problem) => return Err(problem),
    };
    encoded(packing, &head, text, notes)
}

fn encoded<'r>(
    packing: Packing,
    head: &[u8],
    text: Box<dyn Read + 'r>,
    notes: &Notes,
) -> io::Result<Opened<'r>> {
    if let Some(refused) = form::refused(head) {
        return Err(io::Error::other(refused));
    }
    match Order::detect(head) {
        Some(order) => {
            notes.add("it is UTF-16 and was read as such".to_owned());
            // Places in its bytes are not places in its text, so it cannot be cut into chunks.
            Ok(Opened { is_plain: false, reader: Box::new(Utf16::new(text, order)) })
        }
        None => Ok(Opened { is_plain: packing == Packing::Plain, reader: text }),
    }
}

/// The first bytes of `raw`, and all of it. A file that breaks within them is reported when it is read.
fn peek<'r, R: Read + 'r>(mut raw: R, length: u64) -> io::Result<(Vec<u8>, impl Read + 'r)> {
    let mut head = Vec::new();
    let problem = raw.by_ref().take(length).read_to_end(&mut head).err();
    match problem {
        Some(problem) if head.is_empty() => Err(problem),
        problem => Ok((head.clone(), Cursor::new(head).chain(Fails(problem)).chain(raw))),
    }
}

/// Gives an error, once.
struct Fails(Option<io::Error>);

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// A file of one or more gzip members.
struct Members<R> {
    source: Option<R>,
    member: Option<GzDecoder<R>>,
    notes: Notes,
    is_first: bool,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(member) = &mut self.member {
                let read = member.read(buffer)?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
            }
            if let Some(done) = self.member.take() {
                self.source = Some(done.into_inner());
            }
            let Some(mut source) = self.source.take() else { return Ok(0) };
            // Tapes and block devices pad a file with zero bytes; gzip ignores them as well.
            let zeros = if self.is_first { 0 } else { skip_zeros(&mut source)? };
            let Some(first) = source.fill_buf()?.first().copied() else {
                if zeros > 0 {
                    self.notes.add(format!("{zeros} trailing zero bytes after the gzip data are ignored"));
                }
                return Ok(0);
            };
            // gzip ignores trailing garbage with a warning. Here it may be the rest of a log.
            if !self.is_first && first != 0x1f {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "what follows the gzip data is not gzip",
                ));
            }
            self.is_first = false;
            // Not `MultiGzDecoder`: it takes zero bytes behind the last member for a broken header.
            self.member = Some(GzDecoder::new(source));
        }
    }
}

fn skip_zeros(source: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let bytes = source.fill_buf()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let is_end = zeros < bytes.len() || bytes.is_empty();
        source.consume(zeros);
        skipped += zeros as u64;
        if is_end {
            return Ok(skipped);
        }
    }
}

/// A file of one or more zstd frames.
struct Frames<'r> {
    source: Option<Box<dyn BufRead + 'r>>,
    frame: Option<StreamingDecoder<Box<dyn BufRead + 'r>, ruzstd::decoding::FrameDecoder>>,
}

impl Read for Frames<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let read = frame.read(buffer)?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
                // The decoder computes the checksum, but compares it with nothing.
                let wanted = frame.decoder.get_checksum_from_data();
                if wanted.is_some() && frame.decoder.get_calculated_checksum() != wanted {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "the zstd data are damaged: a wrong checksum",
                    ));
                }
            }
            // A zstd file may have several frames, as files that were joined do; the decoder ends with one.
            let is_first = self.frame.is_none();
            if let Some(done) = self.frame.take() {
                self.source = Some(done.into_inner());
            }
            let Some(mut source) = self.source.take() else { return Ok(0) };
            if !is_first {
                skip_zeros(&mut source)?;
            }
            let mut source = behind_foreign_frames(source)?;
            if source.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.frame = Some(StreamingDecoder::new(source).map_err(io::Error::other)?);
        }
    }
}

/// Goes behind frames that hold data of others, each with its length in front.
fn behind_foreign_frames(source: Box<dyn BufRead + '_>) -> io::Result<Box<dyn BufRead + '_>> {
    let mut source = with_magic(source)?;
    while begins_foreign_frame(source.fill_buf()?) {
        let mut head = [0; 8];
        source.read_exact(&mut head)?;
        let [_, _, _, _, length @ ..] = head;
        let length = u64::from(u32::from_le_bytes(length));
        if io::copy(&mut source.by_ref().take(length), &mut io::sink())? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        source = with_magic(source)?;
    }
    Ok(source)
}

/// The same bytes, of which the first four are at hand at once: a buffer may end among them.
fn with_magic(mut source: Box<dyn BufRead + '_>) -> io::Result<Box<dyn BufRead + '_>> {
    if !(1..4).contains(&source.fill_buf()?.len()) {
        return Ok(source);
    }
    let mut magic = Vec::new();
    source.by_ref().take(4).read_to_end(&mut magic)?;
    Ok(Box::new(Cursor::new(magic).chain(source)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_others_are_skipped_wherever_a_buffer_ends() {
        let foreign = b"\x50\x2a\x4d\x18\x03\0\0\0abc";
        let bytes = [&foreign[..], foreign, b"rest"].concat();
        for capacity in 1..bytes.len() {
            let source = Box::new(BufReader::with_capacity(capacity, bytes.as_slice()));
            let mut rest = String::new();
            behind_foreign_frames(source).unwrap().read_to_string(&mut rest).unwrap();
            assert_eq!(rest, "rest", "{capacity}");
        }
    }
}
