//! JSON as logs mostly write it, read faster than JSON in general.
//!
//! In: the text of one value. Out: a serde deserialiser of it. What has an escape, a fraction, a number of more than 18
//! digits or any other thing out of the ordinary is refused as [`Unsupported`], also what is broken: a full parser has
//! to look at it. Must not know: sources, rules. What it accepts is valid JSON and means what it means to the full
//! parser.

use std::fmt;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Not for this reader.
#[derive(Debug)]
pub(crate) struct Unsupported;

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unsupported or broken JSON")
    }
}

impl std::error::Error for Unsupported {}

impl serde::de::Error for Unsupported {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Deeper values are left to the full parser.
const DEEPEST: usize = 64;
// So many always fit into an `i64`.
const MOST_DIGITS: usize = 18;

/// A text that is being read.
#[derive(Debug)]
pub(crate) struct FastJson<'de> {
    text: &'de str,
    at: usize,
}

impl<'de> FastJson<'de> {
    pub(crate) fn new(text: &'de str) -> Self {
        Self { text, at: 0 }
    }

    /// Whether nothing is left.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.next().is_none()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The first byte that is no space.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        loop {
            match self.peek()? {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    fn expect(&mut self, wanted: u8) -> Result<(), Unsupported> {
        if self.next() == Some(wanted) {
            self.at += 1;
            return Ok(());
        }
        Err(Unsupported)
    }

    fn word(&mut self, word: &str) -> Result<(), Unsupported> {
        let rest = self.text.as_bytes().get(self.at..).ok_or(Unsupported)?;
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        Err(Unsupported)
    }

    /// The string that begins here.
    #[inline]
    fn string(&mut self) -> Result<&'de str, Unsupported> {
        self.expect(b'"')?;
        let rest = self.text.as_bytes().get(self.at..).ok_or(Unsupported)?;
        let length = plain_length(rest);
        if rest.get(length) != Some(&b'"') {
            return Err(Unsupported);
        }
        let begins = self.at;
        self.at += length + 1;
        self.text.get(begins..begins + length).ok_or(Unsupported)
    }

    /// The size of the whole number that begins here, after its sign.
    fn digits(&mut self) -> Result<u64, Unsupported> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let (mut number, mut length) = (0_u64, 0);
        // A digit too many shows that there are too many, and still does not overflow.
        for byte in rest.iter().take(MOST_DIGITS + 1) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            number = number * 10 + u64::from(digit);
            length += 1;
        }
        self.at += length;
        let leads_with_zero = rest.first() == Some(&b'0') && length > 1;
        let goes_on = matches!(self.peek(), Some(b'.' | b'e' | b'E'));
        let unsupported = length == 0 || length > MOST_DIGITS || leads_with_zero || goes_on;
        if unsupported { Err(Unsupported) } else { Ok(number) }
    }

    fn negative(&mut self) -> Result<i64, Unsupported> {
        self.at += 1;
        let size = i64::try_from(self.digits()?).map_err(|_| Unsupported)?;
        // `-0` is a decimal to `serde_json`.
        if size == 0 { Err(Unsupported) } else { Ok(-size) }
    }

    /// Skips one value.
    fn skip(&mut self, depth: usize) -> Result<(), Unsupported> {
        match self.next().ok_or(Unsupported)? {
            b'"' => self.string().map(|_| ()),
            b'{' | b'[' if depth >= DEEPEST => Err(Unsupported),
            b'{' => {
                self.at += 1;
                let mut first = true;
                while self.goes_on(b'}', std::mem::take(&mut first))? {
                    self.string()?;
                    self.expect(b':')?;
                    self.skip(depth + 1)?;
                }
                Ok(())
            }
            b'[' => {
                self.at += 1;
                let mut first = true;
                while self.goes_on(b']', std::mem::take(&mut first))? {
                    self.skip(depth + 1)?;
                }
                Ok(())
            }
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            b'-' => self.negative().map(|_| ()),
            _ => self.digits().map(|_| ()),
        }
    }

    /// Whether another item comes before the closing bracket `end`; skips the comma or the bracket.
    fn goes_on(&mut self, end: u8, first: bool) -> Result<bool, Unsupported> {
        let byte = self.next().ok_or(Unsupported)?;
        if byte == end {
            self.at += 1;
            return Ok(false);
        }
        if first {
            return Ok(true);
        }
        self.expect(b',')?;
        if self.next() == Some(end) { Err(Unsupported) } else { Ok(true) }
    }
}

