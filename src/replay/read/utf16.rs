//! UTF-16, as `PowerShell` writes it, to UTF-8.
//!
//! In: bytes. Out: the same text in UTF-8; a unit without its pair becomes U+FFFD.
//! Must not know: what the text means.

use std::io::{self, Read};

/// Which byte of a unit comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    LowFirst,
    HighFirst,
}

impl Order {
    /// The order of the bytes, if a text begins so: with a byte order mark, or with an ASCII character.
    pub(crate) fn detect(head: &[u8]) -> Option<Self> {
        // Without a mark two ASCII characters show it: in UTF-8 no zero bytes stand between letters.
        match head {
            [0xff, 0xfe, ..] | [b'!'..=b'~', 0, b' '..=b'~' | b'\r' | b'\n', 0, ..] => Some(Self::LowFirst),
            [0xfe, 0xff, ..] | [0, b'!'..=b'~', 0, b' '..=b'~' | b'\r' | b'\n', ..] => Some(Self::HighFirst),
            _ => None,
        }
    }
}

/// A text that is being converted.
pub(crate) struct Utf16<R> {
    source: R,
    order: Order,
    /// Bytes that are read and not converted: part of a character.
    raw: Vec<u8>,
    /// UTF-8 that is not handed over.
    text: Vec<u8>,
    given: usize,
}

const BLOCK: u64 = 64 * 1024;

impl<R: Read> Utf16<R> {
    pub(crate) fn new(source: R, order: Order) -> Self {
        Self { source, order, raw: Vec::new(), text: Vec::new(), given: 0 }
    }

    /// Converts the next bytes; `false` at the end.
    fn convert(&mut self) -> io::Result<bool> {
        let before = self.raw.len();
        self.source.by_ref().take(BLOCK).read_to_end(&mut self.raw)?;
        let is_end = self.raw.len() == before;
        if is_end && self.raw.is_empty() {
            return Ok(false);
        }
        let unit = |pair: &[u8; 2]| match self.order {
            Order::LowFirst => u16::from_le_bytes(*pair),
            Order::HighFirst => u16::from_be_bytes(*pair),
        };
        let (pairs, rest) = self.raw.as_chunks::<2>();
        let mut units: Vec<u16> = pairs.iter().map(unit).collect();
        let mut left = rest.to_vec();
        // The first half of a pair waits for the second.
        if !is_end && units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
            units.pop();
            left = self.raw.get(2 * units.len()..).unwrap_or_default().to_vec();
        }
        self.text.clear();
        self.given = 0;
        for character in char::decode_utf16(units) {
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        self.raw = if is_end { Vec::new() } else { left };
        Ok(true)
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            if !self.convert()? {
                return Ok(0);
            }
        }
        let mut rest = self.text.get(self.given..).unwrap_or_default();
        let read = rest.read(buffer)?;
        self.given += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives() {
        let text = format!("{{\"a\":\"é\u{1f600}\"}}{}", "\u{1f600}".repeat(100_000));
        for (order, mark) in [(Order::LowFirst, [0xff, 0xfe]), (Order::HighFirst, [0xfe, 0xff])] {
            let unit = |unit: u16| match order {
                Order::LowFirst => unit.to_le_bytes(),
                Order::HighFirst => unit.to_be_bytes(),
            };
            let mut bytes: Vec<u8> = text.encode_utf16().flat_map(unit).collect();
            assert_eq!(Order::detect(&bytes), Some(order));
            let mut back = String::new();
            Utf16::new(bytes.as_slice(), order).read_to_string(&mut back).unwrap();
            assert_eq!(back, text);
            bytes.splice(0..0, mark);
            assert_eq!(Order::detect(&bytes), Some(order));
            back.clear();
            Utf16::new(&bytes[..bytes.len() - 1], order).read_to_string(&mut back).unwrap();
            assert!(back.starts_with("\u{feff}{") && back.ends_with("\u{fffd}"), "{}", back.len());
        }
        assert_eq!(Order::detect(b"{\"a"), None);
    }
}
