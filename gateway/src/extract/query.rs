//! Query strings and conditional requests.

use axum::extract::FromRequestParts;
use http::{header, request::Parts};
use std::{collections::BTreeMap, convert::Infallible};

/// The query parameters; the first of a repeated one counts.
#[derive(Debug, Clone, Default)]
pub struct Params(BTreeMap<String, String>);

impl Params {
    /// "" when absent.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    pub fn opt(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// `true`, `1`, `t` … as Go's ParseBool takes them.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), "1" | "t" | "T" | "true" | "TRUE" | "True")
    }

    /// From a query string.
    pub fn parse(query: &str) -> Self {
        let mut map = BTreeMap::new();
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            map.entry(decode(name)).or_insert_with(|| decode(value));
        }
        Self(map)
    }
}

/// Percent-decodes; bytes that are no UTF-8 are replaced.
fn decode(text: &str) -> String {
    if !text.contains(['%', '+']) {
        return text.to_owned();
    }
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let hex = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
        match bytes[i] {
            b'+' => out.push(b' '),
            b'%' if i + 2 < bytes.len() => match (hex(bytes[i + 1]), hex(bytes[i + 2])) {
                (Some(high), Some(low)) => {
                    out.push(high * 16 + low);
                    i += 2;
                }
                _ => out.push(b'%'),
            },
            other => out.push(other),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// `page` and `per_page`.
#[derive(Debug, Clone, Copy)]
pub struct Page(pub muster_domain::paging::Page);

impl<S: Sync> FromRequestParts<S> for Page {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let params = Params::parse(parts.uri.query().unwrap_or_default());
        Ok(Self(muster_domain::paging::Page::parse(params.opt("page"), params.opt("per_page"))))
    }
}

/// The `If-None-Match` header, compared verbatim with our unquoted ETags.
#[derive(Debug, Clone)]
pub struct IfNoneMatch(pub Option<String>);

impl IfNoneMatch {
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok()).map(str::to_owned)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes() {
        let p = Params::parse("a=1+2&b=%C3%A9&a=3&c&d=%zz%4");
        assert_eq!((p.get("a"), p.get("b"), p.opt("c"), p.get("d")), ("1 2", "é", Some(""), "%zz%4"));
    }
}
