//! The HTML of mails. Styles stand at the elements: mail programs drop everything else.

/// Text as it may stand in HTML, between tags and in attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

pub fn title(text: &str) -> String {
    format!("<h2 style=\"margin:0 0 20px;font-weight:normal\">{}</h2>\n", escape(text))
}

/// Lines stay lines.
pub fn paragraph(text: &str) -> String {
    format!("<p style=\"margin:0 0 16px;line-height:1.5\">{}</p>\n", escape(text).replace('\n', "<br>"))
}

pub fn button(label: &str, url: &str) -> String {
    let (label, url) = (escape(label), escape(url));
    format!(
        "<p style=\"margin:24px 0\"><a href=\"{url}\" style=\"background:#166de0;color:#fff;padding:12px 20px;border-radius:4px;\
         text-decoration:none;display:inline-block\">{label}</a></p>\n"
    )
}

pub fn note(text: &str) -> String {
    format!("<p style=\"margin:0 0 8px;color:#777;font-size:13px\">{}</p>\n", escape(text))
}

/// `title` and `body` are HTML, the footer is text.
pub fn page(title: &str, body: &str, footer: &[String]) -> String {
    let footer = footer.iter().map(|line| escape(line)).collect::<Vec<_>>().join("<br>");
    format!(
        "<!DOCTYPE html>\n<html>\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body style=\"margin:0;padding:24px;background:#f5f5f5;font-family:Helvetica,Arial,sans-serif;color:#333\">\n\
         <div style=\"max-width:600px;margin:0 auto;padding:32px;background:#fff;border:1px solid #ddd\">\n{body}</div>\n\
         <p style=\"max-width:600px;margin:16px auto;color:#999;font-size:12px\">{footer}</p>\n</body>\n</html>\n"
    )
}
