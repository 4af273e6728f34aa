//! Random rules, as text, over every predicate form, 1 to 5 steps, keys that change, scopes, parameters and allowlists.
//!
//! In: a random generator. Out: the text of a rule file, well typed; the checker may still refuse it (a contradiction,
//! an entry that excuses everything), and a target may not have a field of it. Must not know: events, targets.

use std::fmt::Write;

use catena::catalog::{Catalog, FieldDef, Source};
use catena::ir::Type;
use fastrand::Rng;

use super::samples::{self, CLOUDTRAIL, FLOW};

/// Expressions of the portable subset, each with a field's values near it.
const REGEXES: [&str; 11] = [
    r"^aws-cli/[0-9]+\.",
    r"(?i)internal$",
    r"a.c",
    r"[%*|]",
    r"^[^ ]{2,4}( [a-z]+)+$",
    r"/\d",
    r"^\w+\s\w+$",
    r"^\D+$",
    r"[^\w\s]",
    r"(?i)AWS[ ]",
    r"(?i)[^a-k]\S?$",
];

/// Fields by which steps are joined; the last ones are items of a launch.
const CALL_KEYS: [&str; 3] = ["actor.id", "cloud.region", "actor.account.id"];
const ITEM_KEYS: [&str; 2] = ["instance.eni", "instance.id"];

pub(super) struct RuleGenerator<'a> {
    catalog: &'a Catalog,
    rng: Rng,
    lists: String,
    params: String,
    count: usize,
}

struct Plan {
    sources: Vec<&'static str>,
    links: Vec<Vec<String>>,
    gaps: Vec<u64>,
    total: u64,
    scope: bool,
}

impl<'a> RuleGenerator<'a> {
    pub(super) fn new(catalog: &'a Catalog, seed: u64) -> Self {
        Self { catalog, rng: Rng::with_seed(seed), lists: String::new(), params: String::new(), count: 0 }
    }

    /// A rule of this name.
    pub(super) fn rule(mut self, name: &str) -> String {
        let plan = self.plan();
        let mut chain = String::new();
        let gaps: Vec<String> = plan.gaps.iter().map(|gap| self.window(*gap)).collect();
        for (index, source) in plan.sources.iter().enumerate() {
            if let Some(before) = index.checked_sub(1) {
                writeln!(chain, "    then within {} on {}", gaps[before], plan.links[before].join(", "))
                    .unwrap();
            }
            let in_group = [index.checked_sub(1), Some(index)]
                .into_iter()
                .flatten()
                .filter_map(|link| plan.links.get(link))
                .flatten()
                .any(|key| key.contains("instance."));
            writeln!(chain, "    step s{index} from {source}").unwrap();
            writeln!(chain, "      where {}", self.condition(source, in_group)).unwrap();
            if self.rng.u8(0..4) == 0 {
                writeln!(chain, "      except {}", self.test(source)).unwrap();
            }
        }
        let within = if plan.gaps.is_empty() { 60 } else { plan.total };
        let scope = if plan.scope { " scope cloud.account.id" } else { "" };
        let show: Vec<String> = plan
            .sources
            .iter()
            .enumerate()
            .filter_map(|(index, source)| {
                let field = self.rng.bool().then(|| self.field(source))?;
                Some(format!("s{index}.{}", field.name))
            })
            .collect();
        let show =
            if show.is_empty() { String::new() } else { format!("alert {{ show {} }}\n", show.join(", ")) };
        format!(
            "{}rule {name} {{\n  title \"Random\"\n  id \"5d3c8f0e-0f5b-4d43-9f0e-{:012}\"\n  description \"A random rule.\"\n  \
             severity low\n{}  chain within {within}s{scope} {{\n{chain}  }}\n  {show}}}\n",
            self.lists, self.count, self.params
        )
    }

    fn plan(&mut self) -> Plan {
        let rng = &mut self.rng;
        let steps = *rng.choice(&[1, 2, 2, 2, 3, 3, 3, 4, 4, 5]).unwrap();
        let mut sources = vec![CLOUDTRAIL; steps];
        if rng.u8(0..5) < 2 {
            sources[steps - 1] = FLOW;
        }
        if rng.u8(0..12) == 0 {
            sources = vec![FLOW; steps];
        }
        let one = (rng.u8(0..2) == 0).then(|| (*rng.choice(&CALL_KEYS).unwrap()).to_owned());
        let mut links: Vec<Vec<String>> = sources
            .windows(2)
            .enumerate()
            .map(|(index, pair)| link(index, pair[0], pair[1], one.as_deref(), rng))
            .collect();
        let gaps: Vec<u64> = (1..steps).map(|_| *rng.choice(&[5, 20, 60, 90, 300, 900]).unwrap()).collect();
        let (sum, longest) = (gaps.iter().sum::<u64>(), gaps.iter().max().copied().unwrap_or(60));
        let total = match rng.u8(0..4) {
            0 => longest,
            1 => u64::midpoint(sum, longest),
            _ => sum.max(1),
        };
        let scope = rng.u8(0..5) < 2;
        // A link may name the scope's field itself.
        for keys in links.iter_mut().filter(|_| scope && rng.u8(0..3) == 0) {
            keys.push("cloud.account.id".to_owned());
        }
        Plan { sources, links, gaps, total, scope }
    }

