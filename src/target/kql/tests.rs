//! Whole queries and single tests, as text.

use crate::target::fixture;
use crate::target::{Emission, Job, Options};
use crate::{diag::Diagnostics, ir::Rule};

fn emit_with(rule: &Rule, options: &Options) -> Emission {
    let catalog = fixture::catalog();
    let mut diags = Diagnostics::default();
    let job = Job { rule, catalog: &catalog, options };
    let emission = crate::target::compile(&job, &super::Kql, &mut diags);
    emission.unwrap_or_else(|| panic!("{:?}", diags.into_sorted()))
}

#[test]
fn an1318() {
    let emission = emit_with(&fixture::an1318(), &Options::default());
    eprintln!("{}", emission.parts[0].text);
}
