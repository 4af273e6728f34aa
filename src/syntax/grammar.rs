//! The grammar as a parser.
//!
//! In: a rule and a text. Out: pairs, or the furthest place it got to and what could have stood there.
//! Must not know: files, spans, diagnostics.

use std::num::NonZeroUsize;
use std::sync::Once;

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};

/// One node of the concrete tree.
pub(super) type Pair<'i> = pest::iterators::Pair<'i, Rule>;

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/chain.pest"]
struct Grammar;

/// More steps than the largest file allowed takes: a bound against the unforeseen, not a limit of the language.
const STEPS: Option<NonZeroUsize> = NonZeroUsize::new(400_000_000);
static BOUND: Once = Once::new();
// The crate's guard of the stack, a part of its feature `std`, is left out: it looks at the stack before every rule,
// and the scan before the grammar bounds nesting.

/// Where a parse stopped, from the start of the text given, and what it wanted there.
#[derive(Debug)]
pub(super) struct Stopped {
    /// The byte offset.
    pub(super) at: usize,
    /// What could have stood there.
    pub(super) wanted: Vec<Rule>,
}

/// Parses `text` by a rule.
pub(super) fn parse(by: Rule, text: &str) -> Result<Option<Pair<'_>>, Stopped> {
    BOUND.call_once(|| pest::set_call_limit(STEPS));
    Grammar::parse(by, text).map(|mut pairs| pairs.next()).map_err(|error| stopped(&error))
}

fn stopped(error: &pest::error::Error<Rule>) -> Stopped {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let wanted = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.clone(),
        ErrorVariant::CustomError { .. } => Vec::new(),
    };
    Stopped { at, wanted }
}
