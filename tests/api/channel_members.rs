//! Joining, leaving, reading and muting channels.

use crate::common::{BAD_BODY, FORBIDDEN, Pair, broadcast, channel_named, heard, id, named, nested, newest, pair, posts};
use serde_json::{Value, json};
use testkit::{eventually, keys};

/// A team of two with a channel that only the owner is in.
async fn room(kind: &str) -> (Pair, String, String) {
    let pair = pair().await;
    let channel = id(&pair.cluster.channel_of(&pair.owner, &pair.team_id, kind).await);
    let members = format!("/channels/{channel}/members");
    (pair, channel, members)
}

#[tokio::test]
async fn joining_an_open_channel_ends_fully_read() {
    let (pair, channel, members) = room("O").await;
    pair.owner.say(&channel, "before").await;
    let (mut own, mut others) = (pair.member.socket(1).await, pair.owner.socket(1).await);
    let member = pair.member.post(&members, json!({"user_id": pair.member.id})).await.expect(201);
    assert_eq!(keys(&member), keys(&testkit::golden("channel_member")));
    assert_eq!(
        (&member["roles"], &member["user_id"], &member["mention_count"]),
        (&json!("channel_user"), &json!(pair.member.id), &json!(0))
    );
    for (person, socket) in [(&pair.member, &mut own), (&pair.owner, &mut others)] {
        let added = named(&heard(person, socket).await, "user_added");
        assert_eq!(added.len(), 1, "{}", person.username);
        assert_eq!(added[0]["data"], json!({"user_id": pair.member.id, "team_id": pair.team_id}));
        assert_eq!(added[0]["broadcast"], broadcast("", &channel, ""));
    }
    let join = ("system_join_channel".to_owned(), pair.member.id.clone(), json!({"username": pair.member.username}));
    assert_eq!(newest(&pair.member, &channel).await, join);
    let read = pair.member.on(1).get(&format!("{members}/me")).await.expect(200);
    assert_eq!((&read["msg_count"], &read["mention_count"]), (&json!(1), &json!(0)));
    assert!(read["last_viewed_at"].as_i64().unwrap() > 0);
    let unread = pair.member.get(&format!("/users/me/channels/{channel}/unread")).await.expect(200);
    assert_eq!(unread, json!({"team_id": pair.team_id, "channel_id": channel, "msg_count": 0, "mention_count": 0}));

    // Again: the same membership, nothing said.
    pair.member.post(&members, json!({"user_id": pair.member.id})).await.expect(201);
    let events = heard(&pair.member, &mut own).await;
    assert!(named(&events, "user_added").is_empty() && named(&events, "posted").is_empty());
    pair.owner.say(&channel, "welcome").await;
    own.expect_where("posted", |e| e["broadcast"]["channel_id"] == json!(channel)).await;
}

#[tokio::test]
async fn joining_tells_ones_other_clients_that_the_channel_is_read() {
    let (pair, channel, members) = room("O").await;
    let mut socket = pair.member.socket(1).await;
    pair.member.post(&members, json!({"user_id": pair.member.id})).await.expect(201);
    let viewed = socket.expect("channel_viewed").await;
    assert_eq!((&viewed["data"], &viewed["broadcast"]), (&json!({"channel_id": channel}), &broadcast(&pair.member.id, "", "")));
}

