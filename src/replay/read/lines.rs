//! Lines of a file that are no JSON: columns, rows of CSV, junk.
//!
//! In: the text at hand of a [`Splitter`]. Out: lines and rows, to its [`Taker`].
//! Must not know: which columns there are.

use std::io::{self, Read};

use super::junk::{Behind, behind_junk};
use super::split::{Splitter, too_long};
use super::taker::{Taker, Text};

/// A row of CSV over several lines is no longer. An event has at most 256 KB, and a lost quotation mark would make a
/// row of the rest of the file.
const LONGEST_ROW: usize = 4 * 1024 * 1024;

impl<R: Read> Splitter<'_, R> {
    /// A line that is no JSON, or has something in front of it; or such text behind a value.
    pub(super) fn text(&mut self, taker: &mut impl Taker) -> io::Result<()> {
        // Columns fill a line. Behind a value there is none, and to look at all the rest of a line at each junk in it
        // would be quadratic in its length.
        if self.is_line_start {
            let mut length = self.rest_of_line()?;
            let mut text =
                taker.text(self.window.bytes().get(..length).unwrap_or_default(), self.number(), true);
            if text == Text::Open {
                length = self.rest_of_row(length)?;
                text =
                    taker.text(self.window.bytes().get(..length).unwrap_or_default(), self.number(), false);
            }
            match text {
                Text::Columns => self.take(length),
                Text::Prefix(begins) if begins > 0 => self.take(begins),
                Text::Prefix(_) | Text::Open | Text::Junk => {
                    let (Behind::Value(end) | Behind::Nothing(end)) = self.behind_junk()?;
                    self.take(end);
                }
            }
            return Ok(());
        }
        let (length, end) = match self.behind_junk()? {
            // With its first byte, which shows whether the text is a prefix of it.
            Behind::Value(begins) => (begins + 1, begins),
            Behind::Nothing(end) => (end, end),
        };
        let text = self.window.bytes().get(..length).unwrap_or_default();
        match taker.text(text, self.number(), false) {
            Text::Prefix(begins) if begins > 0 => self.take(begins),
            Text::Prefix(_) | Text::Columns | Text::Open | Text::Junk => self.take(end),
        }
        Ok(())
    }

    /// The length of the line at hand, which may be the last one.
    fn rest_of_line(&mut self) -> io::Result<usize> {
        loop {
            if let Some(length) = self.window.line() {
                return Ok(length);
            }
            if self.window.is_ended() {
                return Ok(self.window.bytes().len());
            }
            self.look_further()?;
        }
    }

    /// The length of the row of CSV at hand whose first line has this length: up to the first line end that stands in
    /// no cell. A row without one, within reason, is no longer than its line.
    fn rest_of_row(&mut self, line: usize) -> io::Result<usize> {
        let (mut at, mut is_open) = (0, false);
        loop {
            let bytes = self.window.bytes().get(at..).unwrap_or_default();
            let end = memchr::memchr2_iter(b'"', b'\n', bytes).find(|place| {
                let is_end = bytes.get(*place) == Some(&b'\n');
                is_open ^= !is_end;
                is_end && !is_open
            });
            match end {
                Some(end) => return Ok(at + end),
                None if self.window.is_ended() && !is_open => return Ok(at + bytes.len()),
                None if self.window.is_ended() || at + bytes.len() > LONGEST_ROW => return Ok(line),
                None => {
                    at += bytes.len();
                    self.look_further()?;
                }
            }
        }
    }

    /// What stands behind the junk at hand.
    fn behind_junk(&mut self) -> io::Result<Behind> {
        loop {
            if let Some(found) = behind_junk(self.window.bytes(), self.window.is_ended()) {
                return Ok(found);
            }
            self.look_further()?;
        }
    }

    fn look_further(&mut self) -> io::Result<()> {
        if self.window.is_full() {
            return Err(too_long("line"));
        }
        self.window.double();
        Ok(())
    }
}
