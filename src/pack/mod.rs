//! Packs: from emissions to content that a SIEM takes as it is: rules with schedule, de-duplication, entities and
//! lists, and a playbook for whoever gets the alert.
//!
//! In: a rule of the IR with its emissions, the catalog, choices. Out: a [`Bundle`]: relative paths and bytes, the same
//! for the same input; findings where a SIEM would refuse something or lose chains. Must not know: how a query was
//! lowered, syntax, engine, files on a disk, threads.
//!
//! ```text
//! rule, emissions ─ of_rule ─▶ Piece ┐
//! rule, emissions ─ of_rule ─▶ Piece ┴ assemble ─▶ Bundle: files, manifest
//! ```

mod elastic;
mod file;
mod html;
mod input;
pub mod manifest;
mod markdown;
mod name;
mod playbook;
mod refusal;
mod schedule;
mod sentinel;
mod sigma;
mod splunk;
mod sql;

pub use file::{Bundle, File, digest};
pub use input::{App, Base, Choices, Ruled};

use std::collections::BTreeSet;

use crate::diag::Diagnostics;
use crate::source::Sources;

use file::Path;
use name::Named;

/// What one rule adds to the packs.
#[derive(Debug)]
pub struct Piece {
    rule: String,
    files: Vec<File>,
    splunk: Vec<splunk::Search>,
    kibana: Vec<elastic::Object>,
    lake: Vec<sql::Entry>,
    names: Vec<Named>,
    entry: manifest::Rule,
    /// The same as the manifest has it, once nothing is added any more.
    written: Option<manifest::Entry>,
}

/// What a rule becomes in each pack. Findings stop the build.
pub fn of_rule(
    ruled: &Ruled<'_>,
    choices: &Choices,
    sources: &Sources,
    diags: &mut Diagnostics,
) -> Option<Piece> {
    let mut piece = Piece {
        rule: ruled.rule.name.node.clone(),
        files: Vec::new(),
        splunk: Vec::new(),
        kibana: Vec::new(),
        lake: Vec::new(),
        names: Vec::new(),
        entry: manifest::Rule::new(ruled, sources),
        written: None,
    };
    let before = diags.len();
    for emission in ruled.emissions {
        match emission.target {
            "spl" => splunk::add(ruled, emission, choices, &mut piece, diags),
            "kql" => sentinel::add(ruled, emission, choices, &mut piece, diags),
            "eql" => elastic::add(ruled, emission, choices, &mut piece, diags),
            "sigma" => sigma::add(ruled, emission, &mut piece),
            "sql" => sql::add(ruled, emission, choices, &mut piece),
            _ => {}
        }
    }
    playbook::add(ruled, sources, &mut piece);
    piece.files.iter().for_each(|file| {
        file.sha256();
    });
    piece.written = Some(manifest::Entry::of(&piece.entry));
    (!diags.errors_since(before)).then_some(piece)
}

/// Puts the pieces of all rules together.
pub fn assemble(pieces: Vec<Piece>, choices: &Choices, diags: &mut Diagnostics) -> Option<Bundle> {
    let before = diags.len();
    name::clashes(pieces.iter().flat_map(|piece| &piece.names), diags);
    let (mut files, mut searches, mut objects, mut lake, mut entries) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for Piece { rule: _, files: own, splunk, kibana, lake: of_lake, names: _, entry: _, written } in pieces {
        files.extend(own);
        searches.extend(splunk);
        objects.extend(kibana);
        lake.extend(of_lake);
        entries.extend(written);
    }
    files.extend(splunk::app(&searches, choices, diags));
    files.extend(elastic::import(objects));
    files.extend(sql::shared(lake, choices));
    // A list of the SIEM has one file, whichever rule brought it.
    let mut shared = BTreeSet::new();
    files.retain(|file: &File| file.rule.is_some() || shared.insert(file.path.clone()));
    files.sort_by(|one, other| one.path.cmp(&other.path));
    name::same_path(&files, diags);
    if diags.errors_since(before) {
        return None;
    }
    let manifest = manifest::print(&files, entries);
    files.push(File::shared(None, Path::root(manifest::FILE), manifest));
    Some(Bundle { files })
}
