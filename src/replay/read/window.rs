//! A window that moves over the text of a file: what was read and not yet used.
//!
//! In: a reader. Out: the bytes at hand, their place in the text and the number of their line.
//! Must not know: what the bytes mean.

use std::io::{self, Read};
use std::sync::atomic::Ordering;

use crate::replay::options::Control;

/// No event of any log, and no line, is longer.
pub(crate) const LONGEST: usize = 256 * 1024 * 1024;
const BLOCK: usize = 1024 * 1024;

/// The bytes at hand are `buffer[at..filled]`.
pub(crate) struct Window<'c, R> {
    reader: R,
    control: &'c Control,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    /// Place in the text of the first byte of the buffer.
    base: u64,
    /// Line ends before `at`.
    lines: u64,
    /// Whether nothing more will come.
    ended: bool,
    /// Why not.
    problem: Option<io::Error>,
    /// The first line end at or behind `at`, if it was looked for; or up to where there is none.
    line_end: LineEnd,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    At(usize),
    NoneBefore(usize),
}

impl<'c, R: Read> Window<'c, R> {
    /// A window at the beginning of `reader`, which is at place `base` of the text. What `buffer` holds does not
    /// matter; it grows to the longest value and can be used again.
    pub(crate) fn new(reader: R, base: u64, mut buffer: Vec<u8>, control: &'c Control) -> Self {
        buffer.resize(buffer.len().max(BLOCK), 0);
        Self {
            reader,
            control,
            buffer,
            at: 0,
            filled: 0,
            base,
            lines: 0,
            ended: false,
            problem: None,
            line_end: LineEnd::NoneBefore(0),
        }
    }

    /// The bytes at hand.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.at..self.filled).unwrap_or_default()
    }

    /// The place of the first of them in the text.
    pub(crate) fn place(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Line ends before it.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// Whether nothing more will come behind the bytes at hand.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Whether as much is at hand as there may be.
    pub(crate) fn is_full(&self) -> bool {
        self.filled - self.at >= LONGEST
    }

    /// Uses bytes.
    pub(crate) fn take(&mut self, length: usize) {
        let taken = self.buffer.get(self.at..self.at + length).unwrap_or_default();
        // Mostly one line without its end.
        let without = match self.line_end {
            LineEnd::At(end) | LineEnd::NoneBefore(end) => self.at + length <= end,
        };
        if !without {
            self.lines += memchr::memchr_iter(b'\n', taken).count() as u64;
        }
        self.at += length;
    }

    /// The length of the line at hand without its end; `None` if it does not end in the bytes at hand.
    pub(crate) fn line(&mut self) -> Option<usize> {
        let from = match self.line_end {
            LineEnd::At(end) if end >= self.at => return Some(end - self.at),
            LineEnd::NoneBefore(end) if end >= self.filled => return None,
            LineEnd::At(_) => self.at,
            LineEnd::NoneBefore(end) => end.max(self.at),
        };
        let found = memchr::memchr(b'\n', self.buffer.get(from..self.filled)?);
        self.line_end = found.map_or(LineEnd::NoneBefore(self.filled), |end| LineEnd::At(from + end));
        found.map(|end| from + end - self.at)
    }

    /// Reads on until twice as much is at hand as before, if there is so much.
    pub(crate) fn double(&mut self) {
        // Whoever needs more looks at the value from its beginning again: steps of one size would make that quadratic
        // in its length.
        let wanted = (2 * (self.filled - self.at)).min(LONGEST);
        while self.filled - self.at < wanted && self.more() {}
    }

    /// Reads on; `false` at the end.
    pub(crate) fn more(&mut self) -> bool {
        if self.ended {
            return false;
        }
        if self.at > 0 {
            self.buffer.copy_within(self.at..self.filled, 0);
            self.base += self.at as u64;
            self.line_end = match self.line_end {
                LineEnd::At(end) if end >= self.at => LineEnd::At(end - self.at),
                LineEnd::NoneBefore(end) => LineEnd::NoneBefore(end.saturating_sub(self.at)),
                LineEnd::At(_) => LineEnd::NoneBefore(0),
            };
            self.filled -= self.at;
            self.at = 0;
        }
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.filled * 2, 0);
        }
        // What is at hand is still used.
        if self.control.stop.load(Ordering::Relaxed) {
            self.ended = true;
            return false;
        }
        loop {
            match self.reader.read(self.buffer.get_mut(self.filled..).unwrap_or_default()) {
                Ok(0) => self.ended = true,
                Ok(read) => {
                    self.filled += read;
                    self.control.bytes.fetch_add(read as u64, Ordering::Relaxed);
                }
                Err(problem) if problem.kind() == io::ErrorKind::Interrupted => continue,
                Err(problem) => (self.ended, self.problem) = (true, Some(problem)),
            }
            return !self.ended;
        }
    }

    /// Whether the text ended before its end.
    pub(crate) fn has_problem(&self) -> bool {
        self.problem.is_some()
    }

    /// Why the text ended before its end, if it did.
    pub(crate) fn problem(&mut self) -> Option<io::Error> {
        self.problem.take()
    }

    /// Gives the buffer back.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}

impl<R> std::fmt::Debug for Window<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Window").field("base", &self.base).field("at", &self.at).finish_non_exhaustive()
    }
}
