//! What a source must hold beyond its form: names that stay apart, columns that can be read.
//!
//! In: a source as it was read. Out: every [`Fault`], by path. Must not know: rules, where the source was written, and
//! what a target does with its column.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::path::{Parts, bad_path};
use super::{Column, FieldDef, Group, LogForm, Mapped, RawTexts, Source, SourceMapping, Stored};
use super::{possible, raw};
use crate::diag::Code;
use crate::ir::{ACTION, Type, column_name};

impl Source {
    /// Everything that contradicts itself.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.names(&mut faults);
        self.keys(&mut faults);
        self.time(&mut faults);
        faults.extend(self.log.faults().into_iter().map(|fault| fault.below(&["log"])));
        for (key, seconds) in [("delay", self.delay), ("granularity", self.granularity)] {
            faults.extend(too_long(key, seconds, "longer than any log takes"));
        }
        for (target, mapping) in &self.targets {
            faults.extend(too_late(mapping.time_lag).map(|fault| fault.below(&["targets", target])));
        }
        for (name, field) in &self.fields {
            self.field_faults(name, field, &mut faults);
        }
        faults
    }

    /// Columns of a query are called `<step>_<field>` with underscores for dots, and `<step>_time`: names must stay
    /// apart.
    fn names(&self, faults: &mut Vec<Fault>) {
        if !is_dotted_name(&self.name) {
            faults.push(bad_name(&["name"], &self.name));
        }
        let mut columns: BTreeMap<String, Option<&str>> =
            BTreeMap::from([(column_name("STEP", "time"), None)]);
        for name in self.fields.keys() {
            if !is_dotted_name(name) {
                faults.push(bad_name(&["fields", name], name).on_key());
            }
            let column = column_name("STEP", name);
            match columns.get(&column) {
                None => _ = columns.insert(column, Some(name)),
                Some(other) => {
                    let with = other.map_or("the time of the step".to_owned(), |other| format!("`{other}`"));
                    let title =
                        format!("field `{name}` would share the column `{column}` of a query with {with}");
                    let fault = Fault::new(&["fields", name], title).on_key().help("rename one of them");
                    faults.push(match other {
                        Some(other) => fault.also(&["fields", other], "the other field"),
                        None => fault,
                    });
                }
            }
        }
    }

    /// Fields that identify events and items.
    fn keys(&self, faults: &mut Vec<Fault>) {
        faults.extend(Self::below_each("event_id", &self.event_id.0, |name| {
            self.no_field(name).or_else(|| self.identifies(name))
        }));
        // The default is no mistake of somebody whose source has no such field.
        if self.discriminator != ACTION {
            faults.extend(self.no_field(&self.discriminator).map(|fault| fault.below(&["discriminator"])));
        }
        faults.extend(self.discriminates().map(|fault| fault.below(&["discriminator"])));
        faults.extend(only_faults(&self.only).into_iter().map(|fault| fault.below(&["only"])));
        for (number, of) in self.only_of.iter().enumerate() {
            let number = number.to_string();
            for (key, texts) in [("events", &of.events), ("only", &of.only)] {
                let wrong = only_faults(texts).into_iter();
                faults.extend(wrong.map(|fault| fault.below(&["only_of", &number, key])));
            }
        }
        for (number, group) in self.group.0.iter().enumerate() {
            let at = number.to_string();
            let at: &[&str] = if self.group.0.len() == 1 { &["group"] } else { &["group", &at] };
            faults.extend(self.group_faults(group).into_iter().map(|fault| fault.below(at)));
        }
    }

    /// What is wrong with the texts that stand alone or in a list behind a key.
    fn below_each(key: &str, texts: &[String], wrong: impl Fn(&str) -> Option<Fault>) -> Vec<Fault> {
        let place = |at: usize, fault: Fault| {
            if texts.len() == 1 { fault.below(&[key]) } else { fault.below(&[key, &at.to_string()]) }
        };
        texts.iter().enumerate().filter_map(|(at, text)| Some(place(at, wrong(text)?))).collect()
    }

    fn group_faults(&self, group: &Group) -> Vec<Fault> {
        let paths = [("path", Some(&group.path)), ("inner", group.inner.as_ref())].into_iter();
        let bad = paths.filter_map(|(key, path)| Some(bad_path(path?, Parts::Keys)?.below(&[key])));
        let mut faults: Vec<_> = bad.collect();
        faults.extend(self.no_actions("for_actions", &group.for_actions));
        for (number, name) in group.key.iter().enumerate() {
            let fault = self.no_field(name);
            faults.extend(fault.map(|fault| fault.below(&["key", &number.to_string()])));
        }
        let same = self.group.0.iter().filter(|other| other.name == group.name).count();
        if same > 1 || group.name == Group::ONLY {
            let title = "every group but one has a name of its own".to_owned();
            faults.push(Fault::new(&[], title).help("give it a `name`, and fields `in_group: NAME`"));
        }
        faults
    }

    fn time(&self, faults: &mut Vec<Fault>) {
        match self.field("event.time") {
            None => faults.push(
                Fault::new(&["fields"], "the source has no field `event.time`".to_owned())
                    .label("no chain could have a record of it")
                    .help("add `event.time` of type `time`: when the event happened"),
            ),
            Some(field) if field.ty != Type::Time => {
                let title = "field `event.time` is of type `time`".to_owned();
                faults.push(Fault::new(&["fields", "event.time", "type"], title).label("another type"));
            }
            Some(field) if field.raw.is_none() && self.is_logged() => {
                let title = "field `event.time` has no `raw`, and other entries say how events are read";
                let fault = Fault::new(&["fields", "event.time"], title.to_owned()).on_key();
                let fault = fault.label("no event of the log could be used");
                faults.push(fault.help("add `raw`: where an event says when it happened"));
            }
            Some(_) => {}
        }
    }

    /// Whether it says how its events are read from files.
    fn is_logged(&self) -> bool {
        self.log != LogForm::default() || self.fields.values().any(|field| field.raw.is_some())
    }

    fn field_faults(&self, name: &str, field: &FieldDef, faults: &mut Vec<Fault>) {
        let path = ["fields", name];
        faults.extend(self.no_group(name, field).map(|fault| fault.below(&path)));
        faults.extend(raw::single_or_many(field).map(|fault| fault.below(&path)));
        faults.extend(possible::values(field).into_iter().map(|fault| fault.below(&path)));
        faults.extend(self.actions_of(field).into_iter().map(|fault| fault.below(&path)));
        faults.extend(raw::paths(field).into_iter().map(|fault| fault.below(&path)));
        for (target, column) in &field.columns {
            if !self.targets.contains_key(target) {
                let title = format!(
                    "field `{name}` has a column for `{target}`, but the source has no `{target}` under `targets`"
                );
                let known = self.targets.keys().map(String::as_str);
                faults
                    .push(Fault::new(&["columns", target], title).on_key().near(target, known).below(&path));
            }
            for fault in self.column_faults(column, field) {
                faults.push(fault.below(&["columns", target]).below(&path));
            }
        }
    }

    fn no_group(&self, name: &str, field: &FieldDef) -> Option<Fault> {
        let group = field.in_group.as_ref()?;
        if self.group.0.is_empty() {
            let title = format!("field `{name}` is of a group, but the source declares none");
            return Some(Fault::new(&["in_group"], title).help("add `group`, or leave `in_group` out"));
        }
        let names = || self.group.0.iter().map(|group| group.name.as_str());
        let known = names().any(|name| name == if group == Group::ONLY { "" } else { group });
        let title = || format!("field `{name}` does not say of which group it is");
        (!known).then(|| {
            Fault::new(&["in_group"], title()).near(group, names()).help("name a group of the source")
        })
    }

    /// What is wrong with a column of a field.
    pub(crate) fn column_faults(&self, column: &Column, field: &FieldDef) -> Vec<Fault> {
        let variants = column.variants();
        let single = variants.len() == 1;
        let Some((last, others)) = variants.split_last() else {
            return vec![Fault::new(&[], "a column has at least one variant".to_owned())];
        };
        let mut faults = Vec::new();
        if !last.for_actions.is_empty() || others.iter().any(|mapped| mapped.for_actions.is_empty()) {
            faults.push(Fault::new(&[], "every variant but the last names its actions".to_owned()));
        }
        for (number, mapped) in variants.iter().enumerate() {
            let mut found = mapped.faults(field.in_group.is_some());
            found.extend(mapped.stored.and_then(|stored| stored_as(stored, field)));
            found.extend(self.names_in(mapped));
            found.extend(self.wording_faults(mapped, field, single));
            found.extend(self.no_actions("for_actions", &mapped.for_actions));
            found.extend(possible::given(field, mapped));
            let number = number.to_string();
            let below = |fault: Fault| if single { fault } else { fault.below(&[&number]) };
            faults.extend(found.into_iter().map(below));
        }
        faults
    }

    /// What is wrong with other words of the values, and with texts that are said to stand behind them.
    fn wording_faults(&self, mapped: &Mapped, field: &FieldDef, single: bool) -> Option<Fault> {
        let Mapped { behind, written, .. } = mapped;
        let key = if behind.is_empty() { "written" } else { "behind" };
        if behind.is_empty() && written.is_empty() {
            return None;
        }
        let is_text = field.ty == Type::String && !field.many && mapped.stored.is_none();
        let is_plain = mapped.field.is_some() || mapped.path.is_some() || mapped.item.is_some();
        let help = if behind.iter().chain(written.values().flatten()).any(String::is_empty) {
            "leave the empty text out"
        } else if !is_text || !is_plain || mapped.is_mapped() || mapped.multi {
            "it is for a `field`, `path` or `item` that holds one text and is not mapped"
        } else if !single || field.name == self.discriminator && self.tells_ways_apart() {
            "it is for a field with one column, and not for the one by which columns are chosen"
        } else {
            return None;
        };
        let title = format!("`{key}` cannot be said of this column of `{}`", field.name);
        Some(Fault::new(&[key], title).help(help))
    }

    /// Whether the discriminator chooses among several columns of a field.
    fn tells_ways_apart(&self) -> bool {
        let columns = self.fields.values().flat_map(|field| field.columns.values());
        columns.into_iter().any(|column| column.variants().len() > 1)
    }

    /// Fields that a column names.
    fn names_in(&self, mapped: &Mapped) -> Vec<Fault> {
        let named = mapped.instead.iter().enumerate();
        let instead = named
            .filter_map(|(number, name)| Some(self.no_field(name)?.below(&["instead", &number.to_string()])));
        let only_if = mapped.single.iter().flat_map(|single| single.only_if.keys());
        let only_if = only_if
            .filter_map(|name| Some(self.no_field(name)?.on_key().below(&["single", "only_if", name])));
        instead.chain(only_if).collect()
    }

    fn no_field(&self, name: &str) -> Option<Fault> {
        if self.fields.contains_key(name) {
            return None;
        }
        let fault = Fault::new(&[], format!("the source has no field `{name}`")).code(Code::UnknownSetting);
        Some(fault.near(name, self.fields.keys().map(String::as_str)))
    }
}

