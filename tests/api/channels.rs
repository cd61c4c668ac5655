//! Channels: creating, finding, changing, archiving.

use crate::common::{BAD_BODY, FORBIDDEN, broadcast, channel_named, heard, id, named, nested, newest, pair, posts, text};
use serde_json::{Value, json};
use testkit::{Cluster, Options, eventually, keys, unique};

fn body(team_id: &str, kind: &str) -> Value {
    json!({"team_id": team_id, "name": unique("chan"), "display_name": "A channel", "type": kind})
}

fn with(mut body: Value, change: Value) -> Value {
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_new_channel_belongs_to_its_creator() {
    let pair = pair().await;
    let mut sockets = [pair.member.socket(1).await, pair.owner.socket(1).await];
    for kind in ["O", "P"] {
        let sent = with(body(&pair.team_id, kind), json!({"header": "**h**", "purpose": "p", "creator_id": "someone"}));
        let channel = pair.member.post("/channels", sent.clone()).await.expect(201);
        assert_eq!(keys(&channel), keys(&testkit::golden("channel.open")));
        for key in ["team_id", "name", "display_name", "type", "header", "purpose"] {
            assert_eq!(channel[key], sent[key], "{key}");
        }
        assert_eq!((&channel["creator_id"], &channel["last_post_at"]), (&json!(pair.member.id), &json!(0)));
        assert_eq!((&channel["create_at"], &channel["create_at"]), (&channel["update_at"], &channel["extra_update_at"]));
        let event = sockets[0].expect("channel_created").await;
        assert_eq!(event["data"], json!({"channel_id": id(&channel), "team_id": pair.team_id}));
        assert_eq!(event["broadcast"], broadcast(&pair.member.id, "", ""));
        let own = pair.member.on(1).get(&format!("/channels/{}/members/me", id(&channel))).await.expect(200);
        assert_eq!((&own["roles"], keys(&own)), (&json!("channel_user channel_admin"), keys(&testkit::golden("channel_member"))));
        assert_eq!(own["notify_props"], testkit::golden("channel_member")["notify_props"]);
        let join = ("system_join_channel".to_owned(), pair.member.id.clone(), json!({"username": pair.member.username}));
        assert_eq!(newest(&pair.member, &id(&channel)).await, join);
        let read = pair.member.get(&format!("/channels/{}", id(&channel))).await.expect(200);
        assert!(read["last_post_at"].as_i64() > channel["create_at"].as_i64().map(|t| t - 1));
        assert_eq!(read["total_msg_count"], 0);
    }
    assert!(named(&heard(&pair.owner, &mut sockets[1]).await, "channel_created").is_empty(), "only the creator is told");
}

#[tokio::test]
async fn what_is_no_channel_is_refused() {
    let pair = pair().await;
    let stranger = pair.cluster.person("stranger").await;
    let taken = pair.cluster.channel(&pair.owner, &pair.team_id).await;
    let archived = pair.cluster.channel(&pair.owner, &pair.team_id).await;
    pair.owner.delete(&format!("/channels/{}", id(&archived))).await.expect(200);
    for (change, error) in [
        (json!({"id": "y".repeat(26)}), "store.sql_channel.save_channel.existing.app_error"),
        (json!({"name": "a"}), "model.channel.is_valid.2_or_more.app_error"),
        (json!({"name": "Upper"}), "model.channel.is_valid.2_or_more.app_error"),
        (json!({"name": "a".repeat(65)}), "model.channel.is_valid.2_or_more.app_error"),
        (json!({"name": "one__two"}), "api.channel.create_channel.invalid_character.app_error"),
        (json!({"display_name": "x".repeat(65)}), "model.channel.is_valid.display_name.app_error"),
        (json!({"header": "x".repeat(1025)}), "model.channel.is_valid.header.app_error"),
        (json!({"purpose": "x".repeat(251)}), "model.channel.is_valid.purpose.app_error"),
        (json!({"type": "X"}), "model.channel.is_valid.type.app_error"),
        (json!({"type": "D"}), "api.channel.create_channel.direct_channel.app_error"),
        (json!({"type": "G"}), "api.channel.create_channel.direct_channel.app_error"),
        (json!({"name": taken["name"]}), "store.sql_channel.save_channel.exists.app_error"),
        (json!({"name": archived["name"]}), "store.sql_channel.save_channel.previously.app_error"),
    ] {
        pair.owner.post("/channels", with(body(&pair.team_id, "O"), change)).await.refused(400, error);
    }
    pair.owner.post("/channels", with(body(&pair.team_id, "O"), json!({"team_id": ""}))).await.refused(403, FORBIDDEN);
    stranger.post("/channels", body(&pair.team_id, "O")).await.refused(403, FORBIDDEN);
    stranger.post("/channels", body(&pair.team_id, "P")).await.refused(403, FORBIDDEN);
}

#[tokio::test]
async fn a_team_has_a_limit_of_channels() {
    let cluster = Cluster::start(Options::default().env("MM_TEAMSETTINGS_MAXCHANNELSPERTEAM", "3")).await;
    let owner = cluster.person("owner").await;
    let team = id(&cluster.team(&owner).await);
    let channel = cluster.channel(&owner, &team).await;
    let refusal = "api.channel.create_channel.max_channel_limit.app_error";
    owner.post("/channels", body(&team, "P")).await.refused(400, refusal);
    owner.delete(&format!("/channels/{}", id(&channel))).await.expect(200);
    owner.post("/channels", body(&team, "O")).await.refused(400, refusal);
}

#[tokio::test]
async fn two_people_have_one_direct_channel() {
    let pair = pair().await;
    let (ann, bob) = (&pair.owner, &pair.member);
    let mut sockets = [ann.socket(1).await, bob.socket(0).await];
    // Both ask at the same time, at different gateways.
    let ids = json!([ann.id, bob.id]);
    let (one, other) = tokio::join!(ann.on(0).post("/channels/direct", ids.clone()), ann.on(1).post("/channels/direct", ids.clone()));
    let channel = one.expect(201);
    assert_eq!(other.expect(201)["id"], channel["id"]);
    let mut sorted = [ann.id.as_str(), bob.id.as_str()];
    sorted.sort_unstable();
    assert_eq!(channel["name"], sorted.join("__"));
    for (key, value) in [("type", "D"), ("team_id", ""), ("display_name", ""), ("creator_id", "")] {
        assert_eq!(channel[key], value, "{key}");
    }
    for (person, socket) in [ann, bob].into_iter().zip(&mut sockets) {
        let events = named(&heard(person, socket).await, "direct_added");
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["data"], json!({"teammate_id": bob.id}));
        assert_eq!(events[0]["broadcast"], broadcast("", &id(&channel), ""));
    }
    assert_eq!(bob.post("/channels/direct", json!([bob.id, ann.id])).await.expect(201)["id"], channel["id"]);
    assert!(posts(ann, &id(&channel)).await.is_empty(), "nobody says that it was made");
    ann.say(&id(&channel), "hello").await;
    sockets[1].expect_where("posted", |e| e["broadcast"]["channel_id"] == channel["id"]).await;

    let own = ann.post("/channels/direct", json!([ann.id, ann.id])).await.expect(201);
    assert_eq!(own["name"], format!("{0}__{0}", ann.id));
    assert_eq!(ann.get(&format!("/channels/{}/members", id(&own))).await.expect(200).as_array().unwrap().len(), 1);

    let stranger = pair.cluster.person("stranger").await;
    stranger.post("/channels/direct", ids.clone()).await.refused(403, FORBIDDEN);
    stranger.get(&format!("/channels/{}", id(&channel))).await.refused(403, FORBIDDEN);
    pair.cluster.admin().await.post("/channels/direct", ids).await.expect(201);
    ann.post("/channels/direct", json!([ann.id])).await.refused(400, BAD_BODY);
    ann.post("/channels/direct", json!([ann.id, "short"])).await.refused(400, BAD_BODY);
    let unknown = json!([ann.id, "y".repeat(26)]);
    ann.post("/channels/direct", unknown).await.refused(400, "api.channel.create_direct_channel.invalid_user.app_error");
}

