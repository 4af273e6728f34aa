//! The text of a log file to JSON values and lines, whatever stands around them.
//!
//! In: the bytes of a file as they come, the lists in which a source has its events. Out: each value and each line, to
//! a [`Taker`]. Must not know: rules, what an event is.
//!
//! Values may follow one another with or without line ends and commas, in lists after lists, in objects that hold such
//! a list in any place and more than once, pretty-printed or not. What is not JSON is passed on line by line. Nothing
//! is left out silently: where a value is broken, it is reported, and reading goes on at the next one.
//!
//! A file is never held as a whole: of a list only the item at hand is. A list is entered at once when it is the first
//! member of its object, else when its object does not end within the bytes at hand.

use std::io::{self, Read};

use super::container::{is_empty_list, join, leads_to_events, open_container};
use super::place::{Frame, Place};
use super::scan::{
    End, Member, end_of_brackets, end_of_value, first_member, holds_json, member, next_like_it, separators,
};
use super::taker::{Broken, Taker};
use super::window::Window;

/// So many bytes may be looked at in vain, in values that are broken, before the rest of a file is given up: some
/// hostile files are nothing but beginnings of values.
const PATIENCE: u64 = 1 << 32;

/// Takes a file apart.
#[derive(Debug)]
pub(crate) struct Splitter<'c, R> {
    pub(super) window: Window<'c, R>,
    /// Dotted paths of lists of events.
    containers: &'c [String],
    frames: Vec<Frame>,
    /// Whether only separators stand between the beginning of the line and here.
    pub(super) is_line_start: bool,
    is_cut: bool,
    in_vain: u64,
    /// Zero bytes since the last value.
    zeros: u64,
    /// Line ends before the line that is number 1.
    first_line: u64,
}

impl<'c, R: Read> Splitter<'c, R> {
    /// Begins to take a text apart, with `frames` open.
    pub(crate) fn new(window: Window<'c, R>, containers: &'c [String], frames: Vec<Frame>) -> Self {
        Self {
            window,
            containers,
            frames,
            is_line_start: true,
            is_cut: false,
            in_vain: 0,
            zeros: 0,
            first_line: 0,
        }
    }

    /// Passes over the rest of a line, if it ends before byte `end`.
    pub(crate) fn skip_line(&mut self, end: u64) {
        loop {
            if let Some(length) = self.window.line() {
                return self.window.take(length);
            }
            self.window.take(self.window.bytes().len());
            if self.window.place() >= end || !self.window.more() {
                return;
            }
        }
    }

    /// The place of the next value; `None` at the end.
    pub(crate) fn next_place(&mut self) -> Option<Place> {
        self.next()?;
        Some(Place { at: self.window.place(), frames: self.frames.clone() })
    }

    /// Gives all values that begin before byte `end` to `taker`.
    ///
    /// # Errors
    /// When the text cannot be read to its end; what came before was given.
    pub(crate) fn run(&mut self, end: u64, taker: &mut impl Taker) -> io::Result<()> {
        while let Some(byte) = self.next() {
            if self.window.place() >= end {
                return Ok(());
            }
            let in_list = self.frames.last().is_none_or(|frame| frame.is_list);
            match byte {
                b'{' if in_list => self.object(taker)?,
                b'[' if in_list => self.enter(1, true, self.path().to_owned()),
                b'}' | b']' => self.leave(byte, taker),
                b'"' if !in_list => self.member(taker)?,
                _ if !in_list => {
                    taker.broken(Broken::NotJson, self.number());
                    self.frames.pop();
                }
                b'"' if self.frames.is_empty() && self.is_json_in_string() => self.scalar(taker)?,
                // Columns and prefixed lines stand outside of lists; within one there are only values.
                _ if self.frames.is_empty() => self.text(taker)?,
                _ => self.scalar(taker)?,
            }
        }
        if let Some(problem) = self.window.problem() {
            return Err(problem);
        }
        if !self.frames.is_empty() && !self.is_cut {
            taker.broken(Broken::Unclosed, self.number());
        }
        Ok(())
    }

    /// Zero bytes at the end.
    pub(crate) fn trailing_zeros(&self) -> u64 {
        self.zeros
    }

