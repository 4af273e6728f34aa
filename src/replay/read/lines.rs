//! Text to lines, without copying them.
//!
//! In: a reader. Out: each line with its number, lent to the caller.
//! Must not know: what a line means.

use std::io::{self, Read};

/// A longer line is not an event of any log.
const LONGEST: usize = 256 * 1024 * 1024;
const BLOCK: usize = 1024 * 1024;

/// What a caller of [`each`] wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Line,
    Stop,
}

/// Calls `line` with every line that begins before byte `end` of `reader`, without its line end and with its number
/// from 1. What `buffer` holds does not matter; it grows to the longest line and can be used again. If `inside` is set,
/// the reader begins within a line that belongs to the chunk before.
pub(crate) fn each(
    mut reader: impl Read,
    buffer: &mut Vec<u8>,
    inside: bool,
    end: u64,
    mut line: impl FnMut(&[u8], u64) -> Next,
) -> io::Result<u64> {
    let mut filled = 0;
    buffer.resize(buffer.len().max(BLOCK), 0);
    let (mut offset, mut number, mut skipping) = (0, 0, inside);
    // Bytes at the start of the buffer that hold no line end, so that a long line is searched once.
    let mut searched = 0;
    loop {
        let read = reader.read(buffer.get_mut(filled..).unwrap_or_default())?;
        filled += read;
        let ended = read == 0;
        let mut rest = buffer.get(..filled).unwrap_or_default();
        while let Some((found, after)) = cut(rest, std::mem::take(&mut searched), ended) {
            let begins = offset;
            offset += (rest.len() - after.len()) as u64;
            rest = after;
            if std::mem::take(&mut skipping) {
                continue;
            }
            if begins >= end {
                return Ok(number);
            }
            number += 1;
            if line(found.strip_suffix(b"\r").unwrap_or(found), number) == Next::Stop {
                return Ok(number);
            }
        }
        if ended {
            return Ok(number);
        }
        let left = rest.len();
        buffer.copy_within(filled - left..filled, 0);
        filled = left;
        searched = left;
        if filled == buffer.len() {
            if filled >= LONGEST {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line of more than 256 MiB"));
            }
            buffer.resize(filled * 2, 0);
        }
    }
}

/// The first line and what follows it; at the end of the text also a line without a line end.
fn cut(text: &[u8], searched: usize, ended: bool) -> Option<(&[u8], &[u8])> {
    match memchr::memchr(b'\n', text.get(searched..)?).map(|at| at + searched) {
        Some(at) => Some((text.get(..at)?, text.get(at + 1..)?)),
        None if ended && !text.is_empty() => Some((text, &[])),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, inside: bool, end: u64) -> Vec<String> {
        let mut found = Vec::new();
        each(text.as_bytes(), &mut Vec::new(), inside, end, |line, number| {
            found.push(format!("{number}:{}", String::from_utf8_lossy(line)));
            Next::Line
        })
        .unwrap();
        found
    }

    #[test]
    fn lines_belong_to_the_piece_they_begin_in() {
        assert_eq!(lines("a\r\nb\n\nc", false, u64::MAX), ["1:a", "2:b", "3:", "4:c"]);
        assert_eq!(lines("", false, u64::MAX), [""; 0]);
        let text = "first\nsecond\nthird\n";
        for cut in 1..text.len() {
            // The later chunk begins one byte early, so that a line end just before it counts.
            let mut both = lines(text, false, cut as u64);
            both.extend(
                lines(text.get(cut - 1..).unwrap(), true, u64::MAX).iter().map(|line| format!("+{line}")),
            );
            let plain: Vec<_> = both.iter().map(|line| line.split_once(':').unwrap().1).collect();
            assert_eq!(plain, ["first", "second", "third"], "cut at {cut}");
        }
    }

    #[test]
    fn long_lines_grow_the_buffer() {
        let long = "x".repeat(3 * BLOCK);
        let text = format!("a\n{long}\nb");
        assert_eq!(
            lines(&text, false, u64::MAX).iter().map(String::len).collect::<Vec<_>>(),
            [3, 3 * BLOCK + 2, 3]
        );
    }
}
