//! Who does the work: one after another, or several at a time.
//!
//! In: items and what to do with each. Out: what came of them, in their order. Must not know: what the work is. A
//! project starts no threads; whoever has some, such as the command line, lends them through [`Workers`].

/// Does work for a project.
pub trait Workers: Sync + std::fmt::Debug {
    /// Does `work` with every item; the answers are in the order of the items.
    fn map<T: Send, R: Send>(&self, items: Vec<T>, work: impl Fn(T) -> R + Send + Sync) -> Vec<R>;

    /// Does two things, maybe at the same time.
    fn both<A: Send, B: Send>(
        &self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B);
}

/// Does one thing after another.
#[derive(Debug, Clone, Copy, Default)]
pub struct InTurn;

impl Workers for InTurn {
    fn map<T: Send, R: Send>(&self, items: Vec<T>, work: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
        items.into_iter().map(work).collect()
    }

    fn both<A: Send, B: Send>(
        &self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        (one(), other())
    }
}
