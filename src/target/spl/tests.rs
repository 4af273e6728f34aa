use super::*;
use crate::diag::Diagnostics;
use crate::target::{Emission, Options, compile, fixture};

fn emission(rule: &ir::Rule, options: &Options) -> Result<Emission, Vec<String>> {
    let catalog = fixture::catalog();
    let mut diags = Diagnostics::default();
    let job = Job { rule, catalog: &catalog, options };
    compile(&job, &Spl, &mut diags)
        .ok_or_else(|| diags.into_sorted().into_iter().map(|found| format!("{found:?}")).collect())
}

#[test]
fn an1318() {
    let emission = emission(&fixture::an1318(), &Options::default()).unwrap();
    insta::with_settings!({ snapshot_path => "../../../snapshots/spl", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("an1318", emission.parts[0].text);
    });
}
