//! What must be set up for a query, in one line for one thing.
//!
//! In: two requirements. Out: one that says both, if they ask the same thing for several of its parts: fields of one
//! log, each since a version. Must not know: rules, targets, sources.

/// A requirement of the form `a log that has this field (version 3 or later)`.
struct Part<'t> {
    thing: &'t str,
    names: Vec<&'t str>,
    version: u64,
}

impl<'t> Part<'t> {
    fn of(text: &'t str) -> Option<Self> {
        let (rest, version) = text.strip_suffix(" or later)")?.rsplit_once(" (version ")?;
        let (thing, names) = rest.split_once(" that has ")?;
        let names = names.split(", ").flat_map(|name| name.split(" and ")).collect();
        Some(Self { thing, names, version: version.parse().ok()? })
    }
}

/// Both requirements in one, if they are about the same thing.
pub(super) fn joined(one: &str, other: &str) -> Option<String> {
    let (one, other) = (Part::of(one)?, Part::of(other)?);
    if one.thing != other.thing {
        return None;
    }
    let mut names = one.names;
    names.extend(other.names);
    let mut known: Vec<&str> = Vec::with_capacity(names.len());
    for name in names {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    let version = one.version.max(other.version);
    let (last, rest) = known.split_last()?;
    let names = if rest.is_empty() { (*last).to_owned() } else { format!("{} and {last}", rest.join(", ")) };
    Some(format!("{} that has {names} (version {version} or later)", one.thing))
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
    fn what_is_about_other_things_stays() {
        let log = "a log that has a (version 3 or later)";
        for other in
            ["b log that has a (version 3 or later)", "a log that has a", "a log (version x or later)"]
        {
            assert_eq!(joined(log, other), None, "{other}");
        }
    }
}
