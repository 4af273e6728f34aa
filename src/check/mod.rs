//! The checker: syntax tree to IR, with everything a senior reviewer would catch.
//!
//! In: a [`Unit`] and a [`Context`]. Out: the rules without errors.
//! Must not know: targets, engines, files.

use jiff::civil::Date;

use crate::catalog::Catalog;
use crate::diag::Diagnostics;
use crate::ir;
use crate::settings::Settings;
use crate::unit::Unit;

/// What the checker may know besides the text.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The sources.
    pub catalog: &'a Catalog,
    /// Parameters and look-back of the organisation.
    pub settings: &'a Settings,
    /// The day on which allowlist entries are judged.
    pub as_of: Date,
}

/// Checks every rule of the unit's file. Rules with errors are left out; their problems are in `diags`.
pub fn check(_unit: &Unit<'_>, _context: &Context<'_>, _diags: &mut Diagnostics) -> Vec<ir::Rule> {
    Vec::new()
}
