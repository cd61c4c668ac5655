//! From what a mail says to the bytes that travel: a text and an HTML part under safe headers.

use super::content::Mail;
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use muster_domain::config::Settings;

/// Who mails are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    name: String,
    email: String,
}

impl Sender {
    /// `FeedbackName` and `FeedbackEmail`; without an address `no-reply` at the site's host.
    pub fn of(settings: &Settings) -> Self {
        let email = match settings.feedback_email.trim() {
            "" => format!("no-reply@{}", host(&settings.site_url)),
            email => email.to_owned(),
        };
        Self { name: one_line(&settings.feedback_name), email }
    }

    /// The mail to one address; `Err` says why there can be none. The same key gives the same `Message-ID`, so that a
    /// mail that had to be sent twice can be recognised.
    pub fn message(&self, key: &str, to: &str, mail: &Mail) -> Result<Message, String> {
        let from: Address = self.email.parse().map_err(|e| format!("FeedbackEmail is no address: {e}"))?;
        let to: Address = to.parse().map_err(|e| format!("the recipient is no address: {e}"))?;
        let id = format!("<{key}@{}>", from.domain());
        Message::builder()
            .from(Mailbox::new(Some(self.name.clone()).filter(|n| !n.is_empty()), from))
            .to(Mailbox::new(None, to))
            .subject(one_line(&mail.subject))
            .date_now()
            .message_id(Some(id))
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
            .multipart(MultiPart::alternative_plain_html(mail.text(), mail.html()))
            .map_err(|e| e.to_string())
    }
}

/// Headers are one line: whatever could begin another becomes a blank.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// The host of an http URL; `localhost` when there is none.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.split(':').next() {
        Some(host) if !host.is_empty() => host,
        _ => "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_begins_a_header_of_its_own() {
        let sender = Sender { name: "Site\r\nBcc: x@example.com".into(), email: "site@example.com".into() };
        let sender = Sender { name: one_line(&sender.name), ..sender };
        let mail = Mail { subject: "Hello\r\nX-Evil: 1\n\nbody".into(), ..Mail::default() };
        let message = sender.message("k", "ann@example.com", &mail).expect("a message");
        let bytes = message.formatted();
        let text = String::from_utf8_lossy(&bytes);
        let (headers, _) = text.split_once("\r\n\r\n").expect("headers");
        assert!(!headers.lines().any(|line| line.starts_with("Bcc:") || line.starts_with("X-Evil:")), "{headers}");
        assert!(headers.contains("Message-ID: <k@example.com>"), "{headers}");
    }

    #[test]
    fn what_is_no_address_gets_no_mail() {
        let sender = Sender { name: String::new(), email: "site@example.com".into() };
        for bad in ["", "ann", "ann@example.com\r\nBcc: x@example.com", "a b@example.com", "@example.com"] {
            assert!(sender.message("k", bad, &Mail::default()).is_err(), "{bad}");
        }
    }

    #[test]
    fn hosts() {
        for (url, expected) in [("https://chat.example.com:8065/x", "chat.example.com"), ("http://a", "a"), ("", "localhost")] {
            assert_eq!(host(url), expected, "{url}");
        }
    }
}
