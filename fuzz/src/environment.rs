//! Environment files (`catena.yaml`) and source files.
//!
//! In: the text of one. Promises: what is wrong has a place in the text; what is right compiles the shipped rules, or
//! says why not, and their tests can run.

use catena::backend::Options;
use catena::catalog::Catalog;
use catena::replay::Plan;
use catena::settings::Settings;
use catena::yaml::ReadError;

use super::files::{CATALOG, Files, LIST, SHIPPED};
use super::findings::shown;

/// Any text is an environment file.
pub(crate) fn environment(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut catalog = CATALOG.clone();
    match Settings::read(text) {
        Ok(settings) => {
            if settings.apply(&mut catalog).is_empty() {
                compiles(&catalog, &settings);
            }
        }
        Err(error) => is_placed(&error, text),
    }
}

/// Any text is a source file.
pub(crate) fn source(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut catalog = CATALOG.clone();
    match catalog.add("source.yaml", text) {
        Ok(()) => compiles(&catalog, &Settings::default()),
        Err(error) => assert!(error.to_string().starts_with("source.yaml: "), "{error}"),
    }
}

fn is_placed(error: &ReadError, text: &str) {
    assert!(!error.message.is_empty() && !error.message.contains('\n'), "{error:?}");
    assert!(error.offset.is_none_or(|at| text.is_char_boundary(at)), "{error:?}");
}

fn compiles(catalog: &Catalog, settings: &Settings) {
    let options = Options { lists: settings.lists, ..Options::default() };
    for text in SHIPPED {
        let mut files = Files::with_list(LIST);
        let file = files.parse("rule.chain", text);
        let rules = files.check(&file, catalog, settings);
        for rule in &rules {
            files.compile(rule, catalog, &options);
            files.test(rule, catalog);
        }
        assert!(Plan::new(&rules, catalog, &catena::replay::Options::default()).is_ok());
        shown(files.diags, &files.sources);
    }
}
