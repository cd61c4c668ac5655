//! Teams: creating, finding, changing, deleting.

use crate::common::{BAD_BODY, FORBIDDEN, broadcast, channel_named, heard, id, named, nested, newest, pair, text};
use serde_json::{Value, json};
use testkit::{Cluster, Options, keys, unique};

fn team_body(name: &str) -> Value {
    json!({"name": name, "display_name": "Some team", "type": "O"})
}

#[tokio::test]
async fn a_new_team_has_its_creator_and_two_channels() {
    let cluster = Cluster::shared().await;
    let ann = cluster.person("ann").await;
    let mut sockets = [ann.socket(0).await, ann.socket(1).await];
    let name = unique("fresh");
    let body = json!({"name": name, "display_name": "Fresh", "type": "I", "email": "someone@else.example", "company_name": "Co"});
    let team = ann.post("/teams", body).await.expect(201);
    assert_eq!(keys(&team), keys(&testkit::golden("team.as_admin")));
    assert_eq!((&team["email"], &team["type"], &team["company_name"]), (&json!(ann.email), &json!("I"), &json!("Co")));
    assert_eq!((&team["create_at"], team["invite_id"].as_str().unwrap().len()), (&team["update_at"], 26));

    let team_id = id(&team);
    for socket in &mut sockets {
        let events = named(&heard(&ann, socket).await, "added_to_team");
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["data"], json!({"team_id": team_id, "user_id": ann.id}));
        assert_eq!(events[0]["broadcast"], broadcast(&ann.id, "", ""));
    }
    let member = ann.on(1).get(&format!("/teams/{team_id}/members/me")).await.expect(200);
    assert_eq!(member, json!({"team_id": team_id, "user_id": ann.id, "roles": "team_user team_admin", "delete_at": 0}));
    for (name, display, kind) in [("town-square", "Town Square", "system_join_team"), ("off-topic", "Off-Topic", "system_join_channel")] {
        let channel = channel_named(&ann, &team_id, name).await;
        assert_eq!((&channel["display_name"], &channel["type"], &channel["creator_id"]), (&json!(display), &json!("O"), &json!("")));
        assert_eq!(channel["total_msg_count"], 0, "joining does not count");
        assert!(channel["last_post_at"].as_i64().unwrap() > 0);
        assert_eq!(newest(&ann, &id(&channel)).await, (kind.to_owned(), ann.id.clone(), json!({"username": ann.username})));
        let own = ann.get(&format!("/channels/{}/members/me", id(&channel))).await.expect(200);
        assert_eq!(own["roles"], "channel_user channel_admin");
    }
}

#[tokio::test]
async fn what_is_no_team_is_refused() {
    let cluster = Cluster::shared().await;
    let ann = cluster.person("ann").await;
    let name = unique("taken");
    ann.post("/teams", team_body(&name)).await.expect(201);
    ann.post("/teams", team_body(&name)).await.refused(400, "store.sql_team.save.domain_exists.app_error");
    for (change, error) in [
        (json!({"id": "y".repeat(26)}), "store.sql_team.save.existing.app_error"),
        (json!({"name": "a"}), "model.team.is_valid.characters.app_error"),
        (json!({"name": "Upper"}), "model.team.is_valid.characters.app_error"),
        (json!({"name": "a".repeat(65)}), "model.team.is_valid.url.app_error"),
        (json!({"name": "apian"}), "model.team.is_valid.reserved.app_error"),
        (json!({"display_name": ""}), "model.team.is_valid.name.app_error"),
        (json!({"display_name": "x".repeat(65)}), "model.team.is_valid.name.app_error"),
        (json!({"description": "x".repeat(256)}), "model.team.is_valid.description.app_error"),
        (json!({"company_name": "x".repeat(65)}), "model.team.is_valid.company.app_error"),
        (json!({"allowed_domains": "x".repeat(501)}), "model.team.is_valid.domains.app_error"),
        (json!({"type": ""}), "model.team.is_valid.type.app_error"),
        (json!({"type": "P"}), "model.team.is_valid.type.app_error"),
    ] {
        let mut body = team_body(&unique("bad"));
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        ann.post("/teams", body).await.refused(400, error);
    }
    ann.raw(http::Method::POST, "/teams", "application/json", "{").await.refused(400, BAD_BODY);
    cluster.anonymous(0).post("/teams", team_body("x1")).await.refused(401, "api.context.session_expired.app_error");
}

