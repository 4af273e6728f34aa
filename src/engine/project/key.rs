//! Keys of objects, compared fast.
//!
//! In: texts. Out: whether they are one key. Must not know: paths, events.

/// A key that is compared by its length and its first bytes before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) beginning: u64,
    pub(super) text: String,
}

impl Key {
    pub(super) fn new(text: &str) -> Self {
        Self { beginning: Self::beginning(text), text: text.to_owned() }
    }

    #[inline]
    pub(super) fn beginning(text: &str) -> u64 {
        let bytes = text.as_bytes();
        if let Some(first) = bytes.first_chunk() {
            return u64::from_le_bytes(*first);
        }
        // The first and the last four bytes: of five to seven bytes they overlap, and with the length they still
        // determine the text.
        match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => {
                u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
            }
            _ => bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
        }
    }

    /// Eight bits.
    pub(super) fn hash(beginning: u64, length: usize) -> u64 {
        // 2^64 divided by the golden ratio: the product spreads keys that differ in a few bits over its highest bits.
        (beginning ^ length as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56
    }

    pub(super) fn is(&self, text: &str, beginning: u64) -> bool {
        // Up to eight bytes, the beginning and the length determine the text.
        self.beginning == beginning && self.text.len() == text.len() && (text.len() <= 8 || self.text == text)
    }
}
