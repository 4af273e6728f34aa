//! Targets: from a checked rule to the text one pastes into a SIEM.
//!
//! In: a [`Job`]: [`ir::Rule`](crate::ir::Rule), catalog, schemas, options. Out: an [`Emission`], or diagnostics that
//! say what cannot be expressed. Must not know: syntax, engine, files. A target does not know another target.
//!
//! This file is the list of targets and nothing else; a new one is its folder, one `mod` and one line of the list.

mod bind;
pub mod caps;
mod emission;
pub mod eql;
mod external;
pub mod features;
#[cfg(test)]
mod fixture;
mod gate;
mod job;
pub mod kql;
mod lake;
mod layout;
pub mod origin;
mod print;
mod report;
mod requirement;
mod schedule;
mod schema;
pub mod shape;
mod sigma;
pub mod spl;
pub mod sql;
mod stated;
mod target;
mod truth;
mod wording;

use crate::catalog::Catalog;
use crate::diag::Diagnostics;
use schema::Schema;

pub use emission::{
    AnswerKey, Effect, Emission, Fidelity, Level, Note, Part, Role, file_name, with_line_end,
};
pub use external::{External, Externals};
pub use gate::{compile, compile_all};
pub use job::{Baseline, Cased, Job, ListDelivery, Options, Rows, Slice, SqlDialect};
pub use lake::Lake;
pub use report::Report;
pub use schedule::{DEFAULT_INTERVAL, Schedule};
pub use schema::Reads;
pub use target::Target;

/// The list of targets: the SIEMs, in the order in which `--target all` prints them, and what has to be asked for by
/// name.
macro_rules! targets {
    (siems { $($siem:ident: $target:path;)* } by name { $($named:ident: $other:path;)* }) => {
        /// Every SIEM, in the order in which `--target all` prints them.
        pub const ALL: &[&dyn Target] = &[$(&$target),*];

        /// Targets that `--target all` leaves out: not every organisation has one.
        pub const NAMED: &[&dyn Target] = &[$(&$other),*];

        targets! { @schemas $($siem: $target;)* $($named: $other;)* }
    };
    (@schemas $($name:ident: $target:path;)*) => {
        /// What each target makes of the sources.
        #[derive(Debug)]
        pub struct Schemas {
            $($name: Schema<$target>,)*
        }

        /// Reads what the sources state for every target. What a target cannot use is an error at its place in the
        /// file; nothing should be compiled then.
        #[must_use]
        pub fn schemas(catalog: &Catalog, diags: &mut Diagnostics) -> Schemas {
            Schemas { $($name: Schema::read(catalog, diags),)* }
        }

        $(impl schema::Listed for $target {
            fn schema(schemas: &Schemas) -> &Schema<Self> {
                &schemas.$name
            }
        })*
    };
}

targets! {
    siems {
        spl: spl::Spl;
        sigma: sigma::Sigma;
        kql: kql::Kql;
        eql: eql::Eql;
    }
    by name {
        sql: sql::Sql;
    }
}

/// Every target there is.
pub fn every() -> impl Iterator<Item = &'static dyn Target> {
    ALL.iter().chain(NAMED).copied()
}

/// The target that people know by a name, in any letter case: `spl`, `Splunk`.
#[must_use]
pub fn known_as(name: &str) -> Option<&'static dyn Target> {
    let name = name.to_ascii_lowercase();
    by_name(&name).or_else(|| every().find(|target| target.aliases().contains(&name.as_str())))
}

/// The target of a name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Target> {
    every().find(|target| target.name() == name)
}