#[tokio::test]
async fn being_added_leaves_all_history_unread() {
    for kind in ["O", "P"] {
        let (pair, channel, members) = room(kind).await;
        for text in ["one", "two"] {
            pair.owner.say(&channel, text).await;
        }
        let mut socket = pair.member.socket(1).await;
        let created = pair.owner.get(&format!("/channels/{channel}")).await.expect(200);
        let root = id(&pair.owner.say(&channel, "three").await);
        let body = json!({"user_id": pair.member.id, "post_root_id": root});
        pair.owner.post(&members, body).await.expect(201);
        socket.expect_where("user_added", |e| e["broadcast"]["channel_id"] == json!(channel)).await;
        let post = eventually("the post about the addition", || async {
            posts(&pair.owner, &channel).await.into_iter().find(|p| p["type"] == "system_add_to_channel")
        })
        .await;
        assert_eq!((&post["user_id"], &post["root_id"]), (&json!(pair.owner.id), &json!(root)));
        let props = json!({"userId": pair.owner.id, "username": pair.owner.username,
                           "addedUserId": pair.member.id, "addedUsername": pair.member.username});
        assert_eq!(post["props"], props);
        let own = pair.member.get(&format!("{members}/me")).await.expect(200);
        assert_eq!((&own["msg_count"], &own["mention_count"], &own["last_viewed_at"]), (&json!(0), &json!(1), &json!(0)));
        let unread = pair.member.get(&format!("/users/me/channels/{channel}/unread")).await.expect(200);
        assert_eq!((&unread["msg_count"], &unread["mention_count"]), (&json!(3), &json!(1)));
        let now = pair.owner.get(&format!("/channels/{channel}")).await.expect(200);
        assert!(now["extra_update_at"].as_i64() > created["extra_update_at"].as_i64());
        assert_eq!((&now["total_msg_count"], &now["update_at"]), (&json!(3), &created["update_at"]));
    }
}

#[tokio::test]
async fn additions_are_checked() {
    let (pair, channel, members) = room("O").await;
    let private = id(&pair.cluster.channel_of(&pair.owner, &pair.team_id, "P").await);
    let direct = id(&pair.owner.post("/channels/direct", json!([pair.owner.id, pair.member.id])).await.expect(201));
    let stranger = pair.cluster.person("stranger").await;
    let add = |user: &str| json!({"user_id": user});
    pair.owner.post(&members, json!({})).await.refused(400, BAD_BODY);
    pair.owner.post(&members, add("short")).await.refused(400, BAD_BODY);
    pair.owner.post(&members, json!({"user_id": pair.member.id, "post_root_id": "short"})).await.refused(400, BAD_BODY);
    let nowhere = json!({"user_id": pair.member.id, "post_root_id": "y".repeat(26)});
    assert_eq!(pair.owner.post(&members, nowhere).await.status, 404);
    let elsewhere = id(&pair.owner.say(&private, "x").await);
    pair.owner.post(&members, json!({"user_id": pair.member.id, "post_root_id": elsewhere})).await.refused(400, BAD_BODY);
    pair.owner.post(&members, add(&"y".repeat(26))).await.refused(404, "store.sql_user.missing_account.const");
    pair.owner.post(&members, add(&stranger.id)).await.refused(404, "store.sql_team.get_member.missing.app_error");
    let third = pair.cluster.person("third").await;
    pair.owner
        .post(&format!("/channels/{direct}/members"), add(&third.id))
        .await
        .refused(400, "api.channel.add_user_to_channel.type.app_error");

    stranger.post(&members, add(&stranger.id)).await.refused(403, FORBIDDEN);
    pair.member.post(&members, add(&pair.owner.id)).await.refused(403, FORBIDDEN);
    pair.member.post(&format!("/channels/{private}/members"), add(&pair.member.id)).await.refused(403, FORBIDDEN);
    pair.cluster.join_team(&third, &pair.team).await;
    third.delete(&format!("/teams/{}/members/{}", pair.team_id, third.id)).await.expect(200);
    let left = pair.owner.post(&members, add(&third.id)).await;
    left.refused(400, "api.channel.add_user.to.channel.failed.deleted.app_error");
    stranger.get(&format!("/channels/{}/members", "y".repeat(26))).await.refused(403, FORBIDDEN);
    assert_eq!(pair.owner.get(&format!("/channels/{channel}/members")).await.expect(200).as_array().unwrap().len(), 1, "nobody got in");
}

