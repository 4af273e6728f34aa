//! What each word of a file is, for colours.
//!
//! In: a file. Out: tokens as the protocol packs them. Must not know: colours.

use serde_json::{Value, json};

use crate::check::{DefinitionKind, Meaning};
use crate::project::LiveFile;

use super::place::{self, Kind};

/// The kinds of tokens, by the number under which they are sent.
const TYPES: [&str; 9] =
    ["keyword", "string", "number", "comment", "operator", "property", "namespace", "variable", "enumMember"];
const KEYWORD: usize = 0;
const STRING: usize = 1;
const NUMBER: usize = 2;
const COMMENT: usize = 3;
const OPERATOR: usize = 4;
const PROPERTY: usize = 5;
const NAMESPACE: usize = 6;
const VARIABLE: usize = 7;
const MEMBER: usize = 8;

/// What the numbers mean.
pub(super) fn legend() -> Value {
    json!({"tokenTypes": TYPES, "tokenModifiers": ["declaration"]})
}

/// The tokens of a file: names by what they stand for, the rest by how it is written.
pub(super) fn tokens(file: LiveFile<'_>) -> Value {
    let text = &*file.source.text;
    let resolutions = &file.state.resolutions;
    let mut named: Vec<(std::ops::Range<usize>, usize, bool)> = Vec::new();
    for used in resolutions.uses.iter().filter(|used| used.span.file == file.id) {
        let kind = match &used.meaning {
            Meaning::Source(_) => NAMESPACE,
            Meaning::Field { .. } => PROPERTY,
            Meaning::Step(_) | Meaning::Param(_) | Meaning::List(_) | Meaning::Lookup(_) => VARIABLE,
            Meaning::Clause(_) => KEYWORD,
            Meaning::Word { .. } => MEMBER,
            Meaning::File(_) => STRING,
        };
        named.push((used.span.range(), kind, false));
    }
    for defined in resolutions.definitions.iter().filter(|one| one.name.span.file == file.id) {
        let kind = match defined.kind {
            DefinitionKind::Rule => NAMESPACE,
            DefinitionKind::Step | DefinitionKind::Param | DefinitionKind::List | DefinitionKind::Lookup => {
                VARIABLE
            }
            DefinitionKind::Test => STRING,
        };
        named.push((defined.name.span.range(), kind, true));
    }
    // Placeholders of a playbook stand inside a string: there the string is cut around them.
    let mut pieces = Vec::new();
    for token in place::tokens(text) {
        let inside = named.iter().filter(|(range, ..)| {
            token.range.start <= range.start && range.end <= token.range.end && !range.is_empty()
        });
        let mut inside: Vec<_> = inside.cloned().collect();
        inside.sort_by_key(|(range, ..)| (range.start, range.end));
        let mut at = token.range.start;
        let rest = written(token.kind, token.text);
        for (range, kind, declared) in inside {
            if range.start < at {
                continue;
            }
            pieces.extend(rest.map(|rest| (at..range.start, rest, false)));
            at = range.end;
            pieces.push((range, kind, declared));
        }
        pieces.extend(rest.map(|rest| (at..token.range.end, rest, false)));
    }
    json!({ "data": packed(file, pieces) })
}

/// What a token is by how it is written.
fn written(kind: Kind, text: &str) -> Option<usize> {
    match kind {
        Kind::Comment => Some(COMMENT),
        Kind::Text => Some(STRING),
        Kind::Number => Some(NUMBER),
        Kind::Word => crate::syntax::is_keyword(text.trim_end_matches('~')).then_some(KEYWORD),
        Kind::Mark => text.contains(['=', '!', '<', '>', '~']).then_some(OPERATOR),
    }
}

/// Five numbers for each piece of a line: lines and units since the one before, length, type, modifiers.
fn packed(file: LiveFile<'_>, pieces: Vec<(std::ops::Range<usize>, usize, bool)>) -> Vec<usize> {
    let (mut data, mut last) = (Vec::new(), (0, 0));
    for (range, kind, declared) in pieces {
        let text = file.source.text.get(range.clone()).unwrap_or_default();
        let mut at = range.start;
        for line in text.split_inclusive('\n') {
            let shown = line.trim_end_matches(['\r', '\n']);
            let length = shown.encode_utf16().count();
            let start = file.source.utf16(at);
            at += line.len();
            if length == 0 {
                continue;
            }
            let down = start.line - last.0;
            let along = if down == 0 { start.character - last.1 } else { start.character };
            data.extend([down, along, length, kind, usize::from(declared)]);
            last = (start.line, start.character);
        }
    }
    data
}
