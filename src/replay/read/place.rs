//! Where in a text reading begins or has ended.
//!
//! In: nothing. Out: a place, and what is open there. Must not know: how a file is taken apart.

/// An object or a list whose members are read one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(super) is_list: bool,
    /// The keys that lead to it, joined by dots.
    pub(super) path: String,
    /// Whether an event was found beside the list in it.
    pub(super) is_found: bool,
}

impl Frame {
    /// What was just entered.
    pub(super) fn new(is_list: bool, path: String) -> Self {
        Self { is_list, path, is_found: false }
    }
}

/// Where reading begins or has ended: between two values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The first byte of a value.
    pub(crate) at: u64,
    /// What is open there.
    pub(crate) frames: Vec<Frame>,
}
