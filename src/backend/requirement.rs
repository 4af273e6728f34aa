//! What must be set up for a query, in one line for one thing.
//!
//! In: two requirements. Out: one that says both, if they ask the same thing for several of its parts: fields of one
//! log, each since a version; tables that one connector fills. Must not know: rules, targets, sources.

/// A requirement of the form `a log that has this field (version 3 or later)`.
struct Fields<'t> {
    log: &'t str,
    names: Vec<&'t str>,
    version: u64,
}

impl<'t> Fields<'t> {
    fn of(text: &'t str) -> Option<Self> {
        let (rest, version) = text.strip_suffix(" or later)")?.rsplit_once(" (version ")?;
        let (log, names) = rest.split_once(" that has ")?;
        Some(Self { log, names: names_of(names), version: version.parse().ok()? })
    }

    fn with(self, other: Self) -> Option<String> {
        let (log, version) = (self.log, self.version.max(other.version));
        let names = named(self.names, other.names)?;
        (log == other.log).then(|| format!("{log} that has {names} (version {version} or later)"))
    }
}

/// A requirement of the form `table T (how it is filled)`, with `; ` and a remark or without.
struct Tables<'t> {
    names: Vec<&'t str>,
    filled: &'t str,
    remark: &'t str,
}

impl<'t> Tables<'t> {
    fn of(text: &'t str) -> Option<Self> {
        let (names, rest) =
            text.strip_prefix("table")?.trim_start_matches('s').strip_prefix(' ')?.split_once(" (")?;
        let (filled, remark) = rest.split_once(')')?;
        (remark.is_empty() || remark.starts_with("; ")).then(|| Self {
            names: names_of(names),
            filled,
            remark,
        })
    }

    fn with(self, other: Self) -> Option<String> {
        let remark = if self.remark == other.remark { "" } else { other.remark };
        let names = named(self.names, other.names)?;
        (self.filled == other.filled)
            .then(|| format!("tables {names} ({}){}{remark}", self.filled, self.remark))
    }
}

/// Both requirements in one, if they are about the same thing.
pub(super) fn joined(one: &str, other: &str) -> Option<String> {
    let fields = Fields::of(one).zip(Fields::of(other)).and_then(|(one, other)| one.with(other));
    fields.or_else(|| Tables::of(one)?.with(Tables::of(other)?))
}

fn names_of(listed: &str) -> Vec<&str> {
    listed.split(", ").flat_map(|name| name.split(" and ")).collect()
}

/// All names, each once.
fn named<'t>(names: Vec<&'t str>, more: Vec<&'t str>) -> Option<String> {
    let mut known: Vec<&str> = Vec::with_capacity(names.len() + more.len());
    for name in names.into_iter().chain(more) {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    let (last, rest) = known.split_last()?;
    Some(if rest.is_empty() { (*last).to_owned() } else { format!("{} and {last}", rest.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn fields_of_one_log_are_asked_for_together() {
        let [one, two, three] =
            ["a (version 3 or later)", "b (version 10 or later)", "c (version 4 or later)"]
                .map(|rest| format!("a log that has {rest}"));
        let both = joined(&one, &two).unwrap();
        assert_eq!(both, "a log that has a and b (version 10 or later)");
        assert_eq!(joined(&both, &three).unwrap(), "a log that has a, b and c (version 10 or later)");
        assert_eq!(joined(&both, &one).unwrap(), both);
    }

    #[test]
    fn tables_of_one_connector_are_asked_for_together() {
        let [one, two, other] = ["table A (x, y); late", "table B (x, y)", "table C (z)"];
        let both = joined(one, two).unwrap();
        assert_eq!(both, "tables A and B (x, y); late");
        assert_eq!(joined(&both, "table D (x, y); lost").unwrap(), "tables A, B and D (x, y); late; lost");
        assert_eq!(joined(one, other), None);
        assert_eq!(joined("table A with columns", "table B with columns"), None);
    }

    #[test]
    fn what_is_about_other_things_stays() {
        let log = "a log that has a (version 3 or later)";
        for other in
            ["b log that has a (version 3 or later)", "a log that has a", "a log (version x or later)"]
        {
            assert_eq!(joined(log, other), None, "{other}");
        }
    }
}
