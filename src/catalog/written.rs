//! Entries of a source file that may be written in several ways: a text, keys, or a list.
//!
//! In: what serde reads. Out: columns and ways to read a field. Must not know: what they are for.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use serde::ser::{Serialize, Serializer};

use super::{Column, Group, Groups, Mapped, Raw, RawVariant, Texts};

/// Something that can be written as a text, or as a list of `T`.
trait Written<T>: Sized {
    /// A text alone, if it may stand for all.
    fn text(text: String) -> Option<Self>;
    fn list(items: Vec<T>) -> Self;
    /// One item alone, if it may stand without a list.
    fn item(item: T) -> Option<Self>;
    /// What it is where nothing stands, if that is anything.
    fn nothing() -> Option<Self> {
        None
    }
}

impl Written<Mapped> for Column {
    fn text(text: String) -> Option<Self> {
        Some(Self(vec![Mapped { field: Some(text), ..Mapped::default() }]))
    }

    fn list(items: Vec<Mapped>) -> Self {
        Self(items)
    }

    fn item(item: Mapped) -> Option<Self> {
        Some(Self(vec![item]))
    }
}

impl Written<RawVariant> for Raw {
    fn text(text: String) -> Option<Self> {
        Some(Self::Path(text))
    }

    fn list(items: Vec<RawVariant>) -> Self {
        Self::Variants(items)
    }

    fn item(_: RawVariant) -> Option<Self> {
        None
    }
}

impl Written<String> for Texts {
    fn text(text: String) -> Option<Self> {
        Some(Self(vec![text]))
    }

    fn list(items: Vec<String>) -> Self {
        Self(items)
    }

    fn item(_: String) -> Option<Self> {
        None
    }

    fn nothing() -> Option<Self> {
        Some(Self::default())
    }
}

impl Written<Group> for Groups {
    fn text(_: String) -> Option<Self> {
        None
    }

    fn list(items: Vec<Group>) -> Self {
        Self(items)
    }

    fn item(item: Group) -> Option<Self> {
        Some(Self(vec![item]))
    }

    fn nothing() -> Option<Self> {
        Some(Self::default())
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyOf::<Self, String>(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Groups {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyOf::<Self, Group>(PhantomData))
    }
}

// As they are written: one alone without a list, none as nothing.
impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        alone(&self.0, serializer)
    }
}

impl Serialize for Groups {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        alone(&self.0, serializer)
    }
}

fn alone<T: Serialize, S: Serializer>(items: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    match items {
        [] => serializer.serialize_none(),
        [one] => one.serialize(serializer),
        several => several.serialize(serializer),
    }
}

/// Something with entries.
pub(super) trait Entries {
    fn has_none(&self) -> bool;
}

impl<T> Entries for Vec<T> {
    fn has_none(&self) -> bool {
        self.is_empty()
    }
}

impl<K, V> Entries for BTreeMap<K, V> {
    fn has_none(&self) -> bool {
        self.is_empty()
    }
}

/// A list or map that is not stated without an entry.
pub(super) fn filled<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Entries,
{
    let entries = T::deserialize(deserializer)?;
    if entries.has_none() { Err(D::Error::custom("expected at least one entry")) } else { Ok(entries) }
}

/// The group of a field: its name, or `true` where there is but one; nothing for `false`.
pub(super) fn group_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    struct Name;

    impl Visitor<'_> for Name {
        type Value = Option<String>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("`true`, `false` or the name of a group")
        }

        fn visit_bool<E: Error>(self, is_in: bool) -> Result<Self::Value, E> {
            Ok(is_in.then(|| Group::ONLY.to_owned()))
        }

        fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
            Ok(match name {
                "false" | "no" => None,
                "true" | "yes" => Some(Group::ONLY.to_owned()),
                name => Some(name.to_owned()),
            })
        }
    }

    deserializer.deserialize_any(Name)
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not an untagged enum: that would only say that no variant matched, not what may stand here.
        deserializer.deserialize_any(AnyOf::<Self, Mapped>(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyOf::<Self, RawVariant>(PhantomData))
    }
}

struct AnyOf<W, T>(PhantomData<(W, T)>);

impl<'de, T: Deserialize<'de>, W: Written<T>> Visitor<'de> for AnyOf<W, T> {
    type Value = W;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("text (a number or `true` in quotes), keys with values, or a list of these")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<W, E> {
        W::text(text.to_owned()).ok_or_else(|| E::custom("expected keys or a list"))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<W, E> {
        W::text(text).ok_or_else(|| E::custom("expected keys or a list"))
    }

    fn visit_unit<E: Error>(self) -> Result<W, E> {
        W::nothing().ok_or_else(|| E::invalid_type(serde::de::Unexpected::Unit, &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<W, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(items)).map(W::list)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<W, A::Error> {
        let item = T::deserialize(MapAccessDeserializer::new(entries))?;
        W::item(item).ok_or_else(|| A::Error::custom("expected text or a list"))
    }
}
