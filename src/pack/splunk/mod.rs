//! Splunk: an app of scheduled searches, as a folder and as an archive.
//!
//! In: emissions of SPL. Out: the files of one app for all rules. Must not know: how a search was lowered.
//!
//! Settings: savedsearches.conf, macros.conf, transforms.conf, app.conf and default.meta of Splunk Enterprise 10.2;
//! what `splunk-appinspect` wants of an app, with the tags `cloud` too.

mod action;
mod archive;
mod conf;
mod search;

use super::Piece;
use super::file::{File, Path};
use super::input::{App, Choices, Ruled};
use super::name::Named;
use super::schedule::Plan;
use super::{manifest, name};
use crate::backend::{Emission, Role};
use crate::diag::Diagnostics;

use conf::{Conf, Stanza};
pub(super) use search::Search;

/// The short name of the target.
pub(super) const TARGET: &str = "spl";
/// The folder of the pack.
const FOLDER: &str = "splunk";

/// Adds the search of a rule.
pub(super) fn add(
    ruled: &Ruled<'_>,
    emission: &Emission,
    choices: &Choices,
    piece: &mut Piece,
    diags: &mut Diagnostics,
) {
    for part in &emission.parts {
        let Some(search) = Search::new(ruled, emission, part, diags) else { continue };
        let app = &choices.app.id;
        let files = match part.role {
            Role::Query | Role::Stage => ["default/savedsearches.conf", "default/macros.conf"],
            Role::Baseline | Role::Keys => ["default/savedsearches.conf", "default/transforms.conf"],
        };
        let files = files.map(|file| path(app, file)).to_vec();
        let made = manifest::Made { part, plan: search.plan, text: &part.text, files };
        piece.entry.add(ruled, emission, &[made]);
        match part.role {
            Role::Query | Role::Stage => piece.entry.remark(TARGET, search.plan.remark().as_str()),
            Role::Baseline => piece.entry.remark(TARGET, &of_list(&search)),
            Role::Keys => piece.entry.remark(TARGET, &of_keys(&search)),
        }
        search.remarks.iter().for_each(|remark| piece.entry.remark(TARGET, remark));
        piece.names.push(Named {
            siem: "Splunk",
            name: search.name.clone(),
            rule: piece.rule.clone(),
            span: ruled.rule.name.span,
        });
        piece.splunk.push(search);
    }
}

/// What somebody has to do about a search that keeps a list.
const FILL: &str = "keeps a list; run it once over the time that its head says before its rule is enabled, and keep its file \
                    in `lookups` when the app is installed again";

/// When such a search runs, in words.
fn of_list(search: &Search) -> String {
    let Plan { every, look_back, delay, wait: _, slices: _ } = search.plan;
    let [every, look_back, delay] = [every, look_back, delay].map(crate::ir::duration);
    format!(
        "`{}` runs every {every} over the last {look_back} up to {delay} before the run, where the search of the rule \
         begins. An app that is installed again brings an empty list: keep the file, or fill it again.",
        search.name
    )
}

/// The same of a search that keeps keys.
fn of_keys(search: &Search) -> String {
    let Plan { every, look_back, delay, wait: _, slices: _ } = search.plan;
    let [every, look_back, delay] = [every, look_back, delay].map(crate::ir::duration);
    format!(
        "`{}` runs every {every} over the last {look_back} up to {delay} before the run, and must be enabled with the \
         search of the rule, which looks for nothing that is not in its list. An app that is installed again brings an \
         empty list: keep the file, or fill it again.",
        search.name
    )
}

/// The path of a file of the app.
fn path(app: &str, file: &str) -> Path {
    let mut parts = file.rsplit('/');
    let path = Path::root(parts.next().unwrap_or_default());
    parts.fold(path, |path, folder| path.inside(folder)).inside(app).inside(FOLDER)
}

