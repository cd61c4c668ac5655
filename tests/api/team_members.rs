//! Joining, being added to, and leaving teams.

use crate::common::{BAD_BODY, FORBIDDEN, broadcast, channel_named, heard, id, named, nested, newest, pair, posts, text};
use serde_json::{Value, json};
use testkit::{Cluster, Options, Person};

fn body(team_id: &str, user: &Person) -> Value {
    json!({"team_id": team_id, "user_id": user.id})
}

#[tokio::test]
async fn adding_one_reads_as_if_he_had_joined() {
    let pair = pair().await;
    let newcomer = pair.cluster.person("newcomer").await;
    let mut sockets = [newcomer.socket(0).await, newcomer.socket(1).await];
    let path = format!("/teams/{}/members", pair.team_id);
    let member = pair.member.post(&path, body(&pair.team_id, &newcomer)).await.expect(201);
    assert_eq!(keys_of(&member), keys_of(&testkit::golden("team_member")));
    assert_eq!(member, json!({"team_id": pair.team_id, "user_id": newcomer.id, "roles": "team_user", "delete_at": 0}));
    for socket in &mut sockets {
        let events = named(&heard(&newcomer, socket).await, "added_to_team");
        assert_eq!(events.len(), 2, "an addition is announced twice");
        assert_eq!(events[0]["data"], json!({"team_id": pair.team_id, "user_id": newcomer.id}));
        assert_eq!(events[0]["broadcast"], broadcast(&newcomer.id, "", ""));
    }
    for (name, kind) in [("town-square", "system_join_team"), ("off-topic", "system_join_channel")] {
        let channel = id(&channel_named(&newcomer, &pair.team_id, name).await);
        assert_eq!(newest(&newcomer, &channel).await, (kind.into(), newcomer.id.clone(), json!({"username": newcomer.username})));
        let own = newcomer.on(1).get(&format!("/channels/{channel}/members/me")).await.expect(200);
        assert_eq!((&own["roles"], &own["msg_count"]), (&json!("channel_user"), &json!(0)));
    }
    // Again: the same object, one event, no post.
    assert_eq!(pair.owner.post(&path, body(&pair.team_id, &newcomer)).await.expect(201), member);
    let events = heard(&newcomer, &mut sockets[1]).await;
    assert_eq!((named(&events, "added_to_team").len(), named(&events, "posted").len()), (1, 0));
}

fn keys_of(value: &Value) -> Vec<String> {
    testkit::keys(value)
}

#[tokio::test]
async fn additions_are_checked_before_anything_happens() {
    let pair = pair().await;
    let stranger = pair.cluster.person("stranger").await;
    let path = format!("/teams/{}/members", pair.team_id);
    let unknown = "y".repeat(26);
    pair.owner.post(&path, body(&unknown, &stranger)).await.refused(400, BAD_BODY);
    pair.owner.post(&path, json!({"team_id": pair.team_id, "user_id": "short"})).await.refused(400, BAD_BODY);
    pair.owner.post(&path, json!({"team_id": pair.team_id, "user_id": unknown})).await.refused(404, "store.sql_user.missing_account.const");
    stranger.post(&path, body(&pair.team_id, &stranger)).await.refused(403, FORBIDDEN);

    let batch = format!("{path}/batch");
    pair.owner.post(&batch, json!([])).await.refused(400, BAD_BODY);
    pair.owner.post(&batch, json!(vec![body(&pair.team_id, &stranger); 21])).await.refused(400, BAD_BODY);
    pair.owner.post(&batch, json!([body(&pair.team_id, &stranger), body(&unknown, &stranger)])).await.refused(400, BAD_BODY);
    stranger.post(&batch, json!([body(&pair.team_id, &stranger)])).await.refused(403, FORBIDDEN);
    stranger.get(&format!("{path}/me")).await.refused(403, FORBIDDEN);
}