#[tokio::test]
async fn members_are_listed_to_members() {
    let (pair, channel, members) = room("O").await;
    pair.member.get(&members).await.refused(403, FORBIDDEN);
    pair.member.get(&format!("{members}/{}", pair.owner.id)).await.refused(403, FORBIDDEN);
    pair.member.post(&format!("{members}/ids"), json!([pair.owner.id])).await.refused(403, FORBIDDEN);
    pair.cluster.join_channel(&pair.member, &channel).await;
    let all = pair.owner.on(1).get(&members).await.expect(200);
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(keys(&all[0]), keys(&testkit::golden("channel_member")));
    let first = pair.owner.get(&format!("{members}?per_page=1")).await.expect(200);
    let second = pair.owner.get(&format!("{members}?per_page=1&page=1")).await.expect(200);
    assert_ne!(first[0]["user_id"], second[0]["user_id"]);
    assert_eq!(pair.owner.get(&format!("{members}?page=9")).await.expect(200), json!([]));
    let some = pair.member.post(&format!("{members}/ids"), json!([pair.owner.id, "y".repeat(26)])).await.expect(200);
    assert_eq!((some.as_array().unwrap().len(), &some[0]["user_id"]), (1, &json!(pair.owner.id)));
    pair.member.post(&format!("{members}/ids"), json!([])).await.refused(400, BAD_BODY);
    let missing = "store.sql_channel.get_member.missing.app_error";
    pair.owner.get(&format!("{members}/{}", "y".repeat(26))).await.refused(404, missing);
    let mine = pair.member.get(&format!("/users/me/teams/{}/channels/members", pair.team_id)).await.expect(200);
    let found = mine.as_array().unwrap().iter().find(|m| m["channel_id"] == json!(channel)).expect("the channel").clone();
    assert_eq!(found, pair.member.get(&format!("{members}/me")).await.expect(200));
}

#[tokio::test]
async fn leaving_and_being_removed_are_told_apart() {
    let (pair, channel, members) = room("P").await;
    for by_himself in [true, false] {
        pair.owner.post(&members, json!({"user_id": pair.member.id})).await.expect(201);
        pair.member.say(&channel, "here").await;
        let (mut own, mut others) = (pair.member.socket(1).await, pair.owner.socket(1).await);
        let actor = if by_himself { &pair.member } else { &pair.owner };
        assert_eq!(actor.delete(&format!("{members}/{}", pair.member.id)).await.expect(200), json!({"status": "OK"}));
        let told = named(&heard(&pair.member, &mut own).await, "user_removed");
        assert_eq!(told.len(), 1, "the removed gets his own form only");
        assert_eq!(told[0]["data"], json!({"channel_id": channel, "remover_id": actor.id}));
        assert_eq!(told[0]["broadcast"], broadcast(&pair.member.id, "", ""));
        let told = named(&heard(&pair.owner, &mut others).await, "user_removed");
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["data"], json!({"user_id": pair.member.id, "remover_id": actor.id}));
        assert_eq!(told[0]["broadcast"], broadcast("", &channel, ""));
        let expected = if by_himself {
            ("system_leave_channel".to_owned(), json!({"username": pair.member.username}))
        } else {
            ("system_remove_from_channel".to_owned(), json!({"removedUserId": pair.member.id, "removedUsername": pair.member.username}))
        };
        let (kind, author, props) = newest(&pair.owner, &channel).await;
        assert_eq!(((kind, props), author), (expected, actor.id.clone()));
        for i in 0..2 {
            pair.member.on(i).get(&format!("/channels/{channel}/posts")).await.refused(403, FORBIDDEN);
        }
        pair.owner.say(&channel, "gone").await;
        assert!(named(&heard(&pair.member, &mut own).await, "posted").is_empty(), "who is out hears nothing more");
        let own = pair.owner.get(&format!("{members}/{}", pair.member.id)).await;
        own.refused(404, "store.sql_channel.get_member.missing.app_error");
    }
    let count = posts(&pair.owner, &channel).await.len();
    pair.owner.delete(&format!("{members}/{}", pair.member.id)).await.expect(200);
    assert_eq!(posts(&pair.owner, &channel).await.len(), count, "nobody left, so nothing is said");
    pair.member.delete(&format!("{members}/{}", pair.owner.id)).await.refused(403, FORBIDDEN);
    pair.owner.delete(&format!("{members}/me")).await.expect(200);
}