#[tokio::test]
async fn a_group_has_one_channel() {
    let pair = pair().await;
    let third = pair.cluster.person("third").await;
    let mut people = [&pair.owner, &pair.member, &third];
    let mut socket = third.socket(1).await;
    let channel = pair.owner.post("/channels/group", json!([third.id, pair.member.id])).await.expect(201);
    people.sort_by(|a, b| a.id.cmp(&b.id));
    let ids: Vec<&str> = people.iter().map(|p| p.id.as_str()).collect();
    let mut names: Vec<&str> = people.iter().map(|p| p.username.as_str()).collect();
    names.sort_unstable();
    let mut display = names.join(", ");
    display.truncate(64);
    assert_eq!((&channel["type"], &channel["display_name"], &channel["team_id"]), (&json!("G"), &json!(display), &json!("")));
    assert_eq!(channel["name"].as_str().unwrap().len(), 40);
    let event = socket.expect("group_added").await;
    assert_eq!(nested(&event, "teammate_ids"), json!(ids));
    assert_eq!(event["broadcast"], broadcast("", &id(&channel), ""));
    assert_eq!(third.post("/channels/group", json!(ids)).await.expect(201)["id"], channel["id"]);
    assert!(posts(&third, &id(&channel)).await.is_empty());

    let bad_size = "api.channel.create_group.bad_size.app_error";
    pair.owner.post("/channels/group", json!([third.id])).await.refused(400, bad_size);
    pair.owner.post("/channels/group", json!([third.id, third.id, pair.owner.id])).await.refused(400, bad_size);
    let many: Vec<String> = (0..8).map(|i| format!("{i}{}", "y".repeat(25))).collect();
    pair.owner.post("/channels/group", json!(many)).await.refused(400, bad_size);
    pair.owner.post("/channels/group", json!(many[..2])).await.refused(400, "api.channel.create_group.bad_user.app_error");
    pair.owner.post("/channels/group", json!(["short", third.id])).await.refused(400, BAD_BODY);
}

