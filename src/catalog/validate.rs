//! What a source file must hold beyond its form: names that stay apart, columns that can be read.
//!
//! In: a source as it was read. Out: what is wrong, in words. Must not know: rules, and what a target does with its
//! column.

use std::collections::BTreeMap;

use super::{Column, Home, Mapped, Raw, Source};
use crate::ir::Type;

impl Source {
    /// Columns of a query are called `<step>_<field>` with underscores for dots, and `<step>_time`: names must stay
    /// apart.
    fn validate_names(&self) -> Result<(), String> {
        let mut columns = BTreeMap::from([("time".to_owned(), "the time of the step")]);
        for name in std::iter::once(&self.name).chain(self.fields.keys()) {
            if !is_dotted_name(name) {
                return Err(format!(
                    "`{name}` is not a name: lower-case letters, digits and `_`, joined by dots"
                ));
            }
        }
        for name in self.fields.keys() {
            let column = name.replace('.', "_");
            if let Some(other) = columns.get(&column) {
                return Err(format!(
                    "field `{name}` would share the column `STEP_{column}` of a query with {other}"
                ));
            }
            columns.insert(column, name);
        }
        Ok(())
    }

    /// Whether the file makes sense as a whole.
    pub(super) fn validate(&self) -> Result<(), String> {
        for name in self.event_id.iter().chain(self.group.iter().flat_map(|group| &group.key)) {
            if !self.fields.contains_key(name) {
                return Err(format!("`{name}` is named as a key, but the source has no such field"));
            }
        }
        self.validate_names()?;
        self.log.validate()?;
        match self.field("event.time") {
            None => {
                return Err(
                    "the source has no field `event.time`, so no chain could have a record of it".to_owned()
                );
            }
            Some(field) if field.ty != Type::Time => {
                return Err("field `event.time` is of type `time`".to_owned());
            }
            Some(_) => {}
        }
        if let Some((target, _)) = self.targets.iter().find(|(_, home)| home.time_lag > Home::LONGEST_LAG) {
            return Err(format!("target `{target}`: `time_lag` is at most {} seconds", Home::LONGEST_LAG));
        }
        for (name, field) in &self.fields {
            if field.in_group && self.group.is_none() {
                return Err(format!("field `{name}` is of a group, but the source declares none"));
            }
            if let Some(Raw::Variants(variants)) = &field.raw {
                let captures = variants.iter().filter_map(|variant| variant.capture.as_deref());
                validate_captures(captures).map_err(|problem| format!("field `{name}`: {problem}"))?;
            }
            for (target, column) in &field.columns {
                if !self.targets.contains_key(target) {
                    return Err(format!(
                        "field `{name}` has a column for `{target}`, the source has no home there"
                    ));
                }
                column
                    .validate(field.in_group)
                    .map_err(|problem| format!("field `{name}`, target `{target}`: {problem}"))?;
            }
        }
        Ok(())
    }
}

fn validate_captures<'a>(captures: impl Iterator<Item = &'a str>) -> Result<(), String> {
    for capture in captures {
        // Compiled, as one can be well formed and too large. The whole match counts as a capture as well.
        if regex::Regex::new(capture).is_ok_and(|regex| regex.captures_len() > 1) {
            continue;
        }
        return Err(format!("`{capture}` is not a regular expression with a group to capture"));
    }
    Ok(())
}

/// Words of lower-case letters, digits and `_`, joined by dots: what a rule can write.
fn is_dotted_name(name: &str) -> bool {
    name.split('.').all(|word| {
        word.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    })
}

impl Column {
    /// Whether a field, of the repeated group or not, can be read in one way, whatever the event's action is.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn validate(&self, in_group: bool) -> Result<(), String> {
        let variants = self.variants();
        let (last, others) = variants.split_last().ok_or("a column has at least one variant")?;
        if !last.for_actions.is_empty() || others.iter().any(|mapped| mapped.for_actions.is_empty()) {
            return Err("every variant but the last names its actions".to_owned());
        }
        variants.iter().try_for_each(|mapped| mapped.validate(in_group))
    }
}

impl Mapped {
    fn validate(&self, in_group: bool) -> Result<(), String> {
        if self.item.is_some() && !in_group {
            return Err("`item` is for fields of the repeated group".to_owned());
        }
        if self.expr.is_none() && !self.needs.is_empty() {
            return Err("`needs` is for an `expr`".to_owned());
        }
        if self.text.is_some() && !self.multi {
            return Err("`text` is for a field with `multi: true`".to_owned());
        }
        let places = [&self.field, &self.path, &self.item, &self.expr, &self.unavailable];
        let given =
            places.iter().filter(|place| place.is_some()).count() + usize::from(!self.cases.is_empty());
        if given == 1 {
            Ok(())
        } else {
            Err("exactly one of field, path, item, expr, cases, unavailable".to_owned())
        }
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
            "name: made.up\ntitle: t\ndescription: d\ndelay: 1\ngranularity: 1\ntargets: {{}}\nfields:\n  event.time: {{ type: time, description: d }}\n{fields}"
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
