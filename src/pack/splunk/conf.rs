//! Conf files of Splunk: stanzas of keys and values.
//!
//! In: keys and values. Out: text that Splunk reads as the same values. Must not know: what they mean.
//!
//! A value goes on in the next line where a line ends in a backslash (Admin Manual, "How to edit a configuration
//! file"); a value whose own lines end so, or have nothing to tell them from a new key, cannot be written.

/// A conf file under way.
#[derive(Debug, Default)]
pub(super) struct Conf(Vec<Stanza>);

/// A heading with its keys.
#[derive(Debug, Clone)]
pub(super) struct Stanza {
    name: String,
    keys: Vec<(String, String)>,
}

impl Stanza {
    /// Without keys.
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), keys: Vec::new() }
    }

    /// With a key more; one that is empty says nothing and is left out.
    pub(super) fn set(mut self, key: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.keys.push((key.to_owned(), value.to_owned()));
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
                let value = value.trim_end().split('\n').map(str::trim_end).collect::<Vec<_>>().join(" \\\n");
                text.extend([key, " = ", &value, "\n"]);
            }
        }
        text
    }
}

/// Whether a value can be written: no line of it ends as a line that goes on does.
pub(super) fn can_hold(value: &str) -> bool {
    !value.lines().any(|line| line.trim_end().ends_with('\\')) && !value.contains('\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_several_lines_goes_on() {
        let mut conf = Conf::default();
        conf.add(Stanza::new("a b").set("search", "one \n  | two\n").set("empty", ""));
        assert_eq!(conf.print(), "[a b]\nsearch = one \\\n  | two\n");
        assert!(!can_hold("one \\\ntwo") && can_hold("\"a\\\\b\"\n"));
    }
}