#[tokio::test]
async fn open_channels_are_read_by_the_team_and_private_ones_by_members() {
    let pair = pair().await;
    let (stranger, admin) = (pair.cluster.person("stranger").await, pair.cluster.admin().await);
    let open = pair.cluster.channel_of(&pair.owner, &pair.team_id, "O").await;
    let private = pair.cluster.channel_of(&pair.owner, &pair.team_id, "P").await;
    let team_name = text(&pair.team, "name");
    for channel in [&open, &private] {
        let name = text(channel, "name");
        let by_id = format!("/channels/{}", id(channel));
        let by_name = format!("/teams/{}/channels/name/{}", pair.team_id, name.to_uppercase());
        let by_names = format!("/teams/name/{team_name}/channels/name/{name}");
        let expected = pair.owner.on(1).get(&by_id).await.expect(200);
        for path in [&by_id, &by_name, &by_names] {
            assert_eq!(pair.owner.get(path).await.expect(200), expected, "{path}");
            assert_eq!(admin.get(path).await.expect(200), expected, "{path}");
            stranger.get(path).await.refused(403, FORBIDDEN);
        }
        let is_open = channel["type"] == "O";
        for path in [&by_id, &by_name] {
            let answer = pair.member.get(path).await;
            if is_open { assert_eq!(answer.expect(200), expected) } else { answer.refused(403, FORBIDDEN) }
        }
        pair.member.get(&by_names).await.refused(403, FORBIDDEN);
        pair.member.get(&format!("{by_id}/stats")).await.refused(403, FORBIDDEN);
    }
    let direct = pair.owner.post("/channels/direct", json!([pair.owner.id, pair.member.id])).await.expect(201);
    let found = pair.member.get(&format!("/teams/{}/channels/name/{}", pair.team_id, text(&direct, "name"))).await.expect(200);
    assert_eq!(found["id"], direct["id"], "direct channels are found under any team");
    stranger.get(&format!("/channels/{}", "y".repeat(26))).await.refused(404, "store.sql_channel.get.existing.app_error");
    let missing = "store.sql_channel.get_by_name.missing.app_error";
    pair.owner.get(&format!("/teams/{}/channels/name/no-such", pair.team_id)).await.refused(404, missing);
    pair.owner.get(&format!("/teams/name/{team_name}/channels/name/no-such")).await.refused(404, missing);
    pair.owner.get("/teams/name/no-such-team/channels/name/no-such").await.refused(404, "store.sql_team.get_by_name.app_error");
    pair.owner.get(&format!("/teams/{}/channels/name/a", pair.team_id)).await.refused(400, "api.context.invalid_url_param.app_error");
}