/// A time longer than any log can need.
fn too_long(key: &str, seconds: u64, label: &str) -> Option<Fault> {
    let title = || format!("`{key}` is at most {} seconds", SourceMapping::LONGEST_LAG);
    (seconds > SourceMapping::LONGEST_LAG).then(|| Fault::new(&[key], title()).label(label))
}

/// A clock that is later than any log can be.
pub(super) fn too_late(time_lag: u64) -> Option<Fault> {
    too_long("time_lag", time_lag, "longer than any log is late")
}

fn bad_name(path: &[&str], name: &str) -> Fault {
    Fault::new(path, format!("`{name}` is not a name"))
        .help("names are words of lower-case letters, digits and `_`, joined by dots")
}

/// Words of lower-case letters, digits and `_`, joined by dots: what a rule can write.
fn is_dotted_name(name: &str) -> bool {
    name.split('.').all(|word| {
        word.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    })
}

/// What is wrong with the paths of an `only`, and with what is to stand there.
fn only_faults(only: &RawTexts) -> Vec<Fault> {
    let paths = only.keys().filter_map(|path| Some(bad_path(path, Parts::All)?.on_key().below(&[path])));
    let empty = only.iter().filter(|(_, values)| values.is_empty());
    let empty = empty.map(|(path, _)| {
        Fault::new(&[path], format!("no value of `{path}` makes an event one of this source"))
            .label("every event is passed over")
            .help("name the values that its events have there")
    });
    paths.chain(empty).collect()
}

