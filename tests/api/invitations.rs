//! Invitations to a team by mail: sent, redeemed by a newcomer or by somebody who has an account, once.

use crate::post_office::{PostOffice, SITE_URL, age_code, mailing_to, new_account};
use serde_json::{Value, json};
use testkit::{Cluster, Smtp, unique};

const INVALID: &str = "api.user.create_user.signup_link_invalid.app_error";
const EXPIRED: &str = "api.user.create_user.signup_link_expired.app_error";
const PERMISSIONS: &str = "api.context.permissions.app_error";

fn address(name: &str) -> String {
    format!("{}@example.com", unique(name))
}

fn invite_path(team: &Value) -> String {
    format!("/teams/{}/invite/email", team["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_newcomer_signs_up_with_the_address_that_was_invited() {
    let PostOffice { cluster, smtp } = PostOffice::shared().await;
    let owner = cluster.person("owner").await;
    owner.put("/users/me/patch", json!({"first_name": "<Ann>", "last_name": "Lee\r\nBcc: all@example.com"})).await.expect(200);
    let team = cluster.team(&owner).await;
    let display_name = "R&D \"<b>one</b>\"\u{1F680}";
    owner.put(&format!("/teams/{}/patch", team["id"].as_str().unwrap()), json!({"display_name": display_name})).await.expect(200);
    let (guest, other) = (address("guest"), address("other"));
    let emails = json!([guest, other.to_uppercase(), guest]);
    assert_eq!(owner.on(1).post(&invite_path(&team), emails).await.expect(200), json!({"status": "OK"}));

    let mail = smtp.expect(&guest, "invited you to join").await;
    assert_eq!(mail.subject(), format!("[Zürich & Co] <Ann> Lee  Bcc: all@example.com invited you to join {display_name} Team"));
    assert!(!mail.headers.contains_key("bcc") && mail.to == [guest.clone()], "{}", mail.raw);
    assert!(mail.html.contains("&lt;Ann&gt; Lee") && !mail.html.contains("<b>one"), "{}", mail.html);
    assert!(mail.text.contains(&format!("{SITE_URL}/signup_user_complete/?d=")), "{}", mail.text);
    let data: Value = serde_json::from_str(&mail.link_param("d").expect("d")).expect("JSON");
    assert_eq!(data, json!({"email": guest, "display_name": display_name, "name": team["name"]}));
    smtp.expect(&other, "invited you to join").await;
    assert_eq!(smtp.to(&guest).len(), 0, "the same address twice is one mail");

    let code = mail.code();
    let mut body = new_account("guest");
    body["email"] = json!(address("somebody.else"));
    let newcomer = cluster.anonymous(0);
    // What the sign-up refuses leaves the invitation as it is.
    let mut bad = body.clone();
    bad["username"] = json!("!");
    newcomer.post(&format!("/users?t={code}"), bad).await.refused(400, "model.user.is_valid.username.app_error");
    let user = newcomer.post(&format!("/users?t={code}"), body.clone()).await.expect(201);
    assert_eq!((&user["email"], &user["email_verified"]), (&json!(guest), &json!(true)), "the address is that of the invitation");
    let member = owner.get(&format!("/teams/{}/members/{}", team["id"].as_str().unwrap(), user["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(member["roles"], "team_user");
    assert_eq!(smtp.to(&guest).len(), 0, "no welcome to somebody who was invited");

    newcomer.post(&format!("/users?t={code}"), new_account("second")).await.refused(400, INVALID);
    newcomer.post(&format!("/users?t={}", "a".repeat(64)), new_account("second")).await.refused(400, INVALID);
    newcomer.post("/users?t=short", new_account("second")).await.refused(400, INVALID);
}

#[tokio::test]
async fn somebody_with_an_account_joins_by_the_code() {
    let PostOffice { cluster, smtp } = PostOffice::shared().await;
    let owner = cluster.person("host").await;
    let team = cluster.team(&owner).await;
    let team_id = team["id"].as_str().unwrap();
    let (ann, bob) = (cluster.person("ann").await, cluster.person("bob").await);
    let email = address("elsewhere");
    let invite = async || {
        owner.post(&invite_path(&team), json!([email])).await.expect(200);
        smtp.expect(&email, "invited you to join").await.code()
    };
    let code = invite().await;
    let path = format!("/teams/members/invite?token={code}");
    cluster.anonymous(0).post(&path, json!({})).await.refused(401, "api.context.session_expired.app_error");
    let member = ann.on(1).post(&path, json!({})).await.expect(201);
    assert_eq!((&member["team_id"], &member["user_id"]), (&json!(team_id), &json!(ann.id)), "the code is not tied to the address");
    for person in [&ann, &bob] {
        person.post(&path, json!({})).await.refused(400, INVALID);
    }
    cluster.anonymous(0).post(&format!("/users?t={code}"), new_account("late")).await.refused(400, INVALID);

    // Who is a member already is answered as he is, and that uses the code up.
    let code = invite().await;
    ann.post(&format!("/teams/members/invite?token={code}"), json!({})).await.expect(201);
    bob.post(&format!("/teams/members/invite?token={code}"), json!({})).await.refused(400, INVALID);

    let code = invite().await;
    age_code(cluster, &code, 48 * 3_600_000 + 1_000).await;
    bob.post(&format!("/teams/members/invite?token={code}"), json!({})).await.refused(400, EXPIRED);
    cluster.anonymous(0).post(&format!("/users?t={code}"), new_account("late")).await.refused(400, EXPIRED);
    for token in ["short".to_owned(), "a".repeat(64)] {
        bob.post(&format!("/teams/members/invite?token={token}"), json!({})).await.refused(400, INVALID);
    }
    // A code of another kind is no invitation.
    cluster.anonymous(0).post("/users/password/reset/send", json!({"email": bob.email})).await.expect(200);
    let other_kind = smtp.expect(&bob.email, "Reset your password").await.code();
    bob.post(&format!("/teams/members/invite?token={other_kind}"), json!({})).await.refused(400, INVALID);
    owner.get(&format!("/teams/{team_id}/members/{}", bob.id)).await.refused(404, "store.sql_team.get_member.missing.app_error");
}

/// Ten people with one code: one gets in.
#[tokio::test]
async fn a_code_lets_in_one() {
    let PostOffice { cluster, smtp } = PostOffice::shared().await;
    let owner = cluster.person("host").await;
    let team = cluster.team(&owner).await;
    let email = address("shared");
    owner.post(&invite_path(&team), json!([email])).await.expect(200);
    let code = smtp.expect(&email, "invited you to join").await.code();
    let mut people = Vec::new();
    for _ in 0..6 {
        people.push(cluster.person("eager").await);
    }
    let path = format!("/teams/members/invite?token={code}");
    let joins = people.iter().enumerate().map(|(i, person)| person.on(i % 2).post(&path, json!({})));
    let statuses: Vec<u16> = futures_util::future::join_all(joins).await.into_iter().map(|a| a.status).collect();
    assert_eq!(statuses.iter().filter(|s| **s == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|s| [201, 400].contains(s)), "{statuses:?}");
    let members = owner.get(&format!("/teams/{}/members", team["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(members.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn who_may_invite() {
    let PostOffice { cluster, smtp } = PostOffice::shared().await;
    let (owner, stranger) = (cluster.person("host").await, cluster.person("stranger").await);
    let team = cluster.team(&owner).await;
    let member = cluster.person("member").await;
    cluster.join_team(&member, &team).await;
    let path = invite_path(&team);
    let email = address("wanted");
    cluster.anonymous(0).post(&path, json!([email])).await.refused(401, "api.context.session_expired.app_error");
    stranger.post(&path, json!([email])).await.refused(403, PERMISSIONS);
    assert_eq!(smtp.to(&email).len(), 0);
    for person in [&member, &owner, &cluster.admin().await] {
        person.post(&path, json!([email])).await.expect(200);
        smtp.expect(&email, "invited you to join").await;
    }
    for body in [
        json!([]),
        json!({}),
        json!("x"),
        json!([""]),
        json!([1]),
        json!(["x".repeat(129)]),
        json!(vec![address("many"); 101].iter().map(|a| format!("{}{a}", unique("m"))).collect::<Vec<_>>()),
    ] {
        owner.post(&path, body).await.refused(400, "api.context.invalid_body_param.app_error");
    }
    owner.post("/teams/short/invite/email", json!([email])).await.refused(400, "api.context.invalid_url_param.app_error");
    owner.post(&format!("/teams/{}/invite/email", "y".repeat(26)), json!([email])).await.refused(403, PERMISSIONS);
    let nowhere = format!("/teams/{}/invite/email", "y".repeat(26));
    cluster.admin().await.post(&nowhere, json!([email])).await.refused(403, PERMISSIONS);
}

/// Settings that limit invitations, with a cluster of its own.
#[tokio::test]
async fn domains_and_numbers_are_limited() {
    let smtp = Smtp::start();
    let options = mailing_to(&smtp)
        .env("MM_TEAMSETTINGS_RESTRICTCREATIONTODOMAINS", "example.com, @example.org")
        .env("MM_TEAMSETTINGS_MAXUSERSPERTEAM", "2");
    let cluster = Cluster::start(options).await;
    let owner = cluster.person("host").await;
    let team = cluster.team(&owner).await;
    cluster.join_team(&cluster.admin().await, &team).await;
    let path = invite_path(&team);
    let (good, bad) = (address("good"), "evil@example.net");
    owner.post(&path, json!([good, bad])).await.refused(400, "api.team.invite_members.invalid_email.app_error");
    let upper = format!("{}@Example.ORG", unique("upper"));
    owner.post(&path, json!([upper])).await.expect(200);
    let code = smtp.expect(&upper.to_lowercase(), "invited you to join").await.code();
    assert_eq!(smtp.to(&good).len(), 0, "nothing is sent when one is refused");

    // Whom a full team refuses may try again later; meanwhile the invitation lets in nobody else.
    let (ann, bob) = (cluster.person("ann").await, cluster.person("bob").await);
    let join = format!("/teams/members/invite?token={code}");
    ann.post(&join, json!({})).await.refused(400, "store.sql_user.save.max_accounts.app_error");
    bob.post(&join, json!({})).await.refused(400, INVALID);
    let left = format!("/teams/{}/members/{}", team["id"].as_str().unwrap(), cluster.admin().await.id);
    cluster.admin().await.delete(&left).await.expect(200);
    ann.post(&join, json!({})).await.expect(201);

    let batch = |n: usize| json!((0..n).map(|_| address("crowd")).collect::<Vec<_>>());
    owner.post(&path, batch(100)).await.expect(200);
    owner.post(&path, batch(100)).await.refused(429, "muster.too_many_mails.app_error");
    owner.on(1).post(&path, batch(99)).await.expect(200);
    owner.post(&path, batch(1)).await.refused(429, "muster.too_many_mails.app_error");
    // Others are not concerned.
    ann.post(&path, batch(1)).await.expect(200);
}
