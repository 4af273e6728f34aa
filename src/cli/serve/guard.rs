//! Who may ask for what.
//!
//! In: the head of a request. Out: what is wanted, or why it is refused. A page of another site may make a browser send
//! requests here, and may let its own name lead here (DNS rebinding): `Host` and `Origin` tell. Must not know: bodies.

use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use super::work::{BODY, Task};

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The page.
    Page,
    /// Work on its body.
    Work(Task),
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) why: &'static str,
}

const fn refusal(status: StatusCode, why: &'static str) -> Refusal {
    Refusal { status, why }
}

const NOT_HERE: Refusal = refusal(StatusCode::FORBIDDEN, "this playground answers only to its own address");
const FOREIGN: Refusal = refusal(StatusCode::FORBIDDEN, "this playground answers only to its own page");
const NOTHING: Refusal = refusal(StatusCode::NOT_FOUND, "there is nothing here");
const METHOD: Refusal = refusal(StatusCode::METHOD_NOT_ALLOWED, "the method is not allowed here");
const TYPE: Refusal = refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be application/json");
pub(super) const TOO_LARGE: Refusal =
    refusal(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large: at most 10 MiB");
pub(super) const TOO_SLOW: Refusal = refusal(StatusCode::REQUEST_TIMEOUT, "the request came too slowly");

/// What a request to the playground on a port is for.
pub(super) fn admit(head: &Parts, port: u16) -> Result<Wanted, Refusal> {
    if !is_own(one(&head.headers, HOST)?, port) {
        return Err(NOT_HERE);
    }
    // `GET http://elsewhere/`, which is for a proxy.
    if head.uri.authority().is_some_and(|authority| !is_own(Some(authority.as_str()), port)) {
        return Err(NOT_HERE);
    }
    let site = one(&head.headers, HeaderName::from_static("sec-fetch-site"))?;
    let origin = one(&head.headers, ORIGIN)?;
    let is_same = |origin: &str| is_own(origin.strip_prefix("http://"), port);
    if origin.is_some_and(|origin| !is_same(origin)) {
        return Err(FOREIGN);
    }
    let (method, wanted) = wanted(head.uri.path()).ok_or(NOTHING)?;
    // A link from another page may lead to this one, but nothing else may be asked for from there.
    let is_page = wanted == Wanted::Page;
    if site.is_some_and(|site| !["same-origin", "none"].contains(&site)) && !is_page {
        return Err(FOREIGN);
    }
    if head.method != method {
        return Err(METHOD);
    }
    if method == Method::POST {
        let kind = one(&head.headers, CONTENT_TYPE)?.and_then(|kind| kind.split(';').next());
        if kind.map(str::trim) != Some("application/json") {
            return Err(TYPE);
        }
        let length = one(&head.headers, CONTENT_LENGTH)?.and_then(|length| length.parse::<usize>().ok());
        if length.is_some_and(|length| length > BODY) {
            return Err(TOO_LARGE);
        }
    }
    Ok(wanted)
}

fn wanted(path: &str) -> Option<(Method, Wanted)> {
    match path.strip_prefix("/api/") {
        Some(task) => Some((Method::POST, Wanted::Work(Task::named(task)?))),
        None => (path == "/").then_some((Method::GET, Wanted::Page)),
    }
}

/// The value of a header that may stand once, as text.
fn one(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Refusal> {
    const BROKEN: Refusal = refusal(StatusCode::BAD_REQUEST, "a header is there twice or is no text");
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| BROKEN),
        (Some(_), Some(_)) => Err(BROKEN),
    }
}

/// Whether a name and port are those of the playground.
fn is_own(authority: Option<&str>, port: u16) -> bool {
    let Some(authority) = authority else { return false };
    ["127.0.0.1", "localhost"].iter().any(|name| {
        let rest = authority.strip_prefix(name);
        rest.is_some_and(|rest| rest == format!(":{port}") || (port == 80 && rest.is_empty()))
    })
}