#[tokio::test]
async fn put_replaces_header_and_purpose_and_keeps_what_is_blank() {
    let pair = pair().await;
    let channel = pair.cluster.channel(&pair.owner, &pair.team_id).await;
    let (channel_id, path) = (id(&channel), format!("/channels/{}", id(&channel)));
    pair.cluster.join_channel(&pair.member, &channel_id).await;
    pair.owner.say(&channel_id, "one").await;
    let mut socket = pair.member.socket(1).await;
    let changed = pair.owner.put(&path, json!({"id": channel_id, "header": "h", "display_name": "Renamed"})).await.expect(200);
    for (key, value) in [("header", "h"), ("purpose", ""), ("display_name", "Renamed")] {
        assert_eq!(changed[key], value, "{key}");
    }
    assert_eq!((&changed["name"], &changed["type"]), (&channel["name"], &channel["type"]));
    let event = socket.expect("channel_updated").await;
    assert_eq!(event["broadcast"], broadcast("", &channel_id, ""));
    assert_eq!((&nested(&event, "channel")["header"], &nested(&event, "channel")["total_msg_count"]), (&json!("h"), &json!(1)));
    let props = json!({"username": pair.owner.username, "old_displayname": channel["display_name"], "new_displayname": "Renamed"});
    assert_eq!(newest(&pair.owner, &channel_id).await, ("system_displayname_change".into(), pair.owner.id.clone(), props));
    assert_eq!(pair.member.on(1).get(&path).await.expect(200)["total_msg_count"], 2, "the post counts");

    // Any member may; header changes by PUT are not reported.
    let quiet = pair.member.put(&path, json!({"id": channel_id, "header": "h2", "type": "P"})).await.expect(200);
    assert_eq!((&quiet["header"], &quiet["type"], &quiet["display_name"]), (&json!("h2"), &json!("P"), &json!("Renamed")));
    assert_eq!(posts(&pair.owner, &channel_id).await[0]["type"], "system_displayname_change");

    let taken = pair.cluster.channel(&pair.owner, &pair.team_id).await;
    let change = |change: Value| with(json!({"id": channel_id}), change);
    for (change, error) in [
        (change(json!({"name": taken["name"]})), "store.sql_channel.update.exists.app_error"),
        (change(json!({"name": "X"})), "model.channel.is_valid.2_or_more.app_error"),
        (change(json!({"type": "D"})), "model.channel.is_valid.type.app_error"),
        (change(json!({"header": "x".repeat(1025)})), "model.channel.is_valid.header.app_error"),
    ] {
        pair.owner.put(&path, change).await.refused(400, error);
    }
    let not_in = "store.sql_channel.get_member.missing.app_error";
    pair.cluster.admin().await.put(&path, change(json!({}))).await.refused(404, not_in);
    pair.cluster.person("stranger").await.put(&path, change(json!({}))).await.refused(404, not_in);
    pair.owner.put(&path, json!({"header": "h"})).await.refused(404, "store.sql_channel.get.existing.app_error");
    let town = channel_named(&pair.owner, &pair.team_id, "town-square").await;
    let rename = json!({"id": town["id"], "name": "elsewhere"});
    pair.owner.put(&format!("/channels/{}", id(&town)), rename).await.refused(400, "api.channel.update_channel.tried.app_error");
    pair.owner.put(&format!("/channels/{}", id(&town)), town.clone()).await.expect(200);
    pair.owner.delete(&path).await.expect(200);
    pair.owner.put(&path, change(json!({}))).await.refused(400, "api.channel.update_channel.deleted.app_error");
}