#[tokio::test]
async fn some_channels_cannot_be_left() {
    let pair = pair().await;
    let town = id(&channel_named(&pair.owner, &pair.team_id, "town-square").await);
    let direct = id(&pair.owner.post("/channels/direct", json!([pair.owner.id, pair.member.id])).await.expect(201));
    let admin = pair.cluster.admin().await;
    for person in [&pair.member, &admin] {
        let answer = person.delete(&format!("/channels/{town}/members/{}", pair.member.id)).await;
        answer.refused(400, "api.channel.remove.default.app_error");
    }
    pair.member.delete(&format!("/channels/{direct}/members/me")).await.refused(400, "api.channel.leave.direct.app_error");
    pair.member.get(&format!("/channels/{direct}")).await.expect(200);
}

#[tokio::test]
async fn roles_in_a_channel_change_without_an_event() {
    let (pair, channel, members) = room("O").await;
    pair.cluster.join_channel(&pair.member, &channel).await;
    let third = pair.cluster.person("third").await;
    pair.cluster.join_team(&third, &pair.team).await;
    pair.cluster.join_channel(&third, &channel).await;
    let roles = |user: &str| format!("{members}/{user}/roles");
    let admin = json!({"roles": "channel_user channel_admin"});
    pair.member.put(&roles(&pair.member.id), admin.clone()).await.refused(403, FORBIDDEN);
    pair.owner.put(&roles(&pair.member.id), json!({"roles": "system_admin"})).await.refused(400, BAD_BODY);
    pair.owner.put(&roles(&pair.member.id), json!({"roles": "no-good"})).await.refused(400, BAD_BODY);
    let unknown = pair.owner.put(&roles(&pair.member.id), json!({"roles": "no_such"})).await;
    unknown.refused(400, "app.role.check_roles_exist.role_not_found");
    let missing = pair.owner.put(&roles(&"y".repeat(26)), admin.clone()).await;
    missing.refused(404, "store.sql_channel.get_member.missing.app_error");

    let mut socket = pair.member.socket(1).await;
    let before = pair.member.get(&format!("{members}/me")).await.expect(200)["last_update_at"].as_i64().unwrap();
    pair.owner.put(&roles(&pair.member.id), admin.clone()).await.expect(200);
    let after = pair.member.on(1).get(&format!("{members}/me")).await.expect(200);
    assert_eq!(after["roles"], "channel_user channel_admin");
    assert!(after["last_update_at"].as_i64().unwrap() > before);
    pair.member.on(1).put(&roles(&third.id), admin).await.expect(200);
    let events = heard(&pair.member, &mut socket).await;
    // What goes to everyone on the server comes from other tests.
    let own = |e: &&Value| e["broadcast"] != broadcast("", "", "") && e["event"] != "preferences_changed" && e["event"] != "status_change";
    assert_eq!(events.iter().filter(own).collect::<Vec<_>>(), Vec::<&Value>::new());
}

#[tokio::test]
async fn notification_settings_are_ones_own() {
    let (pair, channel, members) = room("O").await;
    pair.cluster.join_channel(&pair.member, &channel).await;
    pair.owner.say(&channel, "unread").await;
    let path = format!("{members}/{}/notify_props", pair.member.id);
    let mut socket = pair.member.socket(1).await;
    pair.member.put(&path, json!({"desktop": "none", "mark_unread": "mention", "other": "x"})).await.expect(200);
    let event = socket.expect("channel_member_updated").await;
    assert_eq!(event["broadcast"], broadcast(&pair.member.id, "", ""));
    let now = pair.member.on(1).get(&format!("{members}/me")).await.expect(200);
    assert_eq!(nested(&event, "channelMember"), now, "the whole membership, read state included");
    assert_eq!(now["notify_props"], json!({"desktop": "none", "email": "default", "mark_unread": "mention", "push": "default"}));
    let unread = pair.member.get(&format!("/users/me/channels/{channel}/unread")).await.expect(200);
    assert_eq!(unread["msg_count"], 0, "a muted channel counts mentions only");

    for (change, error) in [
        (json!({"desktop": "x"}), "model.channel_member.is_valid.notify_level.app_error"),
        (json!({"push": "x"}), "model.channel_member.is_valid.push_level.app_error"),
        (json!({"mark_unread": "none"}), "model.channel_member.is_valid.unread_level.app_error"),
        (json!({"email": "all"}), "model.channel_member.is_valid.email_value.app_error"),
    ] {
        pair.member.put(&path, change).await.refused(400, error);
    }
    pair.owner.put(&path, json!({"desktop": "all"})).await.refused(403, FORBIDDEN);
    let none = pair.member.put(&format!("/channels/{}/members/me/notify_props", "y".repeat(26)), json!({})).await;
    none.refused(404, "store.sql_channel.get_member.missing.app_error");
    assert_eq!(
        pair.member.get(&format!("{members}/me")).await.expect(200)["notify_props"],
        now["notify_props"],
        "a bad value changes nothing"
    );
}

