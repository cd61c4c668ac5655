//! From the bytes of a page to text, and to the `meta` tags in it. Pure.

use encoding_rs::{Encoding, UTF_8};
use html5gum::{DefaultEmitter, Token, Tokenizer};

/// Bytes in which a page may name its encoding.
const DECLARATION_MAX: usize = 1_024;

pub fn is_html(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.is_empty() || kind.eq_ignore_ascii_case("text/html") || kind.eq_ignore_ascii_case("application/xhtml+xml")
}

/// The text, by a byte order mark, the header's charset, or the page's own.
pub fn text(body: &[u8], content_type: &str) -> String {
    let declared = charset(content_type).or_else(|| {
        let head = String::from_utf8_lossy(&body[..body.len().min(DECLARATION_MAX)]).into_owned();
        metas(&head).into_iter().find_map(|meta| meta.charset)
    });
    // `decode` heeds a byte order mark before anything else.
    declared.unwrap_or(UTF_8).decode(body).0.into_owned()
}

fn charset(text: &str) -> Option<&'static Encoding> {
    let lower = text.to_ascii_lowercase();
    let (_, value) = lower.split_once("charset=")?;
    let label = value.trim_start_matches(['"', '\'', ' ']).split([';', '"', '\'', ' ', ',']).next()?;
    Encoding::for_label(label.as_bytes())
}

/// One `meta` tag.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// `property`, or else `name`.
    pub property: String,
    pub content: String,
    pub charset: Option<&'static Encoding>,
}

/// The `meta` tags, in order.
pub fn metas(html: &str) -> Vec<Meta> {
    let mut emitter = DefaultEmitter::default();
    // Or else what stands in scripts would count.
    emitter.naively_switch_states(true);
    let mut found = Vec::new();
    for token in Tokenizer::new_with_emitter(html, emitter) {
        let Ok(Token::StartTag(tag)) = token else { continue };
        match &tag.name.0[..] {
            b"meta" => {
                let attribute = |name: &str| {
                    let value = tag.attributes.get(name.as_bytes());
                    value.map(|value| String::from_utf8_lossy(&value.value.0).into_owned()).unwrap_or_default()
                };
                let content = attribute("content");
                let property = [attribute("property"), attribute("name")].into_iter().find(|p| !p.is_empty()).unwrap_or_default();
                let own = attribute("charset");
                let charset = if own.is_empty() { charset(&content) } else { Encoding::for_label(own.as_bytes()) };
                found.push(Meta { property: property.trim().to_ascii_lowercase(), content, charset });
            }
            // The head is over.
            b"body" => break,
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_metas_of_the_head_only() {
        let html = "<!doctype html><title>t</title><script>var x = '<meta property=\"og:title\" content=\"script\">'</script>\
             <!-- <meta property='og:title' content='comment'> --><META Property=\"og:title\" content='a &amp; b &#x1F600;'/>\
             <meta name=og:type content=article><body><meta property='og:title' content='body'>";
        let pairs: Vec<_> = metas(html).into_iter().map(|m| (m.property, m.content)).collect();
        assert_eq!(pairs, [("og:title".into(), "a & b 😀".into()), ("og:type".into(), String::from("article"))]);
        assert!(metas("<meta").is_empty());
    }

    #[test]
    fn decodes_by_what_is_declared() {
        let latin = b"<meta charset=iso-8859-1>caf\xe9";
        assert!(text(latin, "text/html").ends_with("café"));
        assert!(text(b"\x93\x8c\x8b\x9e", "text/html; charset=\"Shift_JIS\"") == "東京");
        let http_equiv = b"<meta http-equiv=content-type content='text/html; charset=windows-1251'>\xcf\xf0\xe8";
        assert!(text(http_equiv, "").ends_with("При"));
        assert_eq!(text("grün".as_bytes(), "text/html; charset=nonsense"), "grün");
        assert_eq!(text(b"\xff\xfea\0", "text/html; charset=utf-8"), "a");
    }

    #[test]
    fn only_pages_are_read() {
        assert!(is_html("text/html; charset=x") && is_html("TEXT/HTML") && is_html("") && is_html("application/xhtml+xml"));
        assert!(!is_html("image/png") && !is_html("application/json"));
    }
}