/// The app with all searches; nothing without any.
pub(super) fn app(searches: &[Search], choices: &Choices, diags: &mut Diagnostics) -> Vec<File> {
    if searches.is_empty() {
        return Vec::new();
    }
    let App { id, version } = &choices.app;
    let mut sorted: Vec<&Search> = searches.iter().collect();
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    let mut texts = vec![
        ("default/app.conf".to_owned(), app_conf(id, version)),
        ("default/savedsearches.conf".to_owned(), saved(&sorted)),
        ("default/macros.conf".to_owned(), macros(&sorted)),
        ("metadata/default.meta".to_owned(), META.to_owned()),
        ("README.md".to_owned(), readme(id, &sorted)),
    ];
    texts.extend(lists(&sorted));
    texts.sort();
    texts.dedup();
    search::check_lists(&sorted, diags);
    let packed = archive::pack(id, &texts);
    let files = texts.into_iter().map(|(file, text)| File::shared(Some(TARGET), path(id, &file), text));
    let mut files: Vec<_> = files.collect();
    files.push(File::shared(Some(TARGET), Path::new(FOLDER, &format!("{id}.tgz")), packed));
    files
}

/// Everybody reads, administrators write; searches and lookups are seen in other apps, such as Enterprise Security.
const META: &str = "[]\naccess = read : [ * ], write : [ admin, sc_admin ]\nexport = system\n";

fn app_conf(id: &str, version: &str) -> String {
    let label = name::one_line(&id.replace('_', " "), 80);
    let mut conf = Conf::default();
    conf.add(Stanza::new("install").set("is_configured", "false").set("build", "1"));
    conf.add(Stanza::new("package").set("id", id).set("check_for_updates", "false"));
    conf.add(Stanza::new("ui").set("is_visible", "false").set("label", &label));
    let launcher = Stanza::new("launcher").set("author", "Detection engineering");
    conf.add(launcher.set("description", "Detections of chains of events").set("version", version));
    conf.add(Stanza::new("id").set("name", id).set("version", version));
    conf.print()
}

fn saved(searches: &[&Search]) -> String {
    let mut conf = Conf::default();
    for search in searches {
        conf.add(search.stanza());
    }
    conf.print()
}

/// Macros of the sources, each once, and of each rule one for what a team wants to leave out.
fn macros(searches: &[&Search]) -> String {
    let mut conf = Conf::default();
    let mut known: Vec<&str> = Vec::new();
    for (name, definition) in searches.iter().flat_map(|search| &search.macros) {
        if !known.contains(&name.as_str()) {
            known.push(name);
            conf.add(Stanza::new(name).set("definition", definition).set("iseval", "0"));
        }
    }
    for filter in searches.iter().filter_map(|search| search.filter.as_ref()) {
        let stanza = Stanza::new(filter).set("definition", "search *").set("iseval", "0");
        conf.add(stanza.set("description", "What a team leaves out of the answers of this rule"));
    }
    conf.print()
}

/// Lookups: a file for each list, and the definition by which searches read it.
fn lists(searches: &[&Search]) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    let mut conf = Conf::default();
    let mut known: Vec<&str> = Vec::new();
    for list in searches.iter().flat_map(|search| &search.lists) {
        if known.contains(&list.name.as_str()) {
            continue;
        }
        known.push(&list.name);
        texts.push((format!("lookups/{}", list.file), list.text.clone()));
        conf.add(Stanza::new(&list.name).set("filename", &list.file).set("case_sensitive_match", "true"));
    }
    if !known.is_empty() {
        texts.push(("default/transforms.conf".to_owned(), conf.print()));
    }
    texts
}

fn readme(id: &str, searches: &[&Search]) -> String {
    let mut text = format!(
        "# {id}\n\nDetections of chains of events. All searches are disabled: enable those whose logs you have.\n\
         Change macros in `local/macros.conf`; files under `default` are generated.\n"
    );
    for search in searches {
        match &search.filter {
            Some(filter) => text.extend(["\n- ", &search.name, ": macro `", filter, "`"]),
            None => text.extend(["\n- ", &search.name, ": ", FILL]),
        }
    }
    text.push('\n');
    text
}
