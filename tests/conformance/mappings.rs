//! Where a target has the fields: as the source files say, and as an organisation says where they say nothing.
//!
//! In: the embedded sources, the environment file of SPL's harness. Out: both catalogs. Must not know: rules.
//!
//! The Splunk add-on documents no names for the fields of versions 3 to 5 of a flow log. The harness delivers them
//! under the names that `tests/engines/spl/catena.yaml` says, so what is compared of these fields is compared under
//! that mapping.

use catena::backend::{self, Schemas};
use catena::catalog::Catalog;
use catena::diag::Diagnostics;
use catena::form::Document;
use catena::settings::Settings;
use catena::source::{SourceFile, Sources};

use crate::program::root;

pub(super) struct Mappings {
    pub(super) documented: (Catalog, Schemas),
    /// With the names of the environment file; the same for targets that it does not speak of.
    pub(super) named: (Catalog, Schemas),
}

impl Mappings {
    pub(super) fn read() -> Self {
        let text = std::fs::read_to_string(root().join("tests/engines/spl/catena.yaml")).unwrap();
        let mut named = Catalog::embedded().unwrap();
        let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
        let id = sources.add(SourceFile::new("catena.yaml", text));
        let document = Document::of(id, &sources).unwrap();
        Settings::read(&document, &mut diags).apply(&mut named, &mut diags);
        assert!(diags.is_empty(), "{diags:?}");
        Self { documented: read(Catalog::embedded().unwrap()), named: read(named) }
    }
}

fn read(catalog: Catalog) -> (Catalog, Schemas) {
    let mut diags = Diagnostics::default();
    let schemas = backend::schemas(&catalog, &mut diags);
    assert!(diags.is_empty(), "{diags:?}");
    (catalog, schemas)
}