#[tokio::test]
async fn viewing_reads_both_channels() {
    let (pair, channel, _) = room("O").await;
    let other = id(&pair.cluster.channel(&pair.owner, &pair.team_id).await);
    for channel in [&channel, &other] {
        pair.cluster.join_channel(&pair.member, channel).await;
        pair.owner.say(channel, "news").await;
    }
    let unread = async |channel: &str| {
        let unread = pair.member.on(1).get(&format!("/users/me/channels/{channel}/unread")).await.expect(200);
        unread["msg_count"].as_i64().unwrap()
    };
    assert_eq!((unread(&channel).await, unread(&other).await), (1, 1));
    let mut socket = pair.member.socket(1).await;
    let view = json!({"channel_id": channel, "prev_channel_id": other});
    let viewed = pair.member.post("/channels/members/me/view", view).await.expect(200);
    assert_eq!(viewed["status"], "OK");
    let times = viewed["last_viewed_at_times"].as_object().unwrap();
    let last = |channel: &Value| channel["last_post_at"].clone();
    assert_eq!(times.len(), 2);
    assert_eq!(times[&channel], last(&pair.member.get(&format!("/channels/{channel}")).await.expect(200)));
    assert_eq!((unread(&channel).await, unread(&other).await), (0, 0));
    let events = named(&heard(&pair.member, &mut socket).await, "channel_viewed");
    assert_eq!(events.len(), 1, "only for the channel that is open now");
    assert_eq!(events[0]["data"], json!({"channel_id": channel}));

    let nothing = pair.member.post("/channels/members/me/view", json!({})).await.expect(200);
    assert_eq!(nothing, json!({"status": "OK", "last_viewed_at_times": {}}));
    let left = json!({"channel_id": null, "prev_channel_id": "y".repeat(26)});
    pair.member.post("/channels/members/me/view", left).await.expect(200);
    pair.member.raw(http::Method::POST, "/channels/members/me/view", "application/json", "").await.refused(400, BAD_BODY);
    let foreign = format!("/channels/members/{}/view", pair.member.id);
    pair.owner.post(&foreign, json!({"channel_id": channel})).await.refused(403, FORBIDDEN);
    let status = pair.owner.get(&format!("/users/{}/status", pair.member.id)).await.expect(200);
    assert_eq!(status["status"], "online");
    let stranger = pair.cluster.person("stranger").await;
    stranger.get(&format!("/users/me/channels/{channel}/unread")).await.refused(403, FORBIDDEN);
    pair.owner.get(&format!("/users/{}/channels/{channel}/unread", pair.member.id)).await.refused(403, FORBIDDEN);
}

#[tokio::test]
async fn many_who_join_at_once_all_arrive() {
    let (pair, channel, members) = room("O").await;
    let mut people = Vec::new();
    for i in 0..8 {
        let person = pair.cluster.person(&format!("many{i}")).await;
        pair.cluster.join_team(&person, &pair.team).await;
        people.push(person);
    }
    let joins = people.iter().enumerate().map(|(i, p)| p.on(i % 2).post(&members, json!({"user_id": p.id})));
    let joins = joins.map(async |join| join.await.expect(201));
    futures_util::future::join_all(joins).await;
    assert_eq!(pair.owner.get(&format!("{members}?per_page=200")).await.expect(200).as_array().unwrap().len(), 9);
    let stats = pair.owner.get(&format!("/channels/{channel}/stats")).await.expect(200);
    assert_eq!(stats["member_count"], 9);
    let joined = posts(&pair.owner, &channel).await.iter().filter(|p| p["type"] == "system_join_channel").count();
    assert_eq!(joined, 9, "each has one post, the creator's included");
}
