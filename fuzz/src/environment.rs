//! Environment files (`catena.yaml`) and source files.
//!
//! In: the text of one. Promises: what is wrong has a place in the text, and nothing is compiled under it; what is
//! right has the form that editors are told of, and compiles the shipped rules, or says why not, and their tests can
//! run.

use catena::catalog::{Catalog, keys};
use catena::diag::Diagnostics;
use catena::form::{self, Document, Form};
use catena::project::CompileOptions;
use catena::replay::Plan;
use catena::settings::{self, Settings};
use catena::source::{SourceFile, Sources};

use super::files::{CATALOG, LIST, SHIPPED, Texts, compiled, tested};
use super::findings::shown;

/// Any text is an environment file.
pub(crate) fn environment(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    judged(text, settings::keys::ENVIRONMENT, |document, _, diags| _ = Settings::read(document, diags));
    compiles(|rule| Texts { environment: Some(text), ..Texts::of(rule, LIST) });
}

/// Any text is a source file.
pub(crate) fn source(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if !text.contains("extends") {
        judged(text, keys::SOURCE, |_, sources, diags| {
            let ids: Vec<_> = sources.iter().map(|(id, _)| id).collect();
            Catalog::clone(&CATALOG).read(&ids, sources, diags);
        });
    }
    compiles(|rule| Texts { source: Some(text), ..Texts::of(rule, LIST) });
}

/// What is read without a finding has the form; what is found has a place.
fn judged(
    text: &str,
    form: &'static [form::Key],
    read: impl Fn(&std::sync::Arc<Document>, &Sources, &mut Diagnostics),
) {
    let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
    let id = sources.add(SourceFile::new("file.yaml", text));
    let document = Document::of(id, &sources).expect("just added");
    read(&document, &sources, &mut diags);
    if diags.is_empty() && document.tree().is_ok_and(|tree| tree.content != catena::yaml::Content::Null) {
        let checked = form::check(&document, &Form::Keys(form), &mut diags);
        assert!(checked.is_some() && diags.is_empty(), "{diags:?}");
    }
    shown(diags, &sources);
}

fn compiles<'a>(texts: impl Fn(&'a str) -> Texts<'a>) {
    for rule in SHIPPED {
        let mut session = texts(rule).open().expect("a source file that can be read");
        compiled(&mut session, CompileOptions::default());
        for file in &session.files {
            assert!(file.rules.is_empty() || !file.environment.broken);
            tested(file, &session.found.sources);
            let options = catena::replay::Options::default();
            assert!(Plan::new(&file.rules, &file.environment.catalog, &options).is_ok());
        }
        shown(session.found.diags, &session.found.sources);
    }
}