#[tokio::test]
async fn a_batch_names_who_added_and_stops_at_the_first_failure() {
    let pair = pair().await;
    let (one, two, late) = (pair.cluster.person("one").await, pair.cluster.person("two").await, pair.cluster.person("late").await);
    let mut socket = one.socket(1).await;
    let path = format!("/teams/{}/members/batch", pair.team_id);
    let town = channel_named(&pair.owner, &pair.team_id, "town-square").await;
    let members = pair.owner.post(&path, json!([body(&pair.team_id, &one), body(&pair.team_id, &two)])).await.expect(201);
    let users: Vec<&Value> = members.as_array().unwrap().iter().map(|m| &m["user_id"]).collect();
    assert_eq!(users, [&json!(one.id), &json!(two.id)]);
    assert_eq!(named(&heard(&one, &mut socket).await, "added_to_team").len(), 2);

    let props = |added: &Person| json!({"userId": pair.owner.id, "username": pair.owner.username, "addedUserId": added.id, "addedUsername": added.username});
    let off_topic = channel_named(&pair.owner, &pair.team_id, "off-topic").await;
    assert_eq!(newest(&two, &id(&town)).await, ("system_add_to_team".into(), pair.owner.id.clone(), props(&two)));
    assert_eq!(newest(&two, &id(&off_topic)).await, ("system_add_to_channel".into(), pair.owner.id.clone(), props(&two)));
    let after = channel_named(&pair.owner, &pair.team_id, "town-square").await;
    assert_eq!(after["total_msg_count"].as_i64().unwrap(), town["total_msg_count"].as_i64().unwrap() + 2, "these posts count");
    let own = one.get(&format!("/channels/{}/members/me", id(&town))).await.expect(200);
    assert_eq!((&own["mention_count"], &own["msg_count"]), (&json!(1), &json!(0)), "named in the text that added him");

    let unknown = json!({"team_id": pair.team_id, "user_id": "y".repeat(26)});
    let half = json!([body(&pair.team_id, &late), unknown, body(&pair.team_id, &pair.cluster.person("never").await)]);
    pair.owner.post(&path, half).await.refused(404, "store.sql_user.missing_account.const");
    assert_eq!(late.get(&format!("/teams/{}/members/me", pair.team_id)).await.expect(200)["roles"], "team_user", "earlier ones stay");
}

#[tokio::test]
async fn an_invite_id_lets_in_whoever_has_it() {
    let cluster = Cluster::shared().await;
    let (owner, guest) = (cluster.person("owner").await, cluster.person("guest").await);
    let closed = owner.post("/teams", json!({"name": testkit::unique("shut"), "display_name": "Shut", "type": "I"})).await.expect(201);
    let mut socket = guest.socket(1).await;
    let path = format!("/teams/members/invite?invite_id={}", text(&closed, "invite_id"));
    let member = guest.post(&path, json!({})).await.expect(201);
    assert_eq!((&member["user_id"], &member["roles"]), (&json!(guest.id), &json!("team_user")));
    assert_eq!(guest.post(&path, json!({})).await.expect(201), member);
    assert_eq!(named(&heard(&guest, &mut socket).await, "added_to_team").len(), 1, "announced once, and not again");

    guest.post("/teams/members/invite", json!({})).await.refused(400, "api.team.add_user_to_team.missing_parameter.app_error");
    let unknown = format!("/teams/members/invite?invite_id={}", "y".repeat(26));
    guest.post(&unknown, json!({})).await.refused(404, "store.sql_team.get_by_invite_id.find.app_error");
    guest.post("/teams/members/invite?token=nonsense", json!({})).await.refused(400, "api.user.create_user.signup_link_invalid.app_error");
    owner.delete(&format!("/teams/{}", id(&closed))).await.expect(200);
    cluster.person("after").await.post(&path, json!({})).await.expect(201);
}

