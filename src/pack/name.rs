//! Names in a SIEM: what is left of a title, and which of two become one.
//!
//! In: titles and paths. Out: names, and findings for those that are the same. Must not know: what is named.

use std::collections::BTreeMap;

use super::file::File;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;

/// Something that has a name in a SIEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// The SIEM and the kind of thing.
    pub(super) siem: &'static str,
    /// As it is shown.
    pub(super) name: String,
    /// The rule.
    pub(super) rule: String,
    /// Where the name comes from.
    pub(super) span: Span,
}

impl Named {
    /// What the SIEM compares: letter case, spaces and marks make no difference to a reader of its lists.
    fn key(&self) -> (&'static str, String) {
        let words: Vec<String> = self
            .name
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        (self.siem, words.join(" "))
    }
}

/// One line of printable characters, without those that end a heading in a conf file, cut to what fits.
pub(super) fn one_line(text: &str, longest: usize) -> String {
    let kept = |c: char| if c.is_control() || matches!(c, '[' | ']' | '\u{2028}' | '\u{2029}') { ' ' } else { c };
    let text: String = text.chars().map(kept).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().take(longest).collect::<String>().trim_end().to_owned()
}

/// Reports names that a SIEM takes for one.
pub(super) fn clashes<'n>(names: impl IntoIterator<Item = &'n Named>, diags: &mut Diagnostics) {
    let mut first: BTreeMap<(&'static str, String), &Named> = BTreeMap::new();
    for named in names {
        let earlier = first.entry(named.key()).or_insert(named);
        if earlier.rule == named.rule {
            continue;
        }
        let title = format!("rules `{}` and `{}` have the same name in {}", earlier.rule, named.rule, named.siem);
        let found = Diagnostic::new(Code::NameClash, named.span, title)
            .label(format!("becomes `{}`", named.name))
            .also(earlier.span, format!("becomes `{}`", earlier.name))
            .help("a SIEM shows and keeps rules by this name: change one of the titles");
        diags.push(found);
    }
}

/// Reports files that would be one on a disk that ignores letter case.
pub(super) fn same_path(files: &[File], diags: &mut Diagnostics) {
    let mut first: BTreeMap<String, &File> = BTreeMap::new();
    for file in files {
        let earlier = first.entry(file.path.as_str().to_lowercase()).or_insert(file);
        if std::ptr::eq(*earlier, file) {
            continue;
        }
        let rules = [&earlier.rule, &file.rule].map(|rule| rule.as_deref().unwrap_or("a shared list"));
        let title =
            format!("rules `{}` and `{}` would both be written to `{}`", rules[0], rules[1], file.path.as_str());
        diags.push(Diagnostic::new(Code::NameClash, Span::default(), title).help("rename one of them"));
    }
}