#[tokio::test]
async fn who_may_create_is_settled_at_the_first_start_and_by_domain() {
    let cluster = Cluster::start(Options::default().env("MM_TEAMSETTINGS_ENABLETEAMCREATION", "false")).await;
    let (admin, ann) = (cluster.admin().await, cluster.person("ann").await);
    ann.post("/teams", team_body(&unique("no"))).await.refused(403, "api.team.is_team_creation_allowed.disabled.app_error");
    admin.post("/teams", team_body(&unique("yes"))).await.expect(201);
    let mut config = admin.get("/config").await.expect(200);
    config["TeamSettings"]["RestrictCreationToDomains"] = json!("elsewhere.example");
    admin.put("/config", config).await.expect(200);
    testkit::eventually("the domains bind the administrator", || async {
        let answer = admin.post("/teams", team_body(&unique("no"))).await;
        (answer.status == 400).then_some(())
    })
    .await;
    admin.post("/teams", team_body(&unique("no"))).await.refused(400, "api.team.is_team_creation_allowed.domain.app_error");
}

#[tokio::test]
async fn a_team_is_read_by_id_and_name_and_shows_its_address_to_administrators() {
    let pair = pair().await;
    let stranger = pair.cluster.person("stranger").await;
    let (by_id, name) = (format!("/teams/{}", pair.team_id), text(&pair.team, "name"));
    for path in [by_id.clone(), format!("/teams/name/{name}"), format!("/teams/name/{}", name.to_uppercase())] {
        assert_eq!(pair.owner.on(1).get(&path).await.expect(200), pair.team, "{path}");
        let seen = pair.member.on(1).get(&path).await.expect(200);
        assert_eq!((&seen["email"], &seen["allowed_domains"], &seen["invite_id"]), (&json!(""), &json!(""), &pair.team["invite_id"]));
        assert_eq!(keys(&seen), keys(&testkit::golden("team.as_member")));
        stranger.get(&path).await.refused(403, FORBIDDEN);
        assert_eq!(pair.cluster.admin().await.get(&path).await.expect(200)["email"], pair.team["email"]);
    }
    pair.owner.put(&format!("{by_id}/patch"), json!({"allow_open_invite": true})).await.expect(200);
    assert_eq!(stranger.get(&by_id).await.expect(200)["email"], "", "an open team with open invites is everybody's to see");
    stranger.get(&format!("/teams/{}", "y".repeat(26))).await.refused(404, "store.sql_team.get.find.app_error");
    stranger.get("/teams/name/no-such-team").await.refused(404, "store.sql_team.get_by_name.app_error");
    stranger.get("/teams/short").await.refused(400, "api.context.invalid_url_param.app_error");
    stranger.get("/teams/name/a").await.refused(400, "api.context.invalid_url_param.app_error");
}

#[tokio::test]
async fn names_can_be_asked_for_even_of_deleted_teams() {
    let pair = pair().await;
    let path = format!("/teams/name/{}/exists", text(&pair.team, "name"));
    let stranger = pair.cluster.person("stranger").await;
    assert_eq!(stranger.get(&path).await.expect(200), testkit::golden("team_exists"));
    pair.owner.delete(&format!("/teams/{}", pair.team_id)).await.expect(200);
    assert_eq!(stranger.on(1).get(&path).await.expect(200), json!({"exists": true}));
    assert_eq!(stranger.get("/teams/name/nobody-has-this/exists").await.expect(200), json!({"exists": false}));
}

#[tokio::test]
async fn lists_and_search_show_strangers_the_open_teams() {
    let pair = pair().await;
    let (stranger, admin) = (pair.cluster.person("stranger").await, pair.cluster.admin().await);
    let name = text(&pair.team, "name");
    let found = |teams: &Value| teams.as_array().unwrap().iter().any(|t| t["id"] == json!(pair.team_id));

    assert!(!found(&stranger.post("/teams/search", json!({"term": name})).await.expect(200)));
    assert!(found(&admin.post("/teams/search", json!({"term": name})).await.expect(200)));
    pair.owner.put(&format!("/teams/{}/patch", pair.team_id), json!({"allow_open_invite": true})).await.expect(200);
    for term in [name.as_str(), &name[..name.len() - 1], &format!("Team {name}")] {
        let teams = stranger.on(1).post("/teams/search", json!({"term": term})).await.expect(200);
        assert!(found(&teams), "{term}");
        assert!(teams.as_array().unwrap().iter().all(|t| t["email"] == ""));
    }
    for term in [name.to_uppercase(), format!("_{}", &name[1..]), "%".into()] {
        assert!(!found(&stranger.post("/teams/search", json!({"term": term})).await.expect(200)), "{term}");
    }
    stranger.post("/teams/search", json!({})).await.refused(400, BAD_BODY);

    let pages = |person: testkit::Person| async move {
        let mut all = Vec::new();
        for page in 0.. {
            let teams = person.get(&format!("/teams?page={page}&per_page=50")).await.expect(200);
            let teams = teams.as_array().unwrap().clone();
            if teams.is_empty() {
                break;
            }
            all.extend(teams);
        }
        json!(all)
    };
    let seen = pages(stranger.clone()).await;
    assert!(found(&seen) && seen.as_array().unwrap().iter().all(|t| t["allow_open_invite"] == true));
    assert!(found(&pages(admin).await));
    assert_eq!(stranger.get("/teams?per_page=0").await.expect(200), json!([]));
}