#[tokio::test]
async fn members_are_listed_to_members() {
    let pair = pair().await;
    let stranger = pair.cluster.person("stranger").await;
    let path = format!("/teams/{}/members", pair.team_id);
    let ids = |members: Value| -> Vec<String> {
        let mut ids: Vec<String> = members.as_array().unwrap().iter().map(|m| text(m, "user_id")).collect();
        ids.sort();
        ids
    };
    let mut both = vec![pair.owner.id.clone(), pair.member.id.clone()];
    both.sort();
    assert_eq!(ids(pair.member.on(1).get(&path).await.expect(200)), both);
    let first = ids(pair.member.get(&format!("{path}?per_page=1")).await.expect(200));
    let second = ids(pair.member.get(&format!("{path}?per_page=1&page=1")).await.expect(200));
    assert_eq!([first, second].concat().len(), 2);
    assert_eq!(pair.member.get(&format!("{path}?page=9")).await.expect(200), json!([]));
    let asked = json!([pair.owner.id, stranger.id]);
    assert_eq!(ids(pair.member.post(&format!("{path}/ids"), asked).await.expect(200)), std::slice::from_ref(&pair.owner.id));
    assert_eq!(pair.member.post(&format!("{path}/ids"), json!([stranger.id])).await.expect(200), json!([]));
    for ids in [json!([]), json!(vec!["y".repeat(26); 10_001])] {
        pair.member.post(&format!("{path}/ids"), ids).await.refused(400, BAD_BODY);
    }
    for path in [&path, &format!("{path}/{}", pair.owner.id)] {
        stranger.get(path).await.refused(403, FORBIDDEN);
    }
    stranger.post(&format!("{path}/ids"), json!([pair.owner.id])).await.refused(403, FORBIDDEN);
    pair.member.get(&format!("{path}/{}", stranger.id)).await.refused(404, "store.sql_team.get_member.missing.app_error");

    let own = pair.member.get("/users/me/teams/members").await.expect(200);
    assert_eq!((own.as_array().unwrap().len(), &own[0]["team_id"]), (1, &json!(pair.team_id)));
    pair.owner.get(&format!("/users/{}/teams/members", pair.member.id)).await.refused(403, FORBIDDEN);
    pair.cluster.admin().await.get(&format!("/users/{}/teams/members", pair.member.id)).await.expect(200);
}

#[tokio::test]
async fn leaving_a_team_leaves_its_channels() {
    let pair = pair().await;
    let channel = id(&pair.cluster.channel(&pair.owner, &pair.team_id).await);
    pair.cluster.join_channel(&pair.member, &channel).await;
    let direct = id(&pair.member.post("/channels/direct", json!([pair.member.id, pair.owner.id])).await.expect(201));
    let town = id(&channel_named(&pair.owner, &pair.team_id, "town-square").await);
    let row = json!([{"user_id": pair.member.id, "category": pair.team_id, "name": "n", "value": "v"}]);
    pair.member.put("/users/me/preferences", row).await.expect(200);
    let before = pair.member.get("/users/me").await.expect(200)["update_at"].as_i64().unwrap();
    let (mut own, mut others) = (pair.member.socket(1).await, pair.owner.socket(1).await);

    let path = format!("/teams/{}/members/{}", pair.team_id, pair.member.id);
    assert_eq!(pair.member.delete(&path).await.expect(200), json!({"status": "OK"}));
    for (person, socket) in [(&pair.member, &mut own), (&pair.owner, &mut others)] {
        let events = heard(person, socket).await;
        let left = named(&events, "leave_team");
        assert_eq!(left.len(), 1, "{}", person.username);
        assert_eq!(left[0]["data"], json!({"user_id": pair.member.id, "team_id": pair.team_id}));
        assert_eq!(left[0]["broadcast"], broadcast("", "", &pair.team_id));
        assert!(named(&events, "user_removed").is_empty());
    }
    assert_eq!(
        newest(&pair.owner, &town).await,
        ("system_leave_team".into(), pair.member.id.clone(), json!({"username": pair.member.username}))
    );
    assert_eq!(newest(&pair.owner, &channel).await.0, "system_join_channel", "nothing is posted in the other channels");

    pair.member.get(&format!("/channels/{channel}")).await.refused(403, FORBIDDEN);
    pair.member.get(&format!("/channels/{direct}")).await.expect(200);
    let gone = pair.owner.get(&path).await.expect(200);
    assert_eq!(gone["roles"], "");
    assert!(gone["delete_at"].as_i64().unwrap() > 0);
    assert_eq!(pair.member.get("/users/me/teams/members").await.expect(200)[0], gone, "teams that were left are listed");
    assert_eq!(pair.owner.get(&format!("/teams/{}/members", pair.team_id)).await.expect(200).as_array().unwrap().len(), 1);
    assert_eq!(pair.member.get(&format!("/users/me/preferences/{}", pair.team_id)).await.status, 404, "its preferences are forgotten");
    assert!(pair.member.get("/users/me").await.expect(200)["update_at"].as_i64().unwrap() > before);
    pair.member.delete(&path).await.expect(200);

    pair.owner.say(&channel, "unheard").await;
    assert!(named(&heard(&pair.member, &mut own).await, "posted").is_empty(), "who has left hears nothing more");
    pair.cluster.join_team(&pair.member, &pair.team).await;
    let again = pair.member.get(&path).await.expect(200);
    assert_eq!((&again["roles"], &again["delete_at"]), (&json!("team_user"), &json!(0)));
    pair.member.get(&format!("/channels/{channel}/members/me")).await.refused(403, FORBIDDEN);
}

