//! Refusals for people who followed a link: a page instead of JSON, which hands the message to the web client.

use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use muster_error::AppError;
use std::fmt::Write;

/// The page, with the error's status. Its script goes on to the client's `/error`; without script the message is there to read.
pub fn page(error: &AppError) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let target = format!("/error?message={}", query_escaped(&error.message()));
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Error</title></head><body>\n\
         <noscript><p>{text}</p></noscript>\n<script>window.location.replace('{target}');</script>\n\
         <a href=\"{target}\" hidden>…</a></body></html>\n",
        text = html_escaped(&error.message()),
    );
    (status, Html(html)).into_response()
}

fn html_escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Only letters, digits and `-_.~` stay: safe in a query, in HTML and in a script.
fn query_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_the_script() {
        assert_eq!(query_escaped("a'</script>&é"), "a%27%3C%2Fscript%3E%26%C3%A9");
        assert_eq!(html_escaped("<b>&"), "&lt;b&gt;&amp;");
    }
}