#[tokio::test]
async fn put_replaces_and_everyone_on_the_server_hears_it_once() {
    let pair = pair().await;
    let stranger = pair.cluster.person("stranger").await;
    let path = format!("/teams/{}", pair.team_id);
    let mut sockets = [stranger.socket(0).await, stranger.socket(1).await];
    let body = json!({"id": "ignored", "name": "ignored", "type": "I", "display_name": "New", "allowed_domains": "a.example"});
    let team = pair.owner.put(&path, body.clone()).await.expect(200);
    assert_eq!((&team["name"], &team["type"], &team["email"]), (&pair.team["name"], &pair.team["type"], &pair.team["email"]));
    assert_eq!((&team["display_name"], &team["allowed_domains"]), (&json!("New"), &json!("a.example")));
    assert_eq!(team["invite_id"], json!(pair.team_id), "without an invite id the team is joined by its own");
    assert!(team["update_at"].as_i64() > pair.team["update_at"].as_i64());
    for socket in &mut sockets {
        let events = heard(&stranger, socket).await;
        let mine: Vec<Value> =
            named(&events, "update_team").into_iter().filter(|e| nested(e, "team")["id"] == json!(pair.team_id)).collect();
        assert_eq!(mine.len(), 1);
        assert_eq!(mine[0]["broadcast"], broadcast("", "", ""));
        let shown = nested(&mine[0], "team");
        assert_eq!((&shown["display_name"], &shown["email"], &shown["allowed_domains"]), (&json!("New"), &json!(""), &json!("")));
    }
    assert_eq!(pair.owner.on(1).get(&path).await.expect(200), team);
    pair.member.put(&path, body).await.refused(403, FORBIDDEN);
    pair.owner.put(&path, json!({"display_name": ""})).await.refused(400, "model.team.is_valid.name.app_error");
    let joiner = pair.cluster.person("joiner").await;
    joiner.post(&format!("/teams/members/invite?invite_id={}", pair.team_id), json!({})).await.expect(201);
}

#[tokio::test]
async fn patch_keeps_what_it_does_not_name_and_is_heard_twice() {
    let pair = pair().await;
    let path = format!("/teams/{}/patch", pair.team_id);
    let mut socket = pair.member.socket(1).await;
    let team = pair.owner.put(&path, json!({"description": "d", "name": "other", "type": "I"})).await.expect(200);
    assert_eq!(team["description"], "d");
    for kept in ["name", "type", "display_name", "invite_id", "email"] {
        assert_eq!(team[kept], pair.team[kept], "{kept}");
    }
    let events = named(&heard(&pair.member, &mut socket).await, "update_team");
    assert_eq!(events.iter().filter(|e| nested(e, "team")["id"] == json!(pair.team_id)).count(), 2);
    pair.member.put(&path, json!({"description": "x"})).await.refused(403, FORBIDDEN);
    pair.owner.raw(http::Method::PUT, &path, "application/json", "nonsense").await.refused(400, BAD_BODY);
    let audits = pair.owner.get("/users/me/audits").await.expect(200);
    assert!(audits.as_array().unwrap().iter().any(|a| a["action"] == format!("/api/v4{path}")), "patches leave a trace");
}

#[tokio::test]
async fn deleting_is_soft_and_announced_to_everyone() {
    let pair = pair().await;
    let path = format!("/teams/{}", pair.team_id);
    let mut socket = pair.member.socket(1).await;
    pair.member.delete(&path).await.refused(403, FORBIDDEN);
    assert_eq!(pair.owner.delete(&format!("{path}?permanent=false")).await.expect(200), json!({"status": "OK"}));
    let event = socket.expect_where("delete_team", |e| nested(e, "team")["id"] == json!(pair.team_id)).await;
    assert_eq!((&event["broadcast"], &nested(&event, "team")["email"]), (&broadcast("", "", ""), &json!("")));
    let team = pair.owner.on(1).get(&path).await.expect(200);
    assert!(team["delete_at"].as_i64().unwrap() > 0);
    pair.owner.delete(&path).await.expect(200);
    pair.owner.post("/teams", team_body(&text(&pair.team, "name"))).await.refused(400, "store.sql_team.save.domain_exists.app_error");
    assert_eq!(pair.member.get("/users/me/teams").await.expect(200), json!([]));
}

