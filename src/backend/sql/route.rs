//! Ways into documents: values at paths, of items of lists too.
//!
//! In: a document as an expression, a route. Out: what stands there, as an expression. Must not know: fields, types.

use super::array;
use super::column::{Key, Route, Which};
use super::dialect;
use super::literal::{self, Frag, test};
use crate::backend::SqlDialect;

/// What stands at a place.
pub(super) enum Found {
    Text(Frag),
    Number(Frag),
    /// Microseconds since 1970.
    Instant(Frag),
    /// The list of the texts that stand there; some may be null.
    Texts(Frag),
}

/// What a route leads into.
pub(super) enum Document {
    /// A text of JSON.
    Json(Frag),
    /// The same, of which a text is asked.
    JsonForText(Frag),
    /// An item of an array of JSON.
    Item(Frag),
    /// A struct, or a list of structs.
    Struct(Frag),
}

/// What stands at the end of the first of several routes that leads to something.
pub(super) fn first<'r>(
    dialect: SqlDialect,
    document: &Document,
    routes: impl Iterator<Item = &'r Route>,
) -> Found {
    let mut is_list = false;
    let mut found: Vec<_> = routes
        .map(|route| match read(dialect, document, route) {
            Found::Text(text) | Found::Number(text) | Found::Instant(text) => text,
            Found::Texts(texts) => {
                is_list = true;
                texts
            }
        })
        .collect();
    match (is_list, found.len()) {
        (true, _) => Found::Texts(array::first_with_items(dialect, found)),
        (false, 1) => Found::Text(found.swap_remove(0)),
        (false, _) => Found::Text(literal::call("COALESCE", &found)),
    }
}

/// The objects of the list at the end of a route.
pub(super) fn objects(dialect: SqlDialect, document: &Document, route: &Route) -> Frag {
    match entered(dialect, document, route) {
        None => dialect::json_items(dialect, document.frag(), &route.keys),
        Some(inner) => dialect::json_items(dialect, inner.frag(), &route.keys),
    }
}

/// The last text of JSON on a route, if there is one.
fn entered(dialect: SqlDialect, document: &Document, route: &Route) -> Option<Document> {
    let (first, rest) = route.texts.split_first()?;
    let text = |document: &Frag, keys: &[Key]| dialect::json_text(dialect, document, keys);
    let inner = rest.iter().fold(text(document.frag(), first), |inner, keys| text(&inner, keys));
    Some(match document {
        Document::JsonForText(_) => Document::JsonForText(inner),
        Document::Json(_) | Document::Item(_) | Document::Struct(_) => Document::Json(inner),
    })
}

/// What stands at the end of a route.
pub(super) fn read(dialect: SqlDialect, document: &Document, route: &Route) -> Found {
    let inner = entered(dialect, document, route);
    read_at(dialect, inner.as_ref().unwrap_or(document), route, 1)
}

/// `depth`: how many lists the route has come to, this one included.
fn read_at(dialect: SqlDialect, document: &Document, route: &Route, depth: usize) -> Found {
    let Some((which, rest)) = &route.items else { return Found::Text(document.scalar(dialect, &route.keys)) };
    let name =
        literal::own(&if depth == 1 { array::ONE.to_owned() } else { format!("{}{depth}", array::ONE) });
    let is_there = test("{} IS NOT NULL", &[&name]);
    let list = document.list(dialect, &route.keys);
    let item = document.item(name.clone());
    let of = |list: &Frag, body: &Frag| array::transform(dialect, list, &name, body);
    let those = |list: &Frag, body: &Frag| array::filter(dialect, list, &name, body);
    let rest = read_at(dialect, &item, rest, depth + 1);
    match which {
        Which::Each => Found::Texts(match rest {
            Found::Text(text) | Found::Number(text) | Found::Instant(text) => of(&list, &text),
            Found::Texts(texts) => array::flatten(&those(&of(&list, &texts), &is_there)),
        }),
        Which::Having(key, value) => {
            let key = item.scalar(dialect, &[Key::Name(key.clone())]);
            let list = those(&list, &test("{()} = {}", &[&key, &literal::text(dialect, value)]));
            let first = |list: &Frag| array::item(dialect, list, 0);
            match rest {
                Found::Text(text) | Found::Number(text) | Found::Instant(text) => {
                    Found::Text(first(&those(&of(&list, &text), &is_there)))
                }
                Found::Texts(texts) => {
                    let has_any = test("{} > 0", &[&array::count(dialect, &name)]);
                    Found::Texts(first(&those(&of(&list, &there(dialect, &texts, depth)), &has_any)))
                }
            }
        }
    }
}

/// Of a list of texts those that are there.
fn there(dialect: SqlDialect, texts: &Frag, depth: usize) -> Frag {
    let name = literal::own(&format!("{}{}", array::ONE, depth + 1));
    array::filter(dialect, texts, &name, &test("{} IS NOT NULL", &[&name]))
}

impl Document {
    fn frag(&self) -> &Frag {
        match self {
            Self::Json(frag) | Self::JsonForText(frag) | Self::Item(frag) | Self::Struct(frag) => frag,
        }
    }

    fn scalar(&self, dialect: SqlDialect, keys: &[Key]) -> Frag {
        match self {
            Self::Json(document) => dialect::json_scalar(dialect, document, keys),
            Self::JsonForText(document) => dialect::json_text_of_scalar(dialect, document, keys),
            // There an item that is a text is no longer JSON.
            Self::Item(item) if keys.is_empty() && dialect == SqlDialect::Spark => item.clone(),
            Self::Item(item) => dialect::json_item_scalar(dialect, item, keys),
            Self::Struct(base) => member(dialect, base, keys),
        }
    }

    fn list(&self, dialect: SqlDialect, keys: &[Key]) -> Frag {
        match self {
            Self::Json(document) | Self::JsonForText(document) => {
                array::of_json(dialect, document, keys, false)
            }
            Self::Item(item) => array::of_json(dialect, item, keys, true),
            Self::Struct(base) => member(dialect, base, keys),
        }
    }

    /// An item of a list in it.
    fn item(&self, name: Frag) -> Self {
        match self {
            Self::Json(_) | Self::JsonForText(_) | Self::Item(_) => Self::Item(name),
            Self::Struct(_) => Self::Struct(name),
        }
    }
}

fn member(dialect: SqlDialect, base: &Frag, keys: &[Key]) -> Frag {
    keys.iter().fold(base.clone(), |base, key| match key {
        Key::Name(name) => literal::member(dialect, &base, &name.to_ascii_lowercase()),
        Key::Item(number) => array::item(dialect, &base, *number),
    })
}