#[tokio::test]
async fn administrators_remove_members() {
    let pair = pair().await;
    let stranger = pair.cluster.person("stranger").await;
    let members = format!("/teams/{}/members", pair.team_id);
    let town = channel_named(&pair.owner, &pair.team_id, "town-square").await;
    pair.member.delete(&format!("{members}/{}", pair.owner.id)).await.refused(403, FORBIDDEN);
    stranger.delete(&format!("{members}/{}", pair.member.id)).await.refused(403, FORBIDDEN);
    pair.owner.delete(&format!("{members}/{}", stranger.id)).await.refused(400, "api.team.remove_user_from_team.missing.app_error");
    pair.owner.delete(&format!("{members}/{}", pair.member.id)).await.expect(200);
    let (kind, author, props) = newest(&pair.owner, &id(&town)).await;
    assert_eq!(
        (kind.as_str(), author, props),
        ("system_remove_from_team", pair.member.id.clone(), json!({"username": pair.member.username}))
    );
    let after = channel_named(&pair.owner, &pair.team_id, "town-square").await;
    assert_eq!(after["total_msg_count"].as_i64().unwrap(), town["total_msg_count"].as_i64().unwrap() + 1, "this post counts");
    pair.member.on(1).get(&members).await.refused(403, FORBIDDEN);
}

#[tokio::test]
async fn roles_in_a_team_change_at_once() {
    let pair = pair().await;
    let path = format!("/teams/{}/members/{}/roles", pair.team_id, pair.member.id);
    let mut socket = pair.member.socket(1).await;
    pair.member.put(&path, json!({"roles": "team_user team_admin"})).await.refused(403, FORBIDDEN);
    for (roles, error) in
        [("Team_User", BAD_BODY), ("system_admin", BAD_BODY), ("team_user no_such_role", "app.role.check_roles_exist.role_not_found")]
    {
        pair.owner.put(&path, json!({"roles": roles})).await.refused(400, error);
    }
    let stranger = pair.cluster.person("stranger").await;
    pair.owner
        .put(&format!("/teams/{}/members/{}/roles", pair.team_id, stranger.id), json!({"roles": "team_user"}))
        .await
        .refused(400, "api.team.update_member_roles.not_a_member");

    assert_eq!(pair.owner.put(&path, json!({"roles": "team_user team_admin"})).await.expect(200), json!({"status": "OK"}));
    let event = socket.expect("memberrole_updated").await;
    assert_eq!(event["broadcast"], broadcast(&pair.member.id, "", ""));
    let expected = json!({"team_id": pair.team_id, "user_id": pair.member.id, "roles": "team_user team_admin", "delete_at": 0});
    assert_eq!(nested(&event, "member"), expected);
    for i in 0..2 {
        pair.member.on(i).put(&format!("/teams/{}/patch", pair.team_id), json!({"description": "mine"})).await.expect(200);
    }
    pair.owner.put(&path, json!({})).await.expect(200);
    assert_eq!(nested(&socket.expect("memberrole_updated").await, "member")["roles"], "");
    pair.member.put(&format!("/teams/{}/patch", pair.team_id), json!({"description": "no"})).await.refused(403, FORBIDDEN);
}

