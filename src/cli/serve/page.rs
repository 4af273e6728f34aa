//! Answers, and the headers of every one.
//!
//! In: texts. Out: answers. Must not know: rules.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

/// An answer.
pub(super) type Answer = Response<Full<Bytes>>;

/// Nothing is inline, nothing is loaded from elsewhere, no other page shows this one.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a browser is shown at the address.
const PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Catena</title>\n\
                    <p>This is the JSON interface of <code>catena serve</code>.</p>\n</html>\n";

/// The page.
pub(super) fn page() -> Answer {
    answer(StatusCode::OK, "text/html; charset=utf-8", Bytes::from_static(PAGE.as_bytes()))
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    answer(status, "application/json", text.into())
}

/// An answer that says what is wrong.
pub(super) fn problem(status: StatusCode, why: &str) -> Answer {
    json(status, serde_json::json!({ "error": why }).to_string())
}

fn answer(status: StatusCode, kind: &'static str, text: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(text));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    let fixed = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        // What was a port of one program may be one of another tomorrow.
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}