#[tokio::test]
async fn patch_reports_each_change_in_order() {
    let pair = pair().await;
    let channel = pair.cluster.channel(&pair.owner, &pair.team_id).await;
    let (channel_id, path) = (id(&channel), format!("/channels/{}/patch", id(&channel)));
    let mut socket = pair.owner.socket(1).await;
    let patch = json!({"display_name": "New", "header": "h", "purpose": "p", "type": "P"});
    let patched = pair.member.put(&path, patch.clone()).await.expect(200);
    assert_eq!((&patched["header"], &patched["type"], &patched["name"]), (&json!("h"), &json!("O"), &channel["name"]));
    assert_eq!(nested(&socket.expect("channel_updated").await, "channel")["purpose"], "p");
    let kinds: Vec<String> = posts(&pair.owner, &channel_id).await.iter().rev().skip(1).map(|p| text(p, "type")).collect();
    assert_eq!(kinds, ["system_displayname_change", "system_header_change", "system_purpose_change"]);
    let props = json!({"username": pair.member.username, "old_purpose": "", "new_purpose": "p"});
    assert_eq!(newest(&pair.owner, &channel_id).await.2, props);
    pair.member.put(&path, patch).await.expect(200);
    assert_eq!(posts(&pair.owner, &channel_id).await.len(), 4, "what stays the same is not reported");
    pair.cluster.person("stranger").await.put(&path, json!({"header": "x"})).await.refused(403, FORBIDDEN);
    let town = id(&channel_named(&pair.owner, &pair.team_id, "town-square").await);
    let rename = pair.owner.put(&format!("/channels/{town}/patch"), json!({"name": "elsewhere"})).await;
    rename.refused(400, "api.channel.update_channel.tried.app_error");
}

#[tokio::test]
async fn outsiders_do_not_touch_private_and_direct_channels() {
    let pair = pair().await;
    let private = id(&pair.cluster.channel_of(&pair.owner, &pair.team_id, "P").await);
    let direct = id(&pair.owner.post("/channels/direct", json!([pair.owner.id, pair.owner.id])).await.expect(201));
    for channel in [&private, &direct] {
        pair.member.put(&format!("/channels/{channel}/patch"), json!({"header": "mine"})).await.refused(403, FORBIDDEN);
        pair.member.delete(&format!("/channels/{channel}")).await.refused(403, FORBIDDEN);
    }
    pair.owner.put(&format!("/channels/{direct}/patch"), json!({"header": "own"})).await.expect(200);
    pair.owner.delete(&format!("/channels/{direct}")).await.refused(403, FORBIDDEN);
    // An administrator of the team may, without being in it.
    let other = pair.cluster.channel_of(&pair.member, &pair.team_id, "P").await;
    pair.owner.put(&format!("/channels/{}/patch", id(&other)), json!({"header": "admin"})).await.expect(200);
}

#[tokio::test]
async fn converting_makes_an_open_channel_private() {
    let pair = pair().await;
    let channel = pair.cluster.channel(&pair.owner, &pair.team_id).await;
    let path = format!("/channels/{}/convert", id(&channel));
    let mut socket = pair.owner.socket(1).await;
    pair.member.post(&path, json!({})).await.refused(403, FORBIDDEN);
    assert_eq!(pair.owner.post(&path, json!({})).await.expect(200)["type"], "P");
    assert_eq!(nested(&socket.expect("channel_updated").await, "channel")["type"], "P");
    let expected = ("system_change_chan_privacy".to_owned(), pair.owner.id.clone(), json!({"username": pair.owner.username}));
    assert_eq!(newest(&pair.owner, &id(&channel)).await, expected);
    eventually("the other gateway refuses", || async {
        (pair.member.on(1).get(&format!("/channels/{}", id(&channel))).await.status == 403).then_some(())
    })
    .await;
    pair.owner.post(&path, json!({})).await.refused(400, "api.channel.convert_channel_to_private.private_channel_error");
    let town = id(&channel_named(&pair.owner, &pair.team_id, "town-square").await);
    let default = pair.owner.post(&format!("/channels/{town}/convert"), json!({})).await;
    default.refused(400, "api.channel.convert_channel_to_private.default_channel_error");
    let direct = id(&pair.owner.post("/channels/direct", json!([pair.owner.id, pair.member.id])).await.expect(201));
    pair.cluster.admin().await.post(&format!("/channels/{direct}/convert"), json!({})).await.refused(403, FORBIDDEN);
}

