//! Environment files (`catena.yaml`) and source files.
//!
//! In: the text of one. Promises: what is wrong has a place in the text; what is right compiles the shipped rules, or
//! says why not, and their tests can run.

use catena::catalog::Catalog;
use catena::project::CompileOptions;
use catena::replay::Plan;
use catena::settings::Settings;
use catena::yaml::ReadError;

use super::files::{CATALOG, LIST, SHIPPED, Texts, compiled, tested};
use super::findings::shown;

/// Any text is an environment file.
pub(crate) fn environment(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(error) = Settings::read(text) {
        is_placed(&error, text);
    }
    compiles(|rule| Texts { environment: Some(text), ..Texts::of(rule, LIST) });
}

/// Any text is a source file.
pub(crate) fn source(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Catalog::clone(&CATALOG).add("source.yaml", text) {
        Ok(()) => compiles(|rule| Texts { source: Some(text), ..Texts::of(rule, LIST) }),
        Err(error) => assert!(error.to_string().starts_with("source.yaml: "), "{error}"),
    }
}

fn is_placed(error: &ReadError, text: &str) {
    assert!(!error.message.is_empty() && !error.message.contains('\n'), "{error:?}");
    assert!(error.offset.is_none_or(|at| text.is_char_boundary(at)), "{error:?}");
}

fn compiles<'a>(texts: impl Fn(&'a str) -> Texts<'a>) {
    for rule in SHIPPED {
        let mut session = texts(rule).open().expect("a source file that can be read");
        compiled(&mut session, CompileOptions::default());
        for file in &session.files {
            tested(file, &session.found.sources);
            let options = catena::replay::Options::default();
            assert!(Plan::new(&file.rules, &file.environment.catalog, &options).is_ok());
        }
        shown(session.found.diags, &session.found.sources);
    }
}
