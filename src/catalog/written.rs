//! Entries of a source file that may be written in several ways: a text, keys, or a list.
//!
//! In: what serde reads. Out: columns and ways to read a field. Must not know: what they are for.

use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Column, Mapped, Raw, RawVariant};

/// Something that can be written as a text, or as a list of `T`.
trait Written<T>: Sized {
    fn text(text: String) -> Self;
    fn list(items: Vec<T>) -> Self;
    /// One item alone, if it may stand without a list.
    fn item(item: T) -> Option<Self>;
}

impl Written<Mapped> for Column {
    fn text(text: String) -> Self {
        Self(vec![Mapped { field: Some(text), ..Mapped::default() }])
    }

    fn list(items: Vec<Mapped>) -> Self {
        Self(items)
    }

    fn item(item: Mapped) -> Option<Self> {
        Some(Self(vec![item]))
    }
}

impl Written<RawVariant> for Raw {
    fn text(text: String) -> Self {
        Self::Path(text)
    }

    fn list(items: Vec<RawVariant>) -> Self {
        Self::Variants(items)
    }

    fn item(_: RawVariant) -> Option<Self> {
        None
    }
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
        Ok(W::text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<W, E> {
        Ok(W::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<W, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(items)).map(W::list)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<W, A::Error> {
        let item = T::deserialize(MapAccessDeserializer::new(entries))?;
        W::item(item).ok_or_else(|| A::Error::custom("expected text or a list"))
    }
}