#[tokio::test]
async fn archived_channels_are_out_of_the_way_and_come_back() {
    let pair = pair().await;
    let channel = pair.cluster.channel(&pair.owner, &pair.team_id).await;
    let (channel_id, path) = (id(&channel), format!("/channels/{}", id(&channel)));
    let mut socket = pair.member.socket(1).await;
    pair.cluster.person("stranger").await.delete(&path).await.refused(403, FORBIDDEN);
    assert_eq!(pair.member.delete(&path).await.expect(200), json!({"status": "OK"}), "any member of the team may");
    let event = socket.expect("channel_deleted").await;
    assert_eq!((&event["data"], &event["broadcast"]), (&json!({"channel_id": channel_id}), &broadcast("", "", &pair.team_id)));
    pair.member.delete(&path).await.refused(400, "api.channel.delete_channel.deleted.app_error");
    let archived = pair.owner.get(&format!("/teams/{}/channels/deleted", pair.team_id)).await.expect(200);
    assert_eq!((archived.as_array().unwrap().len(), &archived[0]["id"]), (1, &channel["id"]));
    assert!(archived[0]["delete_at"].as_i64().unwrap() > 0);
    pair.member.get(&format!("/teams/{}/channels/deleted", pair.team_id)).await.refused(403, FORBIDDEN);

    let admin = pair.cluster.admin().await;
    assert!(admin.on(1).get(&path).await.expect(200)["delete_at"].as_i64().unwrap() > 0);
    let (kind, author, _) = newest(&admin, &channel_id).await;
    assert_eq!((kind.as_str(), author), ("system_channel_deleted", pair.member.id.clone()));
    let gone = "store.sql_channel.get_by_name.missing.app_error";
    pair.owner.get(&format!("/teams/{}/channels/name/{}", pair.team_id, text(&channel, "name"))).await.refused(404, gone);
    let left_out = |list: Value| list.as_array().unwrap().iter().all(|c| c["id"] != channel["id"] && c["channel_id"] != channel["id"]);
    for list in
        ["/users/me/teams/T/channels", "/users/me/teams/T/channels/members", "/teams/T/channels", "/teams/T/channels/autocomplete?name="]
    {
        assert!(left_out(pair.owner.get(&list.replace('T', &pair.team_id)).await.expect(200)), "{list}");
    }
    let join = pair.member.post(&format!("{path}/members"), json!({"user_id": pair.member.id})).await;
    join.refused(400, "api.channel.add_user_to_channel.deleted.app_error");
    let leave = pair.owner.delete(&format!("{path}/members/me")).await;
    leave.refused(400, "api.channel.remove_user_from_channel.deleted.app_error");

    pair.member.post(&format!("{path}/restore"), json!({})).await.refused(403, FORBIDDEN);
    assert_eq!(pair.owner.post(&format!("{path}/restore"), json!({})).await.expect(200)["delete_at"], 0);
    assert_eq!(pair.owner.on(1).get(&path).await.expect(200)["delete_at"], 0);
    assert_eq!(pair.owner.get(&format!("{path}/members")).await.expect(200).as_array().unwrap().len(), 1, "its members were kept");
    pair.owner.post(&format!("{path}/restore"), json!({})).await.expect(200);
    let town = id(&channel_named(&pair.owner, &pair.team_id, "town-square").await);
    admin.delete(&format!("/channels/{town}")).await.refused(400, "api.channel.delete_channel.cannot.app_error");
}

