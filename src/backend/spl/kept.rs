//! A list that a search keeps of what came before, as the search of a rule asks it.
//!
//! In: what the list is called, its keys. Out: commands and a test. Must not know: who fills the list, absences.

use super::check::{all, any};
use super::literal::{self, Frag, spl};
use crate::source::Span;

/// The columns of a list behind its keys.
pub(super) const TIMES: [&str; 2] = ["first_seen", "last_seen"];

/// Names for the keys of a list, in order: each once, and none of those that the list has beside them.
pub(super) fn key_names<'f>(fields: impl IntoIterator<Item = &'f str>, beside: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (at, field) in (1..).zip(fields) {
        let name = literal::flat(field).text().to_owned();
        let is_taken = beside.contains(&name.as_str()) || names.contains(&name);
        names.push(if is_taken { format!("{name}_{at}") } else { name });
    }
    names
}

/// Adds what a search has found to its list: rows of keys under the names of columns, and times beside them, each with
/// how two of one key become one. `lasts`: what is true of a row that the list still needs.
pub(super) fn merged(
    list: &Frag,
    keys: &[(Frag, Frag)],
    times: &[(&'static str, &'static str)],
    lasts: &Frag,
) -> Vec<Frag> {
    let renamed: Vec<Frag> =
        keys.iter().map(|(column, name)| spl!("{column} AS {name}", column, name)).collect();
    let (renamed, names) = (literal::list(&renamed), literal::list(keys.iter().map(|(_, name)| name)));
    let each = |of: fn(&Frag, &Frag) -> Frag| {
        let all = times.iter().map(|(time, how)| of(&literal::flat(time), &literal::flat(how)));
        literal::list(&all.collect::<Vec<_>>())
    };
    let numbers = each(|time, _| spl!("{time}=tonumber({time})", time));
    let joined = each(|time, how| spl!("{how}({time}) AS {time}", how, time));
    // A number in a CSV file has as many digits as Splunk shows.
    let printed = each(|time, _| spl!("{time}=printf(\"%.6f\", {time})", time));
    let columns = each(|time, _| time.clone());
    vec![
        spl!("rename {renamed}", renamed),
        spl!("inputlookup append=true {list}", list),
        spl!("eval {numbers}", numbers),
        spl!("stats {joined} BY {names}", joined, names),
        spl!("where {lasts}", lasts),
        spl!("eval {printed}", printed),
        spl!("table {names}, {columns}", names, columns),
        spl!("outputlookup override_if_empty=false {list}", list),
    ]
}

/// An absence whose records are kept in a list.
#[derive(Debug)]
pub(super) struct Kept {
    /// The number of the absence.
    pub(super) number: u64,
    /// What stands in `chain_step` of its records.
    pub(super) row: u64,
    /// How long before a step they must not be, in seconds.
    pub(super) window: u64,
    /// The name of the list.
    pub(super) list: String,
    /// The name of the part that keeps it.
    pub(super) part: String,
    /// Its keys: in the rows of the search, and in the list.
    pub(super) keys: Vec<(Frag, String)>,
    /// The clause.
    pub(super) span: Span,
    /// The clause in a message.
    pub(super) clause: String,
}

impl Kept {
    /// The column of the newest time of a key.
    fn seen(&self) -> Frag {
        let number = literal::number(self.number);
        spl!("chain_seen{number}", number)
    }

    /// Asks the list for the newest time of the key of each row.
    pub(super) fn ask(&self) -> [Frag; 2] {
        let list = literal::flat(&self.list);
        let pairs: Vec<Frag> =
            self.named().map(|(column, name)| spl!("{name} AS {column}", name, column)).collect();
        let (pairs, seen) = (literal::list(&pairs), self.seen());
        [
            spl!("lookup {list} {pairs} OUTPUT last_seen AS {seen}", list, pairs, seen),
            spl!("eval {seen}=tonumber({seen})", seen),
        ]
    }

    /// Whether a row is exempted by what the list holds or by a record that the search itself has read.
    pub(super) fn exempts(&self, near: &Frag) -> Frag {
        let (seen, window) = (self.seen(), literal::number(self.window));
        let within = |time: &Frag| spl!("round(_time - {time}, 6) <= {window}", time, window);
        any(vec![
            all(vec![literal::call("isnum", [near]), within(near)]),
            all(vec![literal::call("isnum", [&seen]), spl!("{seen} < _time", seen), within(&seen)]),
        ])
    }

    /// Its keys: in the rows of the search, and in the list.
    pub(super) fn named(&self) -> impl Iterator<Item = (Frag, Frag)> {
        self.keys.iter().map(|(column, name)| (column.clone(), literal::flat(name)))
    }
}