/// How many bytes come before the first quotation mark, backslash or control character. Eight at a time: subtracting
/// from each byte what it must not be below, or from its difference to what it must not be, borrows from its highest
/// bit.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    // A borrow may mark bytes behind the first one that is found, never before it, and the first one is all that
    // counts.
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word & HIGHS;
    let mut length = 0;
    while let Some(eight) = bytes.get(length..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*eight);
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
        let found = quote | backslash | below(word, 0x20);
        if found != 0 {
            return length + (found.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    let rest = bytes.get(length..).unwrap_or_default();
    length + rest.iter().take_while(|byte| **byte >= 0x20 && !b"\"\\".contains(byte)).count()
}

impl<'de> Deserializer<'de> for &mut FastJson<'de> {
    type Error = Unsupported;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unsupported> {
        match self.next().ok_or(Unsupported)? {
            b'"' => visitor.visit_borrowed_str(self.string()?),
            b'{' => self.deserialize_map(visitor),
            b'[' => {
                self.at += 1;
                visitor.visit_seq(Items { json: self, first: true })
            }
            b't' => self.word("true").and_then(|()| visitor.visit_bool(true)),
            b'f' => self.word("false").and_then(|()| visitor.visit_bool(false)),
            b'n' => self.word("null").and_then(|()| visitor.visit_unit()),
            b'-' => visitor.visit_i64(self.negative()?),
            _ => visitor.visit_u64(self.digits()?),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unsupported> {
        self.expect(b'{')?;
        visitor.visit_map(Items { json: self, first: true })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unsupported> {
        // Depth counts from here: above, values are no deeper than the paths that are read.
        self.skip(0)?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct struct enum identifier
    }
}

/// What is between two brackets.
struct Items<'p, 'de> {
    json: &'p mut FastJson<'de>,
    first: bool,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Unsupported;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unsupported> {
        if self.json.goes_on(b']', std::mem::take(&mut self.first))? {
            return seed.deserialize(&mut *self.json).map(Some);
        }
        Ok(None)
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = Unsupported;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unsupported> {
        let first = std::mem::take(&mut self.first);
        // Mostly there is no space between two entries.
        let rest = self.json.text.as_bytes().get(self.json.at..).unwrap_or_default();
        if !first && rest.starts_with(b",\"") {
            self.json.at += 1;
        } else if !self.json.goes_on(b'}', first)? {
            return Ok(None);
        }
        seed.deserialize(BorrowedStrDeserializer::new(self.json.string()?)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unsupported> {
        self.json.expect(b':')?;
        seed.deserialize(&mut *self.json)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    fn read(text: &str) -> Option<Value> {
        let mut json = FastJson::new(text);
        Value::deserialize(&mut json).ok().filter(|_| json.is_at_end())
    }

    fn skips(text: &str) -> bool {
        let mut json = FastJson::new(text);
        serde::de::IgnoredAny::deserialize(&mut json).is_ok() && json.is_at_end()
    }

    #[test]
    fn the_ordinary_is_read() {
        for text in [
            r#"{"a":1,"b":[],"c":{},"d":[1,-2,0],"e":"é, x","f":null,"g":true,"h":false,"long enough":"0123456789abcdef"}"#,
            " {\t\"a\" : [ 1 , { \"b\" : \"\" } ] }\r\n",
            r#""x""#,
        ] {
            assert_eq!(read(text), Some(serde_json::from_str(text).unwrap()), "{text}");
            assert!(skips(text), "{text}");
        }
    }

    #[test]
    fn the_rest_is_refused() {
        for text in [
            r#""\n""#,
            "\"\t\"",
            "\"\u{7f}\\\"",
            "1.5",
            "1e3",
            "-0",
            "01",
            "-",
            "1234567890123456789",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{,}",
            r#"{"a":1,}"#,
            r#"{"a"}"#,
            r#"{"a" 1}"#,
            r"{a:1}",
            r#"{"a":1"#,
            "[",
            "tru",
            "nul",
            "",
            " ",
            "1 1",
            "\"a",
            "}",
            "]",
            "+1",
        ] {
            assert_eq!(read(text), None, "{text}");
            assert!(!skips(text), "{text}");
        }
        assert!(!skips(&"[".repeat(100_000)));
    }

    proptest! {
        #[test]
        fn what_is_accepted_means_the_same(text in r#"([\[\]{},:" \\tn]|[-+]?[0-9]{1,3}|"[a-zé\x00-\x1f\\"]{0,20}"|"k":|true|null|[0-9]e1|\.5){0,12}"#) {
            if let Some(value) = read(&text) {
                prop_assert_eq!(value, serde_json::from_str::<Value>(&text).unwrap());
                prop_assert!(skips(&text));
            }
        }

        #[test]
        fn the_end_of_a_string_is_found(bytes in prop::collection::vec(prop::sample::select(vec![0_u8, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x5b, 0x5c, 0x5d, 0x7f, 0x80, 0xa2, 0xdc, 0xff]), 0..40)) {
            let slow = bytes.iter().position(|byte| *byte < 0x20 || b"\"\\".contains(byte)).unwrap_or(bytes.len());
            prop_assert_eq!(plain_length(&bytes), slow);
        }
    }
}
