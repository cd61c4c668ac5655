use super::*;
use muster_proto::jobs::mail_message::{AccessTokenCreated, Deactivated};

fn site() -> Site {
    Site { name: "Chat <1>".into(), url: "https://chat.example.com".into(), organization: "A & B".into() }
}

fn all() -> Vec<Content> {
    vec![
        Content::Welcome(Welcome { code: "c0de".into() }),
        Content::Welcome(Welcome::default()),
        Content::VerifyEmail(VerifyEmail { code: "c0de".into(), after_change: true }),
        Content::PasswordReset(PasswordReset { code: "c0de".into() }),
        Content::PasswordChanged(PasswordChanged { by_reset: true }),
        Content::EmailChanged(EmailChanged { new_email: "<new>@example.com".into() }),
        Content::UsernameChanged(UsernameChanged { new_username: "<ann>".into() }),
        Content::SignInMethodChanged(SignInMethodChanged { method: "<GitLab>".into() }),
        Content::MfaChanged(MfaChanged { active: true }),
        Content::AccessTokenCreated(AccessTokenCreated {}),
        Content::Deactivated(Deactivated {}),
        Content::Invitation(Invitation {
            code: "c0de".into(),
            sender_name: "<script>alert(1)</script>".into(),
            team_name: "team".into(),
            team_display_name: "\"Team\" & <b>".into(),
        }),
    ]
}

#[test]
fn every_mail_names_the_site_and_escapes_what_people_wrote() {
    for content in all() {
        let mail = of(content.clone(), "ann@example.com", &site());
        assert!(mail.subject.starts_with("[Chat <1>] "), "{content:?}");
        let (html, text) = (mail.html(), mail.text());
        for foreign in ["<script>", "<new>", "<ann>", "<GitLab>", "<b>", "<1>"] {
            assert!(!html.contains(foreign), "{foreign} in the HTML of {content:?}");
        }
        assert!(html.contains("Chat &lt;1&gt;") && html.contains("A &amp; B"), "{content:?}");
        assert!(text.contains("https://chat.example.com") && text.contains("A & B"), "{content:?}");
    }
}

#[test]
fn links() {
    let link = |content: Content| of(content, "a+b@example.com", &site()).button.map(|(_, url)| url).unwrap_or_default();
    assert_eq!(
        link(Content::VerifyEmail(VerifyEmail { code: "c0de".into(), after_change: false })),
        "https://chat.example.com/do_verify_email?token=c0de&email=a%2Bb%40example.com"
    );
    assert_eq!(
        link(Content::PasswordReset(PasswordReset { code: "c0de".into() })),
        "https://chat.example.com/reset_password_complete?token=c0de"
    );
    let invitation = Invitation { code: "c0de".into(), sender_name: "s".into(), team_name: "t".into(), team_display_name: "T & U".into() };
    assert_eq!(
        link(Content::Invitation(invitation)),
        "https://chat.example.com/signup_user_complete/?d=%7B%22display_name%22%3A%22T%20%26%20U%22%2C%22email%22%3A%22a%2Bb%40example.com%22\
         %2C%22name%22%3A%22t%22%7D&t=c0de"
    );
}

#[test]
fn without_a_site_url_links_point_to_this_machine() {
    let settings = Settings { site_url: String::new(), ..Settings::default() };
    assert_eq!(Site::of(&settings).link("/x"), "http://localhost:8065/x");
    let settings = Settings { site_url: "https://a.example.com/".into(), ..Settings::default() };
    assert_eq!(Site::of(&settings).link("/x"), "https://a.example.com/x");
}