#[tokio::test]
async fn a_full_team_takes_nobody_until_someone_leaves() {
    let cluster = Cluster::start(Options::default().env("MM_TEAMSETTINGS_MAXUSERSPERTEAM", "2")).await;
    let (owner, one, two) = (cluster.person("owner").await, cluster.person("one").await, cluster.person("two").await);
    let team = cluster.team(&owner).await;
    let invite = format!("/teams/members/invite?invite_id={}", text(&team, "invite_id"));
    // Both ask at once for the last place, at different gateways.
    let (first, second) = tokio::join!(one.on(0).post(&invite, json!({})), two.on(1).post(&invite, json!({})));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 400]);
    let (inside, outside) = if first.status == 201 { (&one, &two) } else { (&two, &one) };
    outside.post(&invite, json!({})).await.refused(400, "store.sql_user.save.max_accounts.app_error");
    inside.post(&invite, json!({})).await.expect(201);

    inside.delete(&format!("/teams/{}/members/{}", id(&team), inside.id)).await.expect(200);
    outside.post(&invite, json!({})).await.expect(201);
    inside.post(&invite, json!({})).await.refused(400, "app.team.join_user_to_team.max_accounts.app_error");
    let admin = cluster.admin().await;
    admin.put(&format!("/users/{}/active", outside.id), json!({"active": false})).await.expect(200);
    inside.post(&invite, json!({})).await.expect(201);
}

#[tokio::test]
async fn town_square_can_be_kept_silent() {
    let cluster =
        Cluster::start(Options::default().env("MM_SERVICESETTINGS_EXPERIMENTALENABLEDEFAULTCHANNELLEAVEJOINMESSAGES", "false")).await;
    let (owner, guest) = (cluster.person("owner").await, cluster.person("guest").await);
    let team = cluster.team(&owner).await;
    cluster.join_team(&guest, &team).await;
    let channel = |name: &'static str| channel_named(&owner, team["id"].as_str().unwrap(), name);
    guest.delete(&format!("/teams/{}/members/{}", id(&team), guest.id)).await.expect(200);
    assert_eq!(posts(&owner, &id(&channel("town-square").await)).await.len(), 0);
    assert_eq!(posts(&owner, &id(&channel("off-topic").await)).await.len(), 2, "the other channel still speaks");
}

#[tokio::test]
async fn what_posts_must_do_is_done_once_it_is_back_in_order() {
    let cluster = Cluster::start(Options { split: true, ..Options::default() }).await;
    let (owner, guest) = (cluster.person("owner").await, cluster.person("guest").await);
    let team = cluster.team(&owner).await;
    cluster.join_team(&guest, &team).await;
    let town = id(&channel_named(&owner, team["id"].as_str().unwrap(), "town-square").await);
    cluster.kill("posts");
    // Leaving and coming back stand although nothing can be posted.
    guest.delete(&format!("/teams/{}/members/{}", id(&team), guest.id)).await.expect(200);
    cluster.join_team(&guest, &team).await;
    cluster.restart("posts");
    let own_kinds = async || -> Vec<String> {
        let answer = owner.get(&format!("/channels/{town}/posts")).await;
        let (order, posts) = (answer.body["order"].clone(), answer.body["posts"].clone());
        let posts = order.as_array().cloned().unwrap_or_default().into_iter().map(|id| posts[id.as_str().unwrap()].clone());
        let mut kinds: Vec<String> = posts.filter(|p| p["user_id"] == json!(guest.id)).map(|p| text(&p, "type")).collect();
        kinds.reverse();
        kinds
    };
    let kinds = testkit::eventually("both posts", || async { Some(own_kinds().await).filter(|kinds| kinds.len() >= 3) }).await;
    assert_eq!(kinds, ["system_join_team", "system_leave_team", "system_join_team"]);
    testkit::eventually("nothing is left to do", || async {
        let pending: i64 = sqlx::query_scalar("SELECT count(*) FROM teams.effects").fetch_one(&mut cluster.sql().await).await.unwrap();
        (pending == 0).then_some(())
    })
    .await;
    assert_eq!(own_kinds().await.len(), 3, "nothing is done twice");
}