    fn window(&mut self, seconds: u64) -> String {
        if self.rng.u8(0..4) > 0 {
            return format!("{seconds}s");
        }
        self.count += 1;
        writeln!(self.params, "  param window_{} = {seconds}s", self.count).unwrap();
        format!("window_{}", self.count)
    }

    /// A filter that most often says which call it is about, as filters do.
    fn condition(&mut self, source: &str, in_group: bool) -> String {
        let more = self.predicate(source, 2);
        let says_call = source == CLOUDTRAIL && (in_group || self.rng.u8(0..4) > 0);
        match (says_call, self.rng.u8(0..3)) {
            (true, 0) => "event.action == \"RunInstances\"".to_owned(),
            (true, 1) if in_group => {
                format!("event.action == \"RunInstances\" and event.outcome == \"success\" and ({more})")
            }
            (true, _) => {
                let actions = if in_group { 1 } else { 3 };
                let action = self.rng.choice(&samples::of(source, "event.action")[..actions]).unwrap();
                format!("event.action == \"{action}\" and ({more})")
            }
            (false, _) if self.rng.bool() => {
                let name = if source == FLOW { "flow.action" } else { "event.provider" };
                format!("exists({name}) and ({more})")
            }
            (false, _) => more,
        }
    }

    fn predicate(&mut self, source: &str, depth: usize) -> String {
        match self.rng.u8(0..7) {
            0 if depth > 0 => {
                format!("({} or {})", self.predicate(source, depth - 1), self.predicate(source, depth - 1))
            }
            1 if depth > 0 => {
                format!("{} and {}", self.predicate(source, depth - 1), self.predicate(source, depth - 1))
            }
            2 if depth > 0 => format!("not ({})", self.predicate(source, depth - 1)),
            _ => self.test(source),
        }
    }