#[tokio::test]
async fn open_channels_of_a_team_are_listed_and_found() {
    let pair = pair().await;
    let stranger = pair.cluster.person("stranger").await;
    let make = async |name: &str, display: &str, kind: &str| {
        let body = json!({"team_id": pair.team_id, "name": unique(name), "display_name": display, "type": kind});
        pair.owner.post("/channels", body).await.expect(201)
    };
    let alpha = make("alpha", "Blue whale", "O").await;
    let beta = make("beta", "red Panda", "O").await;
    let hidden = make("gamma", "Blue secret", "P").await;
    let list = format!("/teams/{}/channels", pair.team_id);
    let names = |channels: &Value| -> Vec<String> { channels.as_array().unwrap().iter().map(|c| text(c, "display_name")).collect() };

    let all = ["Blue whale", "Off-Topic", "red Panda", "Town Square"];
    let listed = pair.member.on(1).get(&list).await.expect(200);
    assert_eq!(names(&listed), all);
    assert_eq!(keys(&listed[0]), keys(&testkit::golden("channel.open")));
    assert_eq!(names(&pair.member.get(&format!("{list}?page=1&per_page=3")).await.expect(200)), all[3..]);
    assert_eq!(pair.member.get(&format!("{list}?page=5")).await.expect(200), json!([]));

    for (term, found) in [
        ("", &all[..]),
        ("BLUE", &["Blue whale"]),
        ("alp", &["Blue whale"]),
        ("pan", &["red Panda"]),
        ("whale bl", &["Blue whale"]),
        ("whale red", &[]),
        ("lue", &[]),
        ("'&|!%", &[]),
        ("secret", &[]),
    ] {
        assert_eq!(names(&pair.member.post(&format!("{list}/search"), json!({"term": term})).await.expect(200)), found, "{term}");
    }
    assert_eq!(names(&pair.member.get(&format!("{list}/autocomplete?name=blue")).await.expect(200)), ["Blue whale"]);
    assert_eq!(names(&pair.member.get(&format!("{list}/autocomplete")).await.expect(200)), all);
    pair.member.raw(http::Method::POST, &format!("{list}/search"), "application/json", "").await.refused(400, BAD_BODY);

    let asked = json!([beta["id"], hidden["id"], alpha["id"], "y".repeat(26)]);
    assert_eq!(names(&pair.member.post(&format!("{list}/ids"), asked).await.expect(200)), ["Blue whale", "red Panda"]);
    let none = pair.member.post(&format!("{list}/ids"), json!([hidden["id"]])).await;
    none.refused(404, "store.sql_channel.get_channels_by_ids.not_found.app_error");
    pair.member.post(&format!("{list}/ids"), json!([])).await.refused(400, BAD_BODY);
    pair.member.post(&format!("{list}/ids"), json!(["short"])).await.refused(400, BAD_BODY);
    for path in [&list, &format!("{list}/autocomplete?name=b")] {
        stranger.get(path).await.refused(403, FORBIDDEN);
    }
    stranger.post(&format!("{list}/search"), json!({"term": "b"})).await.refused(403, FORBIDDEN);
    stranger.post(&format!("{list}/ids"), json!([alpha["id"]])).await.refused(403, FORBIDDEN);
}

