//! Conf files of Splunk: stanzas of keys and values.
//!
//! In: keys and values. Out: text that Splunk reads as the same values. Must not know: what they mean.
//!
//! A value goes on in the next line where a line ends in a backslash (Admin Manual, "How to edit a configuration
//! file"): a value whose own lines end so would take the next key into itself. Of prose such an end is left off; of
//! what has a meaning to Splunk the caller asks [`can_hold`] first.

/// A conf file under way.
#[derive(Debug, Default)]
pub(super) struct Conf(Vec<Stanza>);

/// A heading with its keys.
#[derive(Debug, Clone)]
pub(super) struct Stanza {
    name: String,
    keys: Vec<(String, String)>,
}

/// What no line of a value ends in.
const ENDS: fn(char) -> bool = |c| c == '\\' || c.is_whitespace();

impl Stanza {
    /// Without keys.
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), keys: Vec::new() }
    }

    /// With a key more, whose lines end where they end; one that is empty says nothing and is left out.
    pub(super) fn set(mut self, key: &str, value: &str) -> Self {
        let lines: Vec<&str> =
            value.trim_end_matches(ENDS).split('\n').map(|line| line.trim_end_matches(ENDS)).collect();
        let value = lines.join("\n");
        if !value.is_empty() {
            self.keys.push((key.to_owned(), value));
        }
        self
    }
}

impl Conf {
    /// Adds a stanza.
    pub(super) fn add(&mut self, stanza: Stanza) {
        self.0.push(stanza);
    }

    /// The text.
    pub(super) fn print(&self) -> String {
        let mut text = String::new();
        for (index, Stanza { name, keys }) in self.0.iter().enumerate() {
            text.push_str(if index > 0 { "\n" } else { "" });
            text.extend(["[", name, "]\n"]);
            for (key, value) in keys {
                text.extend([key, " = ", &value.replace('\n', " \\\n"), "\n"]);
            }
        }
        text
    }
}

/// Whether a value can be written as it is: no line of it ends as a line that goes on does.
pub(super) fn can_hold(value: &str) -> bool {
    !value.lines().any(|line| line.trim_end().ends_with('\\')) && !value.contains('\r')
}

/// Whether Splunk reads a stanza of this name as more than one of many: settings of `[default]` hold for all stanzas of
/// the file, as do those of one without a name, and `[accepted_keys]` of transforms.conf defines no lookup.
pub(super) fn is_reserved(name: &str) -> bool {
    ["", "default", "accepted_keys"].contains(&name.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_several_lines_goes_on() {
        let mut conf = Conf::default();
        conf.add(Stanza::new("a b").set("search", "one \n  | two\n").set("empty", ""));
        assert_eq!(conf.print(), "[a b]\nsearch = one \\\n  | two\n");
        let mut prose = Conf::default();
        prose.add(
            Stanza::new("a").set("one", "C:\\x\\ \\").set("two", "in\\\nlines\\\r\n\\").set("three", "\\"),
        );
        assert_eq!(prose.print(), "[a]\none = C:\\x\ntwo = in \\\nlines\n");
        assert!(is_reserved("Default ") && is_reserved("") && !is_reserved("defaults"));
        assert!(!can_hold("one \\\ntwo") && can_hold("\"a\\\\b\"\n"));
    }
}