    /// The window, at the end of what was used.
    pub(crate) fn window(&self) -> &Window<'c, R> {
        &self.window
    }

    /// Gives the buffer back.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.window.into_buffer()
    }

    /// The number of the line at hand.
    pub(super) fn number(&self) -> u64 {
        self.window.lines() - self.first_line + 1
    }

    /// Line ends since the line that is number 1.
    pub(crate) fn lines(&self) -> u64 {
        self.window.lines() - self.first_line
    }

    /// Counts lines from the one at hand on.
    pub(crate) fn count_lines_from_here(&mut self) {
        self.first_line = self.window.lines();
    }

    fn path(&self) -> &str {
        self.frames.last().map_or("", |frame| frame.path.as_str())
    }

    fn enter(&mut self, length: usize, is_list: bool, path: String) {
        self.take(length);
        self.frames.push(Frame::new(is_list, path));
    }

    pub(super) fn take(&mut self, length: usize) {
        self.window.take(length);
        self.is_line_start = false;
    }

    fn cut_off(&mut self, taker: &mut impl Taker) {
        if !std::mem::replace(&mut self.is_cut, true) && !self.window.has_problem() {
            taker.broken(Broken::CutOff, self.number());
        }
    }

    /// The first byte of what comes next, behind separators.
    fn next(&mut self) -> Option<u8> {
        loop {
            let bytes = self.window.bytes();
            // Mostly just a line end.
            if let [b'\n', byte @ (b'{' | b'0'..=b'9'), ..] = bytes {
                let byte = *byte;
                self.window.take(1);
                (self.is_line_start, self.zeros) = (true, 0);
                return Some(byte);
            }
            let (length, ends_line, zeros) = separators(bytes);
            let next = bytes.get(length).copied();
            self.window.take(length);
            self.is_line_start |= ends_line;
            self.zeros += zeros;
            match next {
                // A byte order mark may come in two parts.
                Some(0xef) if self.window.bytes().len() < 3 && self.window.more() => {}
                Some(byte) => {
                    self.zeros = 0;
                    return Some(byte);
                }
                None if self.window.more() => {}
                None => return None,
            }
        }
    }

    /// An object where a value should be.
    fn object(&mut self, taker: &mut impl Taker) -> io::Result<()> {
        // Enough for the first key, unless the text ends.
        if self.window.bytes().len() < 256 && self.window.line().is_none() {
            self.window.more();
        }
        if self.enters_container() {
            return Ok(());
        }
        if self.is_line_start
            && let Some(length) = self.whole_line()
            && let Some(line) = self.window.bytes().get(..length)
            && taker.line(line, self.number())
        {
            self.take(length);
            return Ok(());
        }
        self.value(taker)
    }

    /// Enters an object whose first member is or leads to a list of events.
    fn enters_container(&mut self) -> bool {
        let bytes = self.window.bytes();
        let inside = bytes.get(1..).unwrap_or_default().trim_ascii_start();
        let Some((key, value)) = (inside.first() == Some(&b'"')).then(|| first_member(inside)).flatten()
        else {
            return false;
        };
        // The members of an item of a list are looked for as those of a whole text are.
        let path = join("", key);
        let Some(is_list) = leads_to_events(self.containers, &path, value) else { return false };
        // Its events are elsewhere in the object, or it is one itself.
        if is_empty_list(value) {
            return false;
        }
        self.enter(bytes.len() - value.len(), false, String::new());
        self.enter(1, is_list, path);
        true
    }

    /// The length of the line at hand if, by its ends and what follows, it is one or more whole values: an object that
    /// goes on behind a `}` at the end of a line does so with a comma, a closing bracket or a colon.
    fn whole_line(&mut self) -> Option<usize> {
        let length = self.window.line()?;
        let (line, after) = self.window.bytes().split_at_checked(length)?;
        let line = line.trim_ascii_end();
        if line.last() != Some(&b'}') {
            return None;
        }
        match after.trim_ascii_start().first() {
            Some(b',' | b'}' | b']' | b':') => None,
            // What follows is not at hand, so whether the object goes on cannot be told.
            None if !self.window.is_ended() => None,
            Some(_) | None => Some(line.len()),
        }
    }

    /// A value, from its first byte to its last.
    fn value(&mut self, taker: &mut impl Taker) -> io::Result<()> {
        loop {
            match end_of_brackets(self.window.bytes()) {
                End::At(length) => {
                    self.give(length, taker);
                    return Ok(());
                }
                End::Broken(length) => {
                    taker.broken(Broken::NotJson, self.number());
                    self.skip_broken(length);
                    return Ok(());
                }
                End::Open if self.window.is_ended() || self.window.is_full() => {
                    return self.open_value(taker);
                }
                End::Open => self.window.double(),
            }
        }
    }

    fn give(&mut self, length: usize, taker: &mut impl Taker) {
        let number = self.number();
        let text = self.window.bytes().get(..length).unwrap_or_default();
        if taker.value(text, number) {
            self.take(length);
        } else {
            self.skip_broken(length);
        }
    }

    /// Passes over a broken value of this length, but not over another one like it within: a lost quotation mark lets a
    /// value seem to end far behind its end.
    fn skip_broken(&mut self, length: usize) {
        let next = next_like_it(self.window.bytes().get(..length).unwrap_or_default());
        self.in_vain += length as u64;
        self.take(next.unwrap_or(length));
    }

    /// A value that does not end in the bytes at hand, though there are no more, or too many already.
    fn open_value(&mut self, taker: &mut impl Taker) -> io::Result<()> {
        let bytes = self.window.bytes();
        if let Some((length, frames)) = open_container(self.containers, bytes) {
            self.take(length);
            self.frames.extend(frames);
            return Ok(());
        }
        let length = bytes.len();
        self.in_vain += length as u64;
        let next = next_like_it(bytes).filter(|_| self.in_vain < PATIENCE);
        if let Some(next) = next {
            taker.broken(Broken::NotJson, self.number());
            self.take(next);
        } else if self.window.is_ended() {
            self.cut_off(taker);
            self.take(length);
        } else {
            return Err(too_long("value"));
        }
        Ok(())
    }

    /// A member of an object that was entered: more events, or something that is passed over.
    fn member(&mut self, taker: &mut impl Taker) -> io::Result<()> {
        match member(self.window.bytes()) {
            Member::Open if self.window.is_ended() || self.window.is_full() => {
                self.cut_off(taker);
                self.take(self.window.bytes().len());
            }
            Member::Open => self.window.double(),
            Member::Broken => {
                taker.broken(Broken::NotJson, self.number());
                self.frames.pop();
                self.take(1);
            }
            Member::At(key, at) => {
                let path = join(self.path(), key);
                let value = self.window.bytes().get(at..).unwrap_or_default();
                if let Some(is_list) = leads_to_events(self.containers, &path, value) {
                    self.enter(at + 1, is_list, path);
                } else {
                    return self.pass_over(&path, at, taker);
                }
            }
        }
        Ok(())
    }

    /// Passes over the value that begins `at` bytes from here, unless it holds an event beside the list.
    fn pass_over(&mut self, path: &str, at: usize, taker: &mut impl Taker) -> io::Result<()> {
        loop {
            match end_of_value(self.window.bytes().get(at..).unwrap_or_default()) {
                End::At(length) => {
                    let (number, frame) = (self.number(), self.frames.last_mut());
                    let text = self.window.bytes().get(at..at + length).unwrap_or_default();
                    // Another member may hold the same event once more.
                    if let Some(frame) = frame.filter(|frame| !frame.is_found) {
                        frame.is_found = taker.member(path, text, number);
                    }
                    self.take(at + length);
                }
                End::Broken(length) => {
                    taker.broken(Broken::NotJson, self.number());
                    self.frames.pop();
                    self.take(at + length);
                }
                End::Open if self.window.is_ended() => {
                    self.cut_off(taker);
                    self.take(self.window.bytes().len());
                }
                End::Open if self.window.is_full() => {
                    return Err(too_long("value"));
                }
                End::Open => {
                    self.window.double();
                    continue;
                }
            }
            return Ok(());
        }
    }

    /// A closing bracket between values.
    fn leave(&mut self, byte: u8, taker: &mut impl Taker) {
        match self.frames.pop() {
            Some(frame) if frame.is_list == (byte == b']') => self.take(1),
            // The list or object that was left is not the one that ends: it was cut off, and another file follows.
            Some(_) => taker.broken(Broken::NotJson, self.number()),
            None => {
                taker.broken(Broken::NotJson, self.number());
                let closing = |byte: &u8| b"}], \t\r".contains(byte);
                let length = self.window.bytes().iter().take_while(|byte| closing(byte)).count();
                self.take(length);
            }
        }
    }

    /// Whether a string begins here whose text is JSON. CSV doubles the quotation marks of JSON in a cell.
    fn is_json_in_string(&mut self) -> bool {
        // Enough for its beginning, unless the text ends.
        if self.window.bytes().len() < 16 {
            self.window.more();
        }
        holds_json(self.window.bytes())
    }

    /// A number, a word or a string in a list of events.
    fn scalar(&mut self, taker: &mut impl Taker) -> io::Result<()> {
        match end_of_value(self.window.bytes()) {
            End::At(0) => {
                taker.broken(Broken::NotJson, self.number());
                self.take(1);
            }
            End::At(length) | End::Broken(length) => {
                let text = self.window.bytes().get(..length).unwrap_or_default();
                taker.value(text, self.number());
                self.take(length);
            }
            End::Open if self.window.is_ended() => {
                self.cut_off(taker);
                self.take(self.window.bytes().len());
            }
            End::Open if self.window.is_full() => {
                return Err(too_long("value"));
            }
            End::Open => self.window.double(),
        }
        Ok(())
    }
}

pub(super) fn too_long(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a {what} of more than 256 MiB"))
}
