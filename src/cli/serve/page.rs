//! Answers, and the headers of every one.
//!
//! In: texts. Out: answers. Must not know: rules.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

/// An answer.
pub(super) type Answer = Response<Full<Bytes>>;

/// What holds for the page and for answers alike: nothing is loaded, no other page shows this one.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a browser is shown at the address: style and script are in it. `npm run build` makes it of
/// `editors/playground/src`.
const PAGE: &str = include_str!("../../../editors/playground/dist/page.html");
/// Stands in the page where the permission of this answer belongs.
const NONCE: &str = "@@nonce@@";

/// The page. What is inline in it has a permission that nobody could know before; the editor makes its style as it
/// runs, and draws with images that are in it.
pub(super) fn page() -> Answer {
    let nonce = uuid::Uuid::new_v4().simple().to_string();
    let policy = format!(
        "{POLICY}; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:"
    );
    let page = PAGE.replace(NONCE, &nonce);
    let policy = HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(POLICY));
    answer(StatusCode::OK, "text/html; charset=utf-8", policy, page.into())
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    answer(status, "application/json", HeaderValue::from_static(POLICY), text.into())
}

/// An answer that says what is wrong.
pub(super) fn problem(status: StatusCode, why: &str) -> Answer {
    json(status, serde_json::json!({ "error": why }).to_string())
}

fn answer(status: StatusCode, kind: &'static str, policy: HeaderValue, text: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(text));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    let fixed = [
        (CONTENT_TYPE, kind),
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
