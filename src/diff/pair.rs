//! What is compared.
//!
//! In: two rules and the sources they read. Out: the pair of them. Must not know: what differs.

use crate::catalog::Catalog;
use crate::engine::record::Schemas;
use crate::ir::Rule;

/// Two rules and where they look.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) rules: [&'a Rule; 2],
    pub(super) catalog: &'a Catalog,
    pub(super) schemas: &'a Schemas,
}
