//! Who takes what a file is made of.
//!
//! In: values and lines, each with the number of its line. Out: whether and how far they were used.
//! Must not know: how a file is taken apart.

/// Takes what a file is made of.
pub(crate) trait Taker {
    /// A line that begins and ends as an object. Gives `false` if it may not be exactly one value.
    fn line(&mut self, line: &[u8], number: u64) -> bool;
    /// A value, as far as brackets tell, and the line on which it begins. Gives `false` if it is not valid JSON.
    fn value(&mut self, text: &[u8], number: u64) -> bool;
    /// A member beside a list of events: the keys that lead to it, joined by dots, and its value, as far as brackets
    /// tell. Gives whether an event is in it.
    fn member(&mut self, path: &str, text: &[u8], number: u64) -> bool;
    /// A line that does not begin as a value does, or what stands behind a value on its line.
    ///
    /// `may_go_on` says whether more lines can be given with it.
    fn text(&mut self, line: &[u8], number: u64, may_go_on: bool) -> Text;
    /// Something is wrong on a line.
    fn broken(&mut self, broken: Broken, number: u64);
}

/// What a text is that does not begin as a value does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// A line of columns or their names, used as a whole.
    Columns,
    /// Something in front of a value, which begins at this byte.
    Prefix(usize),
    /// A row of CSV that ends within a cell, so that it goes on on the next line. Nothing was counted.
    Open,
    /// Nothing of use. It was counted, and values may stand behind it.
    Junk,
}

/// What can be wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// This is no JSON.
    NotJson,
    /// The file ends within a value.
    CutOff,
    /// The file ends within a list or an object whose members are read one by one, behind one of them.
    Unclosed,
}
