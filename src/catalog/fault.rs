//! What is wrong with an entry of a source, by its path.
//!
//! In: what `validate` finds. Out: diagnostics, once somebody says where the entries stand. Must not know: files.

use crate::diag::{Code, Diagnostic, Fix, nearest};
use crate::source::Span;

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    path: Vec<String>,
    /// Whether it is the key that is wrong, not what stands behind it.
    on_key: bool,
    code: Code,
    title: String,
    label: String,
    help: Option<String>,
    also: Option<(Vec<String>, &'static str)>,
    near: Option<String>,
}

fn owned(path: &[&str]) -> Vec<String> {
    path.iter().map(|part| (*part).to_owned()).collect()
}

impl Fault {
    pub(super) fn new(path: &[&str], title: String) -> Self {
        let (code, label) = (Code::SettingsInvalid, String::new());
        Self { path: owned(path), on_key: false, code, title, label, help: None, also: None, near: None }
    }

    pub(super) fn code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }

    pub(super) fn on_key(mut self) -> Self {
        self.on_key = true;
        self
    }

    pub(super) fn label(mut self, text: &str) -> Self {
        text.clone_into(&mut self.label);
        self
    }

    pub(super) fn help(mut self, text: &str) -> Self {
        self.help = Some(text.to_owned());
        self
    }

    /// Another entry that explains it.
    pub(super) fn also(mut self, path: &[&str], label: &'static str) -> Self {
        self.also = Some((owned(path), label));
        self
    }

    /// The name that was probably meant.
    pub(super) fn near<'a>(mut self, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        self.near = nearest(name, known).map(str::to_owned);
        self
    }

    /// The same fault, its paths seen from further out.
    pub(crate) fn below(mut self, path: &[&str]) -> Self {
        let longer = |rest: Vec<String>| owned(path).into_iter().chain(rest).collect();
        self.path = longer(self.path);
        self.also = self.also.map(|(also, label)| (longer(also), label));
        self
    }

    pub(super) fn path(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// The finding; `place` tells where an entry (`false`) or its key (`true`) stands.
    pub(crate) fn diagnose(&self, place: impl Fn(&[&str], bool) -> Span) -> Diagnostic {
        let mut found =
            Diagnostic::new(self.code, place(&self.path(), self.on_key), &*self.title).label(&*self.label);
        if let Some((also, label)) = &self.also {
            let also: Vec<_> = also.iter().map(String::as_str).collect();
            found = found.also(place(&also, true), *label);
        }
        if let Some(near) = &self.near {
            found = found.help(format!("did you mean `{near}`?"));
            found.fix = Some(Fix { span: found.primary.span, replacement: near.clone() });
        }
        match &self.help {
            Some(help) => found.help(&**help),
            None => found,
        }
    }
}
