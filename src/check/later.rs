//! Clauses that are read and checked, and that nothing runs yet.
//!
//! In: a chain as written. Out: a finding for each such clause: a rule that no engine and no target heeds in full must
//! not pass. Must not know: what the clauses mean.

use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{Chain, ChainItem};

use super::sink::Sink;

/// Refuses the clauses.
pub(super) fn refuse(sink: &mut Sink, chain: &Chain) {
    let links = chain.items.iter().flat_map(|item| match item {
        ChainItem::Then(then) => then.links.as_slice(),
        ChainItem::Step(_) | ChainItem::Together(_) => &[],
    });
    for at in
        links.flat_map(|link| std::iter::once(&link.left).chain(&link.right)).filter_map(|side| side.any)
    {
        let found = Diagnostic::new(Code::NotYet, at, "`any` in a link is reserved for a later version");
        sink.report(
            found.label("not part of the language yet").help("it will link fields with several values"),
        );
    }
}
