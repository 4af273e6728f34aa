//! Rules of other languages.
//!
//! In: the text of one. Promises: there is a draft, or an error with a place; a draft follows the grammar and hides no
//! character.

use catena::diag::Diagnostics;
use catena::import::{Given, import};
use catena::source::{SourceFile, Sources, has_hidden};

use super::files::CATALOG;

/// Any text is a rule of another language: Sigma, and EQL.
pub(crate) fn foreign(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for name in ["rule.yml", "query.eql"] {
        let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
        let file = sources.add(SourceFile::new(name, text));
        let given = Given {
            catalog: &CATALOG,
            source: None,
            name: "foreign",
            id: "00000000-0000-0000-0000-000000000000",
        };
        let draft = import(&[file], &sources, &given, &mut diags);
        assert_eq!(draft.is_none(), diags.has_errors(), "no draft and no error, or both");
        for found in diags.into_sorted() {
            assert!(sources.locate(found.primary.span).is_some(), "no place: {found:?}");
        }
        let Some(draft) = draft else { continue };
        assert!(!draft.lines().any(has_hidden), "{draft}");
        let mut found = Diagnostics::default();
        let _ = catena::syntax::parse(&SourceFile::new("draft.chain", draft.clone()), file, &mut found);
        assert!(!found.has_errors(), "{draft}\n{:?}", found.into_sorted());
    }
}