#[tokio::test]
async fn a_users_channels_come_with_an_etag() {
    let pair = pair().await;
    let channel = pair.cluster.channel(&pair.owner, &pair.team_id).await;
    let direct = pair.owner.post("/channels/direct", json!([pair.owner.id, pair.member.id])).await.expect(201);
    let path = format!("/users/me/teams/{}/channels", pair.team_id);
    let answer = pair.owner.on(1).get(&path).await;
    let etag = answer.header("etag").unwrap().to_owned();
    let channels = answer.expect(200);
    let ids: Vec<&Value> = channels.as_array().unwrap().iter().map(|c| &c["id"]).collect();
    assert!(ids.len() == 4 && ids.contains(&&channel["id"]) && ids.contains(&&direct["id"]), "{channels}");
    assert!(etag.starts_with("4.10.0.") && etag.ends_with(".0.4"), "{etag}");
    let conditional = || pair.owner.request(http::Method::GET, &path).header("if-none-match", &etag);
    assert_eq!(pair.owner.send(conditional()).await.status, 304);
    pair.owner.say(&id(&channel), "news").await;
    assert_eq!(pair.owner.send(conditional()).await.status, 200);

    let of_owner = format!("/users/{}/teams/{}/channels", pair.owner.id, pair.team_id);
    pair.member.get(&of_owner).await.refused(403, FORBIDDEN);
    pair.member.get(&format!("{of_owner}/members")).await.refused(403, FORBIDDEN);
    let admin = pair.cluster.admin().await;
    admin.get(&of_owner).await.expect(200);
    assert_eq!(admin.get(&format!("{of_owner}/members")).await.expect(200).as_array().unwrap().len(), 4);
    let stranger = pair.cluster.person("stranger").await;
    stranger.get(&path).await.refused(403, FORBIDDEN);
    let none = admin.get(&format!("/users/{}/teams/{}/channels", stranger.id, pair.team_id)).await;
    none.refused(400, "store.sql_channel.get_channels.not_found.app_error");
    assert_eq!(admin.get(&format!("/users/{}/teams/{}/channels/members", stranger.id, pair.team_id)).await.expect(200), json!([]));
}

#[tokio::test]
async fn stats_count_active_members_and_pinned_posts_are_listed() {
    let pair = pair().await;
    let channel = id(&pair.cluster.channel(&pair.owner, &pair.team_id).await);
    pair.cluster.join_channel(&pair.member, &channel).await;
    let stats = pair.member.on(1).get(&format!("/channels/{channel}/stats")).await.expect(200);
    assert_eq!(stats, json!({"channel_id": channel, "member_count": 2}));
    let post = pair.owner.say(&channel, "keep this").await;
    pair.owner.post(&format!("/posts/{}/pin", id(&post)), json!({})).await.expect(200);
    let answer = pair.member.get(&format!("/channels/{channel}/pinned")).await;
    let etag = answer.header("etag").unwrap().to_owned();
    assert_eq!(answer.expect(200)["order"], json!([post["id"]]));
    let again = pair.member.request(http::Method::GET, &format!("/channels/{channel}/pinned")).header("if-none-match", etag);
    assert_eq!(pair.member.send(again).await.status, 304);
    pair.cluster.person("stranger").await.get(&format!("/channels/{channel}/pinned")).await.refused(403, FORBIDDEN);
    let admin = pair.cluster.admin().await;
    admin.put(&format!("/users/{}/active", pair.member.id), json!({"active": false})).await.expect(200);
    assert_eq!(pair.owner.get(&format!("/channels/{channel}/stats")).await.expect(200)["member_count"], 1);
}

#[tokio::test]
async fn channel_changes_are_audited() {
    let pair = pair().await;
    let channel = pair.cluster.channel(&pair.owner, &pair.team_id).await;
    let (name, path) = (text(&channel, "name"), format!("/channels/{}", id(&channel)));
    pair.owner.post(&format!("{path}/members"), json!({"user_id": pair.member.id})).await.expect(201);
    pair.owner.post(&format!("{path}/convert"), json!({})).await.expect(200);
    pair.owner.delete(&path).await.expect(200);
    eventually("five rows of audit", || async {
        let audits = pair.owner.get("/users/me/audits?per_page=100").await.expect(200);
        let has = |action: &str, extra: &str| audits.as_array().unwrap().iter().any(|a| a["action"] == action && a["extra_info"] == extra);
        let full = format!("/api/v4{path}");
        (has("/api/v4/channels", &format!("name={name}"))
            && has(&format!("{full}/members"), &format!("name={name} user_id={}", pair.member.id))
            && has(&format!("{full}/convert"), &format!("name={name}"))
            && has(&full, &format!("name={name}")))
        .then_some(())
    })
    .await;
}
