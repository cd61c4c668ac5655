//! Counts for administrators.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use testkit::{Cluster, Options, Person, golden};

fn counts(rows: &Value) -> BTreeMap<String, i64> {
    let rows = rows.as_array().expect("a list").iter();
    rows.map(|row| (row["name"].as_str().expect("a name").to_owned(), row["value"].as_i64().expect("a count"))).collect()
}

async fn read(admin: &Person, query: &str) -> BTreeMap<String, i64> {
    counts(&admin.on(1).get(&format!("/analytics/old?{query}")).await.expect(200))
}

#[tokio::test]
async fn administrators_read_counts_of_a_team_and_of_everything() {
    let cluster = Cluster::start(Options::default()).await;
    let (admin, user) = (cluster.admin().await, cluster.person("counted").await);
    let team = cluster.team(&admin).await;
    let team_id = team["id"].as_str().expect("an id");
    cluster.join_team(&user, &team).await;
    let channel = cluster.channel(&admin, team_id).await;
    cluster.channel_of(&admin, team_id, "P").await;
    let channel_id = channel["id"].as_str().expect("an id");
    cluster.join_channel(&user, channel_id).await;
    admin.say(channel_id, "no tag").await;
    let (old, older) = (user.say(channel_id, "a #tag").await, admin.say(channel_id, "another #tag").await);

    let order = |rows: &Value| rows.as_array().expect("a list").iter().map(|row| row["name"].clone()).collect::<Vec<_>>();
    let rows = admin.get("/analytics/old").await.expect(200);
    assert_eq!(order(&rows), order(&golden("analytics.standard")));
    let (_first, _second) = (user.socket(0).await, user.socket(1).await);
    let all = read(&admin, "name=standard").await;
    assert_eq!((all["unique_user_count"], all["inactive_user_count"], all["team_count"]), (2, 0, 1));
    assert_eq!(all["total_websocket_connections"], 2, "of both gateways");
    assert!(all["total_master_db_connections"] > 0 && all["post_count"] >= 3);

    let of_team = read(&admin, &format!("team_id={team_id}")).await;
    // With town-square and off-topic.
    assert_eq!((of_team["channel_open_count"], of_team["channel_private_count"]), (3, 1));
    assert_eq!((of_team["unique_user_count"], of_team["inactive_user_count"]), (2, -1));
    let unknown = read(&admin, &format!("team_id={}", "y".repeat(26))).await;
    assert_eq!((unknown["channel_open_count"], unknown["post_count"], unknown["team_count"]), (0, 0, 1));

    let extra = read(&admin, &format!("name=extra_counts&team_id={team_id}")).await;
    assert_eq!((extra["hashtag_post_count"], extra["file_post_count"]), (2, 0));
    assert!(extra["session_count"] >= 2);

    // Today is not told: two posts are moved to yesterday.
    let daily = |name: &str| format!("name={name}&team_id={team_id}");
    assert!(read(&admin, &daily("post_counts_day")).await.is_empty());
    let ids = [old["id"].as_str().expect("an id"), older["id"].as_str().expect("an id")];
    let move_back = "UPDATE posts.posts SET create_at = create_at - 86400000 WHERE id = ANY($1)";
    sqlx::query(move_back).bind(&ids[..]).execute(&mut cluster.sql().await).await.expect("two posts");
    assert_eq!(read(&admin, &daily("post_counts_day")).await.into_values().collect::<Vec<_>>(), [2]);
    assert_eq!(read(&admin, &daily("user_counts_with_posts_day")).await.into_values().collect::<Vec<_>>(), [2]);

    admin.get("/analytics/old?name=nonsense").await.refused(400, "api.context.invalid_url_param.app_error");
    user.get("/analytics/old").await.refused(403, "api.context.permissions.app_error");
    cluster.anonymous(0).get("/analytics/old").await.refused(401, "api.context.session_expired.app_error");
}

#[tokio::test]
async fn posts_are_not_counted_where_there_are_too_many_people() {
    let cluster = Cluster::start(Options::default().env("MM_ANALYTICSSETTINGS_MAXUSERSFORSTATISTICS", "1")).await;
    let admin = cluster.admin().await;
    assert!(read(&admin, "").await["post_count"] >= 0);
    cluster.person("one-too-many").await;
    assert_eq!(read(&admin, "").await["post_count"], -1);
    assert_eq!(read(&admin, "name=extra_counts").await["file_post_count"], -1);
    assert_eq!(admin.get("/analytics/old?name=post_counts_day").await.expect(200), json!([{"name": "", "value": -1}]));
}
