//! Findings as the protocol has them.
//!
//! In: a finding. Out: a diagnostic of the protocol. Must not know: who asks.

use serde_json::{Value, json};

use crate::diag::{Code, Diagnostic, Severity};
use crate::project::Live;
use crate::source::visible;

use super::convert;

/// A finding as the protocol has it.
pub(super) fn finding(live: &Live, found: &Diagnostic) -> Option<Value> {
    let source = live.sources().get(found.primary.span.file)?;
    let mut message = found.title.clone();
    for more in [&found.primary.text].into_iter().filter(|text| !text.is_empty()).chain(&found.help) {
        message.push('\n');
        message.push_str(more);
    }
    let related = found.secondary.iter().filter_map(|label| {
        Some(json!({"location": convert::location(live, label.span)?, "message": shown(&label.text)}))
    });
    let is_unused = matches!(found.code, Code::UnusedParam | Code::UnusedList | Code::UnusedAllow);
    Some(json!({
        "range": convert::range(source, found.primary.span.range()),
        "severity": match found.severity() { Severity::Error => 1, Severity::Warning => 2 },
        "code": found.code.id(),
        "source": "catena",
        "message": shown(&message),
        "tags": if is_unused { vec![1] } else { vec![] },
        "relatedInformation": related.collect::<Vec<_>>(),
    }))
}

/// A text without characters that steer a terminal or turn the writing around. Its lines stay lines: `visible` would
/// escape their ends, too.
pub(super) fn shown(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}
