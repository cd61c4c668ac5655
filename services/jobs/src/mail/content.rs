//! What each mail says. Everything that came from people is text here; HTML is made of it in one place only.

use super::{
    html::{self, escape},
    posts,
};
use muster_domain::config::Settings;
use muster_proto::jobs::mail_message::{
    Content, EmailChanged, Invitation, MfaChanged, PasswordChanged, PasswordReset, SignInMethodChanged, UsernameChanged, VerifyEmail,
    Welcome,
};
use serde_json::json;

/// Where links point while `SiteURL` is not set: where `./run` serves.
const SITE_URL_UNSET: &str = "http://localhost:8065";

/// What every mail knows of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    name: String,
    url: String,
    organization: String,
}

impl Site {
    pub fn of(settings: &Settings) -> Self {
        let url = match settings.site_url.trim_end_matches('/') {
            "" => SITE_URL_UNSET,
            url => url,
        };
        let name = if settings.site_name.is_empty() { "Muster" } else { &settings.site_name };
        Self { name: name.to_owned(), url: url.to_owned(), organization: settings.feedback_organization.clone() }
    }

    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// `[Site] …`
    fn subject(&self, rest: impl std::fmt::Display) -> String {
        format!("[{}] {rest}", self.name)
    }

    pub fn mail(&self, subject: impl std::fmt::Display, title: impl Into<String>, paragraphs: &[&str]) -> Mail {
        Mail {
            subject: self.subject(subject),
            title: title.into(),
            paragraphs: paragraphs.iter().map(|p| (*p).to_owned()).collect(),
            footer: self.footer(),
            ..Mail::default()
        }
    }

    fn footer(&self) -> Vec<String> {
        let sent = format!("Sent by {} at {}", self.name, self.url);
        [sent, self.organization.clone()].into_iter().filter(|line| !line.is_empty()).collect()
    }
}

/// A mail as text, from which both of its parts are made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mail {
    pub subject: String,
    pub title: String,
    pub paragraphs: Vec<String>,
    /// Label and address.
    pub button: Option<(String, String)>,
    /// Below the button.
    pub notes: Vec<String>,
    pub footer: Vec<String>,
}

impl Mail {
    pub fn button(mut self, label: &str, url: String) -> Self {
        self.button = Some((label.to_owned(), url));
        self
    }

    pub fn note(mut self, text: &str) -> Self {
        self.notes.push(text.to_owned());
        self
    }

    pub fn text(&self) -> String {
        let mut parts = vec![self.title.clone()];
        parts.extend(self.paragraphs.iter().cloned());
        parts.extend(self.button.iter().map(|(label, url)| format!("{label}: {url}")));
        parts.extend(self.notes.iter().cloned());
        parts.push(format!("-- \n{}", self.footer.join("\n")));
        parts.join("\n\n")
    }

    pub fn html(&self) -> String {
        let mut body = html::title(&self.title);
        for paragraph in &self.paragraphs {
            body.push_str(&html::paragraph(paragraph));
        }
        if let Some((label, url)) = &self.button {
            body.push_str(&html::button(label, url));
        }
        for note in &self.notes {
            body.push_str(&html::note(note));
        }
        html::page(&escape(&self.subject), &body, &self.footer)
    }
}

/// Proves that the settings work.
pub fn test(site: &Site) -> Mail {
    let mail = site.mail("", "Your mail settings work", &["This message was sent to test the mail settings, and it has arrived."]);
    Mail { subject: format!("{} - Testing Email Settings", site.name), ..mail }
}

const NOT_YOU: &str = "If this was not you, please contact your system administrator.";
const IGNORE: &str = "If you did not ask for this, you can ignore this mail.";

