//! What is in an envelope: the members of a JSON object, and the text of JSON that stands in a string.
//!
//! In: the text of a value, dotted paths. Out: the texts of the values at a path.
//! Must not know: sources, what an event is. A key that occurs twice gives two values.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object, in order.
#[derive(Debug, Default)]
pub(crate) struct Members<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'t> Members<'t> {
    /// The members of the object that `text` is; `None` if it is no valid object.
    pub(crate) fn of(text: &'t str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_ref())
    }

    /// The texts of the values at a dotted path. On the way JSON that stands in a string is entered.
    pub(crate) fn at(&self, path: &str) -> Vec<Cow<'t, str>> {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let found = self.0.iter().filter(|(key, _)| key == first).map(|(_, value)| value.get());
        match rest {
            None => found.map(Cow::Borrowed).collect(),
            Some(rest) => {
                // Tables have the path as one key.
                let whole = self.0.iter().filter(|(key, _)| key == path).map(|(_, value)| value.get());
                found.flat_map(|text| below(text, rest)).chain(whole.map(Cow::Borrowed)).collect()
            }
        }
    }
}

/// The texts of the values at a path in the object that `text` is, or that stands in it as a string.
pub(crate) fn below<'t>(text: &'t str, path: &str) -> Vec<Cow<'t, str>> {
    if text.starts_with('{') {
        return Members::of(text).map(|members| members.at(path)).unwrap_or_default();
    }
    let inside = string(text).filter(|inside| inside.trim_start().starts_with('{'));
    let owned = |found: Cow<'_, str>| Cow::Owned(found.into_owned());
    let members = inside.as_deref().and_then(Members::of);
    members.map(|members| members.at(path).into_iter().map(owned).collect()).unwrap_or_default()
}

/// The items of the list that `text` is; `None` if it is no valid list.
pub(crate) fn items(text: &str) -> Option<Vec<&RawValue>> {
    if text.trim_start().starts_with('[') { serde_json::from_str(text).ok() } else { None }
}

/// The text that the string `text` stands for; `None` if it is no string.
pub(crate) fn string(text: &str) -> Option<String> {
    if text.starts_with('"') { serde_json::from_str(text).ok() } else { None }
}

/// The values that follow one another in a text, and whether anything else is behind them.
pub(crate) fn values(text: &str) -> (Vec<&RawValue>, bool) {
    let mut found = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        match value {
            Ok(value) => found.push(value),
            Err(_) => return (found, false),
        }
    }
    (found, true)
}

impl<'de: 't, 't> Deserialize<'de> for Members<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    members.push((key, map.next_value()?));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Each)
    }
}

/// A key, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Key<'t>(#[serde(borrow)] Cow<'t, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_path() {
        let text = r#"{"a":{"b":[1]},"a":"{\"b\":{\"c\":2}}","x":null,"a":3}"#;
        let members = Members::of(text).unwrap();
        assert_eq!(members.at("a").len(), 3);
        assert_eq!(members.at("a.b"), ["[1]", r#"{"c":2}"#]);
        assert_eq!(members.at("a.b.c"), ["2"]);
        assert_eq!(members.at("y.b"), Vec::<Cow<'_, str>>::new());
        assert_eq!(members.keys().collect::<Vec<_>>(), ["a", "a", "x", "a"]);
        assert!(Members::of("[1]").is_none() && Members::of("{").is_none());
        assert_eq!(items(" [1, {}]").unwrap().iter().map(|item| item.get()).collect::<Vec<_>>(), ["1", "{}"]);
        assert_eq!(values("{} {}{").0.len(), 2);
        assert!(!values("{} {}{").1 && values("{}").1);
        assert_eq!(string(r#""a\n""#).unwrap(), "a\n");
    }
}
