//! Sigma: one file a rule, as `SigmaHQ` keeps its own.
//!
//! In: an emission of Sigma. Out: files. Must not know: documents; the target wrote them.

use super::Piece;
use super::file::{File, Path};
use super::input::Ruled;
use super::manifest;
use super::schedule::Plan;
use crate::backend::{Emission, file_name};

const TARGET: &str = "sigma";

/// Adds the files of a rule.
pub(super) fn add(ruled: &Ruled<'_>, emission: &Emission, piece: &mut Piece) {
    for part in &emission.parts {
        let path = Path::new("sigma", &file_name(&part.name, "yml"));
        let file = File::of(&piece.rule, Some(TARGET), path.clone(), part.text.clone());
        piece.files.push(file);
        let plan = Plan::overlapping(part.schedule);
        let made = manifest::Made { part, plan, text: &part.text, files: vec![path] };
        piece.entry.add(ruled, emission, &[made]);
    }
}