/// The mail of a content, to the address `to`.
pub fn of(content: Content, to: &str, site: &Site) -> Mail {
    let changed = |subject: &str, title: &str, what: String| site.mail(subject, title, &[&what, NOT_YOU]);
    let place = site.url.as_str();
    match content {
        Content::Welcome(Welcome { code }) => {
            let title = format!("You've joined {}", site.name);
            let mail = site.mail(format_args!("You joined {place}"), title, &[&format!("Your account at {place} is ready.")]);
            if code.is_empty() {
                return mail.button("Open", site.link("/"));
            }
            let proof = "Please verify your email address by the link below.".to_owned();
            Mail { paragraphs: [mail.paragraphs.clone(), vec![proof]].concat(), ..mail }
                .button("Verify Email", verification_link(site, &code, to))
                .note(IGNORE)
        }
        Content::VerifyEmail(VerifyEmail { code, after_change }) => {
            let (subject, title) = if after_change {
                ("Verify new email address", "You updated your email address")
            } else {
                ("Email Verification", "Verify your email address")
            };
            site.mail(subject, title, &[&format!("Please verify that {to} is your address at {place}.")])
                .button("Verify Email", verification_link(site, &code, to))
                .note("The link works once, for one hour.")
                .note(IGNORE)
        }
        Content::PasswordReset(PasswordReset { code }) => site
            .mail("Reset your password", "You requested a password reset", &["To choose a new password, follow the link below."])
            .button("Reset Password", site.link(&format!("/reset_password_complete?token={}", escaped(&code))))
            .note("The link works once, for one hour.")
            .note("If you did not request a password reset, you can ignore this mail: your password stays as it is."),
        Content::PasswordChanged(PasswordChanged { by_reset }) => {
            let how = if by_reset { " by a reset link" } else { "" };
            changed(
                "Your password has been updated",
                "Your password has been updated",
                format!("Your password at {place} was changed{how}."),
            )
        }
        Content::EmailChanged(EmailChanged { new_email }) => changed(
            "Your email address has changed",
            "You updated your email address",
            format!("Your email address at {place} was changed to {new_email}."),
        ),
        Content::UsernameChanged(UsernameChanged { new_username }) => changed(
            "Your username has changed",
            "You updated your username",
            format!("Your username at {place} was changed to {new_username}."),
        ),
        Content::SignInMethodChanged(SignInMethodChanged { method }) => changed(
            "Your sign-in method has been updated",
            "You updated your sign-in method",
            format!("You now sign in to {place} using {method}."),
        ),
        Content::MfaChanged(MfaChanged { active }) => {
            let what = if active { "activated" } else { "removed" };
            changed(
                "Your MFA has been updated",
                &format!("Multi-factor authentication has been {what}"),
                format!("Multi-factor authentication was {what} for your account at {place}."),
            )
        }
        Content::AccessTokenCreated(_) => changed(
            "Personal access token added to your account",
            "Personal access token added to your account",
            format!("A personal access token was added to your account at {place}. It can be used in your name."),
        ),
        Content::Deactivated(_) => changed(
            &format!("Your account at {place} has been deactivated"),
            "Your account has been deactivated",
            format!("Your account at {place} was deactivated."),
        ),
        Content::Invitation(invitation) => invite(&invitation, to, site),
        Content::PostNotice(notice) => posts::notice(&notice, site),
        Content::Digest(digest) => posts::digest(&digest, site),
    }
}

fn invite(invitation: &Invitation, to: &str, site: &Site) -> Mail {
    let Invitation { code, sender_name, team_name, team_display_name } = invitation;
    let data = json!({"email": to, "display_name": team_display_name, "name": team_name}).to_string();
    let link = site.link(&format!("/signup_user_complete/?d={}&t={}", escaped(&data), escaped(code)));
    site.mail(
        format_args!("{sender_name} invited you to join {team_display_name} Team"),
        "You've been invited",
        &[&format!("{sender_name} has invited you to join {team_display_name} at {}.", site.url)],
    )
    .button("Join Team", link)
    .note("The invitation works once, for 48 hours.")
}

fn verification_link(site: &Site, code: &str, email: &str) -> String {
    site.link(&format!("/do_verify_email?token={}&email={}", escaped(code), escaped(email)))
}

/// For a value of a query.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte as char),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
#[path = "content_tests.rs"]
mod tests;
