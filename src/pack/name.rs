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
    fn key(&self) -> String {
        let words = self.name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
    }
}

/// One line of printable characters, without those that end a heading in a conf file, cut to what fits.
pub(super) fn one_line(text: &str, longest: usize) -> String {
    let kept =
        |c: char| if c.is_control() || matches!(c, '[' | ']' | '\u{2028}' | '\u{2029}') { ' ' } else { c };
    let text: String = text.chars().map(kept).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().take(longest).collect::<String>().trim_end().to_owned()
}

/// The SIEMs in which two things have one name, and both.
type Clash<'n> = (Vec<&'static str>, [&'n Named; 2]);

/// Reports names that a SIEM takes for one; once for two rules, whichever SIEMs it is in.
pub(super) fn clashes<'n>(names: impl IntoIterator<Item = &'n Named>, diags: &mut Diagnostics) {
    let mut first: BTreeMap<(&'static str, String), &Named> = BTreeMap::new();
    let mut clashing: BTreeMap<(&str, &str), Clash<'_>> = BTreeMap::new();
    for named in names {
        let earlier = *first.entry((named.siem, named.key())).or_insert(named);
        if earlier.rule != named.rule {
            let (siems, _) = clashing
                .entry((&earlier.rule, &named.rule))
                .or_insert_with(|| (Vec::new(), [earlier, named]));
            siems.push(named.siem);
        }
    }
    for (siems, [earlier, named]) in clashing.into_values() {
        let siems = siems.join(", ");
        let title = format!("rules `{}` and `{}` have the same name in {siems}", earlier.rule, named.rule);
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
        let title = format!(
            "rules `{}` and `{}` would both be written to `{}`",
            rules[0],
            rules[1],
            file.path.as_str()
        );
        diags.push(Diagnostic::new(Code::NameClash, Span::default(), title).help("rename one of them"));
    }
}
