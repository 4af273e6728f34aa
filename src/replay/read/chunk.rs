//! A part of a file, the unit of parallel work.
//!
//! In: a chunk, and how to stop. Out: its lines, each with its number; its whole text.
//! Must not know: what a line means.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::Ordering;

use super::lines::{self, Next};
use super::open::{open, unpack};
use super::stream::{Stream, is_stream};
use crate::replay::options::Control;

/// A part of a file, read by one worker.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    /// The file, as shown.
    pub(crate) name: String,
    /// The source, `None` for canonical NDJSON.
    pub(crate) source: Option<String>,
    /// What the file holds.
    pub(crate) format: Format,
    /// Lines that begin in `start..end` belong to the chunk.
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Format {
    /// A JSON value a line.
    Lines,
    /// One JSON text over several lines: a list of events, or events one after another.
    Document,
    /// A flow record a line; the columns if the file names them.
    Flow(Option<Vec<String>>),
}

/// How much of a chunk was read.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
}

/// The most that is read of a document that runs over several lines.
const LARGEST_DOCUMENT: u64 = 1 << 30;
/// Progress is reported after so many bytes.
const PROGRESS: u64 = 1 << 20;

impl Chunk {
    /// Calls `each` for every line that is not blank, with its number; `read` says how far it came, also when an error
    /// ends it.
    ///
    /// # Errors
    /// When the file cannot be read to its end; the lines before have been given.
    pub(crate) fn each_line(
        &self,
        control: &Control,
        buffer: &mut Vec<u8>,
        read: &mut Extent,
        mut each: impl FnMut(&[u8], u64),
    ) -> io::Result<()> {
        // A chunk from the middle of a file begins one byte early: if that byte ends a line, the next one belongs to
        // this chunk.
        let before = self.start.saturating_sub(1);
        let end = self.end.saturating_sub(before);
        let reader = self.reader(control, before)?;
        let mut pending = 0;
        let ended = lines::each(reader, buffer, self.start > 0, end, |line, number| {
            pending += line.len() as u64 + 1;
            if pending > PROGRESS {
                read.bytes += pending;
                control.bytes.fetch_add(std::mem::take(&mut pending), Ordering::Relaxed);
            }
            let line = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
            if !line.trim_ascii().is_empty() {
                each(line, number);
            }
            read.lines = number;
            if control.stop.load(Ordering::Relaxed) { Next::Stop } else { Next::Line }
        });
        control.bytes.fetch_add(pending, Ordering::Relaxed);
        read.bytes += pending;
        ended.map(|_| ())
    }

    fn reader<'c>(&self, control: &'c Control, before: u64) -> io::Result<Box<dyn Read + 'c>> {
        if is_stream(&self.name) {
            return Ok(unpack(Stream::new(&self.name, &control.stop)?)?.1);
        }
        if self.start == 0 {
            return Ok(open(&self.name)?.1);
        }
        let mut file = File::open(&self.name)?;
        file.seek(SeekFrom::Start(before))?;
        Ok(Box::new(file))
    }

    /// The whole text as bytes, and what went wrong behind them.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) fn whole(&self, control: &Control) -> io::Result<(Vec<u8>, io::Result<()>)> {
        let mut bytes = Vec::new();
        let (_, reader) = open(&self.name)?;
        let ended = reader.take(LARGEST_DOCUMENT).read_to_end(&mut bytes);
        control.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok((bytes, ended.map(|_| ())))
    }
}
