//! A part of a file, the unit of parallel work.
//!
//! In: a chunk, and how to stop. Out: its values and lines, and where it began and ended.
//! Must not know: what a value means.
//!
//! The chunks of a large file are read at the same time, each from the first line behind its beginning on. That this is
//! the beginning of a value is a guess: it holds for lines of events, not for a value over several lines. So each chunk
//! tells where its first value begins and what is open there, and where the one behind its last value begins. Where the
//! end of one chunk is not the beginning of the next, that one is read again, from the right place.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use super::columns::Layout;
use super::open::{Notes, open, unpack};
use super::place::{Frame, Place};
use super::split::Splitter;
use super::stream::{Stream, is_stream};
use super::taker::Taker;
use super::window::Window;
use crate::replay::options::Control;

/// A part of a file, read by one worker.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    /// The file, as shown.
    pub(crate) name: String,
    /// The source, `None` for canonical NDJSON.
    pub(crate) source: Option<String>,
    /// Where it begins.
    pub(crate) start: Start,
    /// Values that begin before this byte belong to the chunk.
    pub(crate) end: u64,
    /// What kind of file it is a part of.
    pub(crate) container: Container,
    /// The first line of the file, for what does not begin there: it may name columns.
    pub(crate) first_line: Option<Arc<[u8]>>,
}

/// What the text of a chunk is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Container {
    /// A file of its own, or a pipe.
    File,
    /// In memory; the name of the chunk is no path.
    Memory(Arc<[u8]>),
    /// An archive.
    #[cfg(feature = "zip")]
    Archive {
        /// Its path.
        path: String,
        /// The member.
        member: super::archive::Member,
    },
    /// Rows of Parquet.
    #[cfg(feature = "parquet")]
    Rows,
}

/// Where a chunk begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    /// At the beginning of the file.
    File,
    /// At the first line that begins at this byte or behind it, with these frames open if the file goes on as it
    /// begins.
    LineBehind(u64, Vec<Frame>),
    /// At a value.
    At(Place),
}

/// Where and how a file goes on behind a chunk.
#[derive(Debug, Clone)]
pub(crate) struct Continuation {
    /// Where the next value begins.
    pub(crate) place: Place,
    /// The columns in force there.
    pub(crate) layout: Option<Layout>,
}

/// What was read of a chunk.
#[derive(Debug, Default, Clone)]
pub(crate) struct Extent {
    /// Line ends from where it began to read to where it ended.
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
    /// The place of the first value, if it has one.
    pub(crate) first: Option<Place>,
    /// The place of the first value behind the chunk; `None` at the end of the file.
    pub(crate) next: Option<Place>,
    /// What a user should know about the file.
    pub(crate) notes: Vec<String>,
}

impl Chunk {
    /// Whether it can be read only once.
    pub(crate) fn is_stream(&self) -> bool {
        self.container == Container::File && is_stream(&self.name)
    }

    /// Whether it begins at the beginning of its file.
    pub(crate) fn is_first(&self) -> bool {
        self.start == Start::File
    }

    /// Gives its values and lines to `taker`; `read` says how far it came, also when an error ends it.
    ///
    /// # Errors
    /// When the file cannot be read to its end; what came before has been given.
    pub(crate) fn read(
        &self,
        containers: &[String],
        control: &Control,
        buffer: &mut Vec<u8>,
        read: &mut Extent,
        taker: &mut impl Taker,
    ) -> io::Result<()> {
        #[cfg(feature = "parquet")]
        if self.container == Container::Rows {
            return self.read_rows(control, read, taker);
        }
        let notes = Notes::default();
        let (base, frames) = match &self.start {
            Start::File => (0, Vec::new()),
            // If the byte before ends a line, the next line belongs to this chunk.
            Start::LineBehind(start, frames) => (start.saturating_sub(1), frames.clone()),
            Start::At(place) => (place.at, place.frames.clone()),
        };
        let reader = self.reader(control, base, &notes)?;
        let window = Window::new(reader, base, std::mem::take(buffer), control);
        let mut splitter = Splitter::new(window, containers, frames);
        if matches!(self.start, Start::LineBehind(..)) {
            splitter.skip_line(self.end);
        }
        let mut begins = splitter.window().place();
        read.first = splitter.next_place().filter(|place| place.at < self.end);
        if !self.is_first() {
            // The chunk before goes on up to here to find its end, and counts these lines and bytes.
            splitter.count_lines_from_here();
            begins = splitter.window().place();
        }
        let ended = splitter.run(self.end, taker);
        read.next = splitter.next_place();
        read.lines = splitter.lines();
        read.bytes = splitter.window().place() - begins;
        if splitter.trailing_zeros() > 0 {
            notes.add(format!("{} trailing zero bytes are ignored", splitter.trailing_zeros()));
        }
        read.notes = notes.take();
        *buffer = splitter.into_buffer();
        ended
    }

    #[cfg(feature = "parquet")]
    fn read_rows(&self, control: &Control, read: &mut Extent, taker: &mut impl Taker) -> io::Result<()> {
        read.bytes = std::fs::metadata(&self.name)?.len();
        // Whether a row is valid is not asked: that decides how to go on within a text, and the next row stands by
        // itself.
        super::parquet::rows(&self.name, |row, number| {
            read.lines = number;
            taker.value(row.as_bytes(), number);
            !control.stop.load(std::sync::atomic::Ordering::Relaxed)
        })
    }

    fn reader<'c>(
        &'c self,
        control: &'c Control,
        base: u64,
        notes: &Notes,
    ) -> io::Result<Box<dyn Read + 'c>> {
        #[cfg(feature = "zip")]
        if let Container::Archive { path, member } = &self.container {
            return Ok(unpack(member.open(path)?, notes)?.reader);
        }
        if let Container::Memory(bytes) = &self.container {
            return Ok(unpack(&**bytes, notes)?.reader);
        }
        if self.is_stream() {
            return Ok(unpack(Stream::new(&self.name, &control.stop)?, notes)?.reader);
        }
        if base == 0 {
            return Ok(open(&self.name, notes)?.reader);
        }
        // Only plain files are cut into chunks, so there is nothing to unpack here.
        let mut file = File::open(&self.name)?;
        file.seek(SeekFrom::Start(base))?;
        Ok(Box::new(file))
    }
}