#[tokio::test]
async fn stats_count_active_accounts_apart() {
    let pair = pair().await;
    let path = format!("/teams/{}/stats", pair.team_id);
    let stats = pair.member.on(1).get(&path).await.expect(200);
    assert_eq!(keys(&stats), keys(&testkit::golden("team_stats")));
    assert_eq!(stats, json!({"team_id": pair.team_id, "total_member_count": 2, "active_member_count": 2}));
    let admin = pair.cluster.admin().await;
    admin.put(&format!("/users/{}/active", pair.member.id), json!({"active": false})).await.expect(200);
    let stats = pair.owner.get(&path).await.expect(200);
    assert_eq!((&stats["total_member_count"], &stats["active_member_count"]), (&json!(2), &json!(1)));
    pair.cluster.person("stranger").await.get(&path).await.refused(403, FORBIDDEN);
}

#[tokio::test]
async fn a_users_teams_are_his_own_to_see() {
    let pair = pair().await;
    let path = format!("/users/{}/teams", pair.member.id);
    let teams = pair.member.on(1).get(&path).await.expect(200);
    assert_eq!((teams.as_array().unwrap().len(), &teams[0]["id"], &teams[0]["email"]), (1, &json!(pair.team_id), &json!("")));
    assert_eq!(pair.owner.get("/users/me/teams").await.expect(200)[0]["email"], json!(pair.owner.email));
    pair.owner.get(&path).await.refused(403, FORBIDDEN);
    assert_eq!(pair.cluster.admin().await.get(&path).await.expect(200)[0]["id"], json!(pair.team_id));
}

#[tokio::test]
async fn invite_pages_need_no_session() {
    let pair = pair().await;
    let anonymous = pair.cluster.anonymous(1);
    let info = anonymous.get(&format!("/teams/invite/{}", text(&pair.team, "invite_id"))).await.expect(200);
    assert_eq!(keys(&info), ["description", "display_name", "id", "name"]);
    assert_eq!(info["id"], json!(pair.team_id));
    anonymous.get(&format!("/teams/invite/{}", "y".repeat(26))).await.refused(404, "store.sql_team.get_by_invite_id.find.app_error");
    let body = json!({"name": unique("closed"), "display_name": "Closed", "type": "I"});
    let closed = pair.owner.post("/teams", body).await.expect(201);
    anonymous.get(&format!("/teams/invite/{}", text(&closed, "invite_id"))).await.refused(403, "api.team.get_invite_info.not_open_team");
}

#[tokio::test]
async fn unread_messages_are_summed_by_team() {
    let pair = pair().await;
    let channel = id(&pair.cluster.channel(&pair.owner, &pair.team_id).await);
    let other = id(&pair.cluster.channel(&pair.owner, &pair.team_id).await);
    for channel in [&channel, &other] {
        pair.cluster.join_channel(&pair.member, channel).await;
    }
    pair.member.put(&format!("/channels/{other}/members/me/notify_props"), json!({"mark_unread": "mention"})).await.expect(200);
    pair.owner.say(&channel, "one").await;
    pair.owner.say(&channel, &format!("two @{}", pair.member.username)).await;
    pair.owner.say(&other, &format!("three @{}", pair.member.username)).await;
    let path = format!("/users/me/teams/{}/unread", pair.team_id);
    let expected = json!({"team_id": pair.team_id, "msg_count": 2, "mention_count": 2});
    assert_eq!(pair.member.on(1).get(&path).await.expect(200), expected);
    assert_eq!(pair.member.get("/users/me/teams/unread").await.expect(200), json!([expected]));

    let direct = id(&pair.owner.post("/channels/direct", json!([pair.owner.id, pair.member.id])).await.expect(201));
    pair.owner.say(&direct, "psst").await;
    assert_eq!(pair.member.get("/users/me/teams/unread").await.expect(200), json!([expected]), "direct channels are left out");
    let all = pair.member.get(&format!("/users/me/teams/unread?exclude_team={}", pair.team_id)).await.expect(200);
    assert_eq!(all, json!([{"team_id": "", "msg_count": 1, "mention_count": 1}]));

    let of_member = format!("/users/{}/teams", pair.member.id);
    pair.owner.get(&format!("{of_member}/unread")).await.refused(403, FORBIDDEN);
    pair.owner.get(&format!("{of_member}/{}/unread", pair.team_id)).await.refused(403, FORBIDDEN);
    pair.cluster.person("stranger").await.get(&path).await.refused(403, FORBIDDEN);
}
