//! Opening files, compressed or not.
//!
//! In: a path, or bytes. Out: a reader of the text.
//! Must not know: formats of events. Compression is told by the first bytes, not by the name.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

const BUFFER: usize = 256 * 1024;

/// The packing that the first bytes of a file tell.
pub(crate) fn packing(head: &[u8]) -> Packing {
    match head {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
        _ => Packing::Plain,
    }
}

/// Opens a file and tells how it is packed.
pub(crate) fn open(path: &str) -> io::Result<(Packing, Box<dyn Read>)> {
    unpack(File::open(path)?)
}

/// The text of `raw`, and how it is packed.
pub(crate) fn unpack<'r>(mut raw: impl Read + 'r) -> io::Result<(Packing, Box<dyn Read + 'r>)> {
    let mut head = Vec::new();
    raw.by_ref().take(4).read_to_end(&mut head)?;
    let packing = packing(&head);
    let whole = BufReader::with_capacity(BUFFER, Cursor::new(head).chain(raw));
    let reader: Box<dyn Read + 'r> = match packing {
        Packing::Plain => Box::new(whole),
        Packing::Gzip => Box::new(MultiGzDecoder::new(whole)),
        Packing::Zstd => Box::new(Frames { source: Some(whole), frame: None }),
    };
    Ok((packing, reader))
}

/// A file of one or more zstd frames.
struct Frames<R: Read> {
    source: Option<R>,
    frame: Option<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>,
}

impl<R: io::BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let read = frame.read(buffer)?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
            }
            if let Some(done) = self.frame.take() {
                self.source = Some(done.into_inner());
            }
            let Some(mut source) = self.source.take() else { return Ok(0) };
            if source.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.frame = Some(StreamingDecoder::new(source).map_err(io::Error::other)?);
        }
    }
}
