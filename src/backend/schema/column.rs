//! What a source states for one variant of a column, option by option, as the target asks for it.
//!
//! In: the column in the source file. Out: its place and options, and errors for what the target finds wrong or does
//! not ask for. Must not know: mappings, any particular target.

use std::collections::BTreeMap;

use super::{Dialect, IGNORED, Inexact, Reads};
use crate::backend::stated::{self, Notation};
use crate::catalog::{Case, FieldDef, Group, Mapped, Single, Source, Stored, TextOf};
use crate::diag::{Code, Diagnostic};

/// Where a column lives.
#[derive(Debug, Clone)]
pub(in crate::backend) enum Place<'a> {
    /// A column or field.
    Field(&'a str),
    /// A path inside the raw event.
    Path(&'a str),
    /// A path inside the item of the repeated group; after `>` inside the inner item.
    Item(&'a str),
    /// An expression of the target's own language, and the raw paths behind the names in it.
    Expr(&'a str, &'a BTreeMap<String, String>),
    /// The first case whose condition holds gives the value.
    Cases(Vec<Case>),
}

/// Hands out what is stated for a variant of a column. What is stated and not asked for is an error.
#[derive(Debug)]
pub(in crate::backend) struct ColumnReader<'a> {
    source: &'a Source,
    /// The field.
    pub(in crate::backend) def: &'a FieldDef,
    /// Where it lives; nothing for a field that the target cannot see.
    place: Option<Place<'a>>,
    /// How the value is stored, where that is not the field's type.
    pub(in crate::backend) stored: Option<Stored>,
    multi: bool,
    text: Option<&'a TextOf>,
    single: Option<&'a Single>,
    /// The path whose values are mapped, where the cases come from one.
    mapped_path: Option<&'a str>,
    own_placeholder: bool,
    alert_field: Option<&'a str>,
    /// `behind` and `written`, as far as they are stated.
    wording: Vec<&'static str>,
    inexact: Vec<Inexact>,
    /// The keys at which the variant stands in the file.
    path: Vec<String>,
    title: &'static str,
    asked: Vec<&'static str>,
    faults: Vec<Diagnostic>,
}

impl<'a> ColumnReader<'a> {
    /// Nothing asked for yet. `number` is that of the variant, if there are several.
    pub(super) fn new<B: Dialect>(
        source: &'a Source,
        def: &'a FieldDef,
        mapped: &'a Mapped,
        number: Option<usize>,
    ) -> Self {
        // Without `..`: a new option of columns has to be offered to the targets here, or be known to concern none.
        let Mapped {
            for_actions: _,
            field,
            path,
            item,
            expr,
            needs,
            stored,
            cases: _,
            // `cases` below has them.
            map: _,
            absent: _,
            otherwise: _,
            placeholder,
            multi,
            text,
            single,
            alert_field,
            behind,
            written,
            superset,
            subset,
            requires: _,
            unavailable: _,
            instead: _,
        } = mapped;
        // The catalog has made sure that there is at most one.
        let cases = mapped.cases();
        let places = [
            (!cases.is_empty()).then_some(Place::Cases(cases)),
            field.as_deref().map(Place::Field),
            path.as_deref().map(Place::Path),
            item.as_deref().map(Place::Item),
            expr.as_deref().map(|text| Place::Expr(text, needs)),
        ];
        let inexact = superset.iter().cloned().map(Inexact::Wider);
        let inexact = inexact.chain(subset.iter().cloned().map(Inexact::Poorer)).collect();
        let keys = ["fields", &def.name, "columns", B::NAME].map(str::to_owned).into_iter();
        Self {
            source,
            def,
            place: places.into_iter().flatten().next(),
            stored: *stored,
            multi: *multi,
            text: text.as_ref(),
            single: single.as_ref(),
            mapped_path: path.as_deref().filter(|_| mapped.is_mapped()),
            own_placeholder: placeholder.is_some() || !def.placeholders.is_empty(),
            alert_field: alert_field.as_deref(),
            wording: [("behind", behind.is_empty()), ("written", written.is_empty())]
                .into_iter()
                .filter_map(|(option, is_empty)| (!is_empty).then_some(option))
                .collect(),
            inexact,
            path: keys.chain(number.map(|number| number.to_string())).collect(),
            title: B::TITLE,
            asked: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Where the column lives.
    pub(in crate::backend) fn place(&self) -> Option<Place<'a>> {
        self.place.clone()
    }

    /// Whether the name of a field, if it lives in one, can be a name; an error otherwise. A SIEM would look for a
    /// field called like the expression, which no event has.
    pub(super) fn has_name(&mut self) -> bool {
        let Some(Place::Field(name)) = &self.place else { return true };
        let problem = if name.trim().is_empty() {
            "it names no field"
        } else if name.contains(['(', ')']) {
            "it is an expression, not the name of a field: write it as `expr`"
        } else if name.contains(['[', ']']) {
            "it has an index, and no field has one in its name"
        } else {
            return true;
        };
        self.invalid("field", problem);
        false
    }

    /// The repeated group of the field, with its number.
    pub(in crate::backend) fn group(&self) -> Option<(usize, &'a Group)> {
        self.source.group_of(self.def)
    }

    /// The path of the inner items, if the repeated group of the field has any.
    pub(in crate::backend) fn inner_group(&self) -> Option<&'a str> {
        self.group()?.1.inner.as_deref()
    }

    /// Whether the field holds the values of all items of the event together.
    pub(in crate::backend) fn multi(&mut self) -> bool {
        Reads::add(&mut self.asked, "multi");
        self.multi
    }

    /// The path in the raw event whose values the cases translate, if they translate those of one.
    pub(in crate::backend) fn mapped_path(&self) -> Option<&'a str> {
        self.mapped_path
    }

    /// The text by which the values of such a field are told apart.
    pub(in crate::backend) fn text(&mut self) -> Option<&'a TextOf> {
        Reads::add(&mut self.asked, "text");
        self.text
    }

    /// How the only value of the field is told from others that are kept with it.
    pub(in crate::backend) fn single(&mut self) -> Option<&'a Single> {
        Reads::add(&mut self.asked, "single");
        self.single
    }

    /// Whether the column has a text for "no value" of its own.
    pub(in crate::backend) fn has_placeholder(&self) -> bool {
        self.own_placeholder
    }

    /// What the mapping of the source states under `words`.
    pub(in crate::backend) fn word(&self, word: &str) -> Option<&'a str> {
        let mapping = self.source.targets.get(self.path.get(3)?)?;
        mapping.words.get(word).map(String::as_str)
    }

    /// The field on an alert document, if that is another; empty where alerts do not carry it.
    pub(in crate::backend) fn alert_field(&mut self) -> Option<&'a str> {
        Reads::add(&mut self.asked, "alert_field");
        self.alert_field
    }

    /// Says that tests of the column may ask for several texts: then the rule is written so beforehand where the column
    /// has values in other words or with something behind them.
    pub(in crate::backend) fn wording(&mut self) {
        for option in ["behind", "written"] {
            Reads::add(&mut self.asked, option);
        }
    }

    /// Says that the column holds for more records than the field, unless the file says already how it is not exact.
    pub(in crate::backend) fn is_wider(&mut self, reason: &str) {
        if self.inexact.is_empty() {
            self.inexact.push(Inexact::Wider(reason.to_owned()));
        }
    }

    /// The text of an `expr`, if it is a self-contained expression; an error otherwise.
    pub(in crate::backend) fn expression(&mut self, text: &'a str, notation: &Notation) -> Option<&'a str> {
        match stated::whole(text, notation) {
            Ok(()) => Some(text),
            Err(problem) => {
                let problem = format!("its `expr` is not a self-contained expression: {problem}");
                self.invalid("expr", &problem);
                None
            }
        }
    }

    /// Says what is wrong with a column that looks at an event as a whole, where the items of the field's group have
    /// its values. `others` are the ways to read the field in other events.
    pub(super) fn heeds_items(&mut self, mapped: &Mapped, others: &[Mapped]) {
        let says_how = self.multi || !self.inexact.is_empty() || matches!(self.place, Some(Place::Item(_)));
        // A column with several places has been reported as that.
        let places = [&mapped.field, &mapped.path, &mapped.item, &mapped.expr].into_iter().flatten().count();
        if says_how || places > 1 || !self.source.has_items(self.def, mapped, others) {
            return;
        }
        let title =
            format!("`{}` belongs to the items of a group, and its column to the whole event", self.def.name);
        let label = format!("{} would see one item of several", self.title);
        let help = if self.asked.contains(&"multi") {
            "add `multi: true` if it holds the values of all items, or say with `subset` what it lacks"
        } else {
            "name the path in an item as `item`, or say with `subset` what the column lacks"
        };
        let option = match self.place {
            Some(Place::Path(_)) => "path",
            Some(Place::Expr(..)) => "expr",
            Some(Place::Cases(_) | Place::Field(_) | Place::Item(_)) | None => "field",
        };
        self.fault(option, title, &label, help);
    }

    /// An option that cannot be used as it is: why.
    pub(in crate::backend) fn invalid(&mut self, option: &str, problem: &str) {
        let title = format!("the column of `{}` is invalid in {}", self.def.name, self.title);
        self.fault(option, title, problem, "correct it in the source file or in `catena.yaml`");
    }

    fn fault(&mut self, option: &str, title: String, label: &str, help: &str) {
        let path: Vec<_> = self.path.iter().map(String::as_str).chain([option]).collect();
        let span = self.source.place(&path);
        self.faults.push(Diagnostic::new(Code::SettingsInvalid, span, title).label(label).help(help));
    }

    /// How the column is not exactly the field, and what is wrong.
    pub(super) fn finish(mut self) -> (Vec<Inexact>, Vec<Diagnostic>) {
        let stated = [
            ("multi", self.multi),
            ("text", self.text.is_some()),
            ("single", self.single.is_some()),
            ("alert_field", self.alert_field.is_some()),
        ];
        let stated = stated.into_iter().filter(|(_, stated)| *stated).map(|(option, _)| option);
        for option in stated.chain(std::mem::take(&mut self.wording)) {
            if !self.asked.contains(&option) {
                let title = format!("the `{option}` of `{}` is ignored by {}", self.def.name, self.title);
                self.fault(option, title, IGNORED.0, IGNORED.1);
            }
        }
        (self.inexact, self.faults)
    }

    /// What was asked for.
    pub(super) fn into_reads(self) -> Vec<&'static str> {
        self.asked
    }
}