/// A stored form that holds no value of the field's type, in no target.
fn stored_as(stored: Stored, field: &FieldDef) -> Option<Fault> {
    let fits = match stored {
        Stored::String => true,
        Stored::Number => field.ty != Type::Ip,
        Stored::Bool => !matches!(field.ty, Type::Ip | Type::Time),
        Stored::Time => matches!(field.ty, Type::Time | Type::String),
    };
    let title = || format!("`{}` cannot be stored in this form", field.name);
    let help = "leave `stored` out, or convert the value with `expr`";
    (!fits)
        .then(|| Fault::new(&["stored"], title()).label("it holds no value of the field's type").help(help))
}

impl Mapped {
    /// What is wrong with its paths.
    fn paths(&self) -> Vec<Fault> {
        let own = [("path", &self.path, Parts::All), ("item", &self.item, Parts::OfItem)].into_iter();
        let own = own.filter_map(|(key, path, may)| Some(bad_path(path.as_deref()?, may)?.below(&[key])));
        let needs = self.needs.iter();
        let needs =
            needs.filter_map(|(name, path)| Some(bad_path(path, Parts::All)?.below(&["needs", name])));
        own.chain(needs).collect()
    }

    fn faults(&self, in_group: bool) -> Vec<Fault> {
        let mut faults = self.paths();
        if self.item.is_some() && !in_group {
            let fault = Fault::new(&["item"], "`item` is for fields of the repeated group".to_owned());
            faults.push(fault.help("give the field `in_group: true`, or use `path`"));
        }
        if self.expr.is_none() && !self.needs.is_empty() {
            faults.push(Fault::new(&["needs"], "`needs` is for an `expr`".to_owned()));
        }
        if self.text.is_some() && !self.multi {
            faults.push(Fault::new(&["text"], "`text` is for a field with `multi: true`".to_owned()));
        }
        if self.is_mapped() && self.field.is_none() && self.path.is_none() {
            let title = "`map`, `absent` and `otherwise` are for a `field` or a `path`".to_owned();
            faults.push(Fault::new(&[], title).help("state `cases` for a value of several fields"));
        }
        let places = [
            ("field", self.field.is_some()),
            ("path", self.path.is_some()),
            ("item", self.item.is_some()),
            ("expr", self.expr.is_some()),
            ("cases", !self.cases.is_empty()),
            ("unavailable", self.unavailable.is_some()),
        ];
        let given: Vec<_> = places.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
        let title = "a column has exactly one of field, path, item, expr, cases, unavailable".to_owned();
        match given.as_slice() {
            [_] => {}
            [] => faults.push(Fault::new(&[], title).label("it has none")),
            [first, second, ..] => {
                let fault = Fault::new(&[second], title).on_key().label("one too many");
                faults.push(fault.also(&[first], "the other"));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::Catalog;

    fn refusal(fields: &[&str]) -> String {
        let field = |name: &&str| format!("  {name}: {{ type: string, description: d }}\n");
        refusal_of(&fields.iter().map(field).collect::<String>())
    }

    fn refusal_of(fields: &str) -> String {
        let text = format!(
            "name: made.up\ntitle: t\ndescription: d\ndelay: 1\ngranularity: 1\ntargets: {{}}\nfields:\n  event.time: {{ type: time, description: d, raw: t }}\n{fields}"
        );
        Catalog::default().add("made.up.yaml", &text).map_or_else(|error| error.message, |()| String::new())
    }

    #[test]
    fn names_that_share_a_column_are_refused() {
        assert_eq!(refusal(&["event.time_of", "timer"]), "");
        assert!(refusal(&["event.id", "time"]).contains("STEP_time"));
        assert!(refusal(&["event.id", "event_id"]).contains("STEP_event_id"));
        for name in ["Event.id", "event..id", "a-b", "1a", "\"a b\""] {
            assert!(refusal(&[name]).contains("is not a name"), "{name}");
        }
    }

    #[test]
    fn a_path_that_could_find_nothing_is_refused() {
        let field =
            |path: &str| refusal_of(&format!("  a.b: {{ type: string, description: d, raw: '{path}' }}\n"));
        for path in
            ["a", "@timestamp", "a-b.c/d:e", "Source IP.é", "$date.a$b", ">a.b", "a[0].b", "[\"a.b\"]"]
        {
            assert_eq!(field(path), "", "{path}");
        }
        for path in
            ["", ".", "a.", "a..b", "a[x]", "a{}.b", "$.a", "a.*", "a>b", ">", "> a", " a", "a\u{200b}"]
        {
            assert!(field(path).contains("is not a path"), "{path:?}");
        }
        let variant = "  a.b: { type: string, description: d, raw: [{ path: 'a[0' }] }\n";
        assert!(refusal_of(variant).contains("`a[0` is not a path"));
        assert!(field("a[].b").contains("add `many: true`") || field("a[].b").contains("several values"));
    }

    #[test]
    fn a_capture_that_the_engine_could_not_use_is_refused() {
        let captured = |capture: &str| {
            refusal_of(&format!(
                "  a.b: {{ type: string, description: d, raw: [{{ path: p, capture: '{capture}' }}] }}\n"
            ))
        };
        assert_eq!(captured("^(a)"), "");
        for capture in ["(", "^a", "(((a{99}){99}){99})"] {
            assert!(captured(capture).contains("is not a regular expression"), "{capture}");
        }
    }
}