    fn source(&self, name: &str) -> &'a Source {
        self.catalog.source(name).unwrap()
    }

    /// A field that logs carry; those that not every target has are rare.
    fn field(&mut self, source: &str) -> &'a FieldDef {
        let usual = |field: &&FieldDef| {
            !samples::of(source, &field.name).is_empty() && (source == CLOUDTRAIL || field.requires.is_none())
        };
        let rare = self.rng.u8(0..8) == 0;
        let fields: Vec<&FieldDef> = self
            .source(source)
            .fields
            .values()
            .filter(|field| rare || usual(field))
            .filter(|field| !field.many && !samples::of(source, &field.name).is_empty())
            .collect();
        self.rng.choice(fields).unwrap()
    }

    fn test(&mut self, source: &str) -> String {
        if source == CLOUDTRAIL && self.rng.u8(0..8) == 0 {
            return self.values(source);
        }
        let field = self.field(source);
        let name = field.name.as_str();
        if self.rng.u8(0..12) == 0 {
            return format!("exists({name})");
        }
        let not = if self.rng.u8(0..3) == 0 { "not " } else { "" };
        match field.ty {
            Type::Bool => format!("{not}{name}"),
            Type::Int | Type::Float => self.number(source, name, not),
            Type::Time => {
                let op = self.rng.choice(["<", "<=", ">", ">="]).unwrap();
                format!("{name} {op} {}", quoted(self.value(source, name)))
            }
            Type::Ip => self.address(source, name, not),
            Type::String if !field.values.is_empty() => {
                let op = self.rng.choice(["==", "!="]).unwrap();
                format!("{name} {op} {}", quoted(self.rng.choice(&field.values).unwrap()))
            }
            Type::String => self.text(source, name, name, not),
        }
    }

    /// A test of the values of a field that can have several.
    fn values(&mut self, source: &str) -> String {
        let name = "resource.arns";
        let shown = format!("{}({name})", self.rng.choice(["any", "all"]).unwrap());
        let not = if self.rng.u8(0..3) == 0 { "not " } else { "" };
        if self.rng.u8(0..4) > 0 {
            return self.text(source, name, &shown, not);
        }
        let (one, two) = (self.value(source, name), self.value(source, name));
        let (one, two) = (quoted(&pattern(slice(one, &mut self.rng))), quoted(&pattern(two)));
        format!("{shown} {not}like ({one}, {two})")
    }

    fn value(&mut self, source: &str, name: &str) -> &'static str {
        self.rng.choice(samples::of(source, name)).unwrap()
    }

    fn number(&mut self, source: &str, name: &str, not: &str) -> String {
        let (one, two) = (self.value(source, name), self.value(source, name));
        match self.rng.u8(0..4) {
            0 => format!("{name} {not}in ({one}, {two})"),
            1 => {
                self.count += 1;
                writeln!(self.params, "  param bound_{} = {one}", self.count).unwrap();
                format!("{name} {} bound_{}", self.rng.choice(["==", "!=", "<", ">="]).unwrap(), self.count)
            }
            _ => format!("{name} {} {one}", self.rng.choice(["==", "!=", "<", "<=", ">", ">="]).unwrap()),
        }
    }

    fn address(&mut self, source: &str, name: &str, not: &str) -> String {
        let one = quoted(self.value(source, name));
        let networks =
            ["\"10.0.0.0/8\"", "\"10.0.1.0/24\"", "\"2001:db8::/64\"", "\"0.0.0.0/0\"", "\"192.0.2.0/25\""];
        let network = *self.rng.choice(&networks).unwrap();
        match self.rng.u8(0..6) {
            0 => format!("{name} == {one}"),
            1 => format!("{name} != {network}"),
            2 => format!("{name} {not}in ({one}, {network})"),
            3 => format!("{name} {not}in {}", self.list(name, &[one, network.to_owned()])),
            4 if source == FLOW => format!("{not}(source.ip == destination.ip)"),
            _ => format!("{name} {not}in ({network}, \"fe80::/10\")"),
        }
    }

    fn text(&mut self, source: &str, name: &str, shown: &str, not: &str) -> String {
        let (one, two) = (self.value(source, name), self.value(source, name));
        let (part, case) = (slice(one, &mut self.rng), if self.rng.bool() { "~" } else { "" });
        match self.rng.u8(0..13) {
            0 | 1 => format!("{shown} == {}", quoted(one)),
            2 => format!("{shown} != {}", quoted(one)),
            3 => format!("{shown} {} {}", if not.is_empty() { "=~" } else { "!~" }, quoted(one)),
            4 | 5 => format!("{shown} {not}in{case} ({}, {})", quoted(one), quoted(two)),
            6 => format!("{shown} {not}like{case} {}", quoted(&pattern(part))),
            7 => format!("{shown} {not}contains{case} {}", quoted(part)),
            8 => format!("{shown} {not}starts_with{case} {}", quoted(&one[..part_end(one)])),
            9 => format!("{shown} {not}ends_with{case} {}", quoted(part)),
            10 => {
                let regex = self.rng.choice(REGEXES).unwrap();
                let test = format!("{shown} matches r\"{regex}\"");
                if not.is_empty() { test } else { format!("not ({test})") }
            }
            11 if source == CLOUDTRAIL => format!("{not}(actor.account.id == cloud.account.id)"),
            _ => {
                let entries = [quoted(one), quoted(&pattern(two))];
                format!("{shown} {not}in {}", self.list(name, &entries))
            }
        }
    }

    fn list(&mut self, field: &str, entries: &[String]) -> String {
        self.count += 1;
        let body: String = entries.iter().fold(String::new(), |body, entry| body + "  " + entry + "\n");
        write!(self.lists, "allowlist list_{}: {field} {{\n{body}}}\n\n", self.count).unwrap();
        format!("list_{}", self.count)
    }
}

fn link(index: usize, before: &str, after: &str, one: Option<&str>, rng: &mut Rng) -> Vec<String> {
    if after == FLOW || before == FLOW {
        return vec!["instance.eni".to_owned()];
    }
    // A strong key that not every target can hand on, beside a weak one that all can.
    if rng.u8(0..10) == 0 {
        let pair = format!("s{index}.actor.id == s{}.actor.issuer.id", index + 1);
        return vec![pair, "cloud.region".to_owned()];
    }
    // One field that two fields of the next step must equal.
    if rng.u8(0..12) == 0 {
        let pair = format!("s{index}.actor.id == s{}.actor.issuer.id", index + 1);
        return vec!["actor.id".to_owned(), pair];
    }
    if let Some(one) = one {
        return vec![one.to_owned()];
    }
    let fields: Vec<&str> = CALL_KEYS.into_iter().chain(ITEM_KEYS).collect();
    let first = (*rng.choice(&fields).unwrap()).to_owned();
    let second = (*rng.choice(&CALL_KEYS).unwrap()).to_owned();
    if rng.u8(0..4) == 0 && first != second { vec![first, second] } else { vec![first] }
}

/// A part of a text, at borders of characters, never empty.
fn slice<'t>(text: &'t str, rng: &mut Rng) -> &'t str {
    let borders: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let from = *rng.choice(&borders).unwrap();
    &text[from..]
}

fn part_end(text: &str) -> usize {
    text.char_indices().nth(2).map_or(text.len(), |(at, _)| at)
}

/// A pattern around a text: its own wildcards escaped, real ones added.
fn pattern(text: &str) -> String {
    format!("*{}?*", text.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?"))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\t', "\\t"))
}
