//! Searching posts.

use crate::scene::{Scene, id, order_of, post_in};
use serde_json::{Value, json};
use testkit::{Cluster, Options, Person, eventually};

async fn search(person: &Person, team_id: &str, terms: &str) -> Value {
    person.on(1).post(&format!("/teams/{team_id}/posts/search"), json!({"terms": terms, "is_or_search": false})).await.expect(200)
}

/// The messages found, newest first.
fn messages(list: &Value) -> Vec<String> {
    order_of(list).iter().map(|id| list["posts"][id]["message"].as_str().expect("a message").to_owned()).collect()
}

async fn found(s: &Scene, terms: &str) -> Vec<String> {
    messages(&search(&s.bob, &s.team_id, terms).await)
}

#[tokio::test]
async fn words_phrases_prefixes_and_exclusions() {
    let s = Scene::new().await;
    for message in
        ["the quick brown fox", "a brown dog is Running slowly", "brown: quick!", "deployment of foo-bar v1.2.3", "ＷＩＤＥ Café Straße"]
    {
        s.alice_posts(json!({"message": message})).await;
    }
    let (fox, dog, third, deploy, folded) =
        ("the quick brown fox", "a brown dog is Running slowly", "brown: quick!", "deployment of foo-bar v1.2.3", "ＷＩＤＥ Café Straße");
    for (terms, expected) in [
        ("fox", vec![fox]),
        ("FOX", vec![fox]),
        ("brown quick", vec![third, fox]),
        ("\"quick brown\"", vec![fox]),
        ("\"brown quick\"", vec![third]),
        ("brown -quick", vec![dog]),
        ("brown -\"quick brown\"", vec![third, dog]),
        ("run", vec![dog]),
        ("\"run\"", vec![]),
        ("deploy", vec![deploy]),
        ("depl*", vec![deploy]),
        ("depl", vec![]),
        ("foo-bar", vec![deploy]),
        ("\"bar foo\"", vec![]),
        ("v1.2", vec![deploy]),
        ("wide cafe", vec![folded]),
        ("CAFÉ STRASSE", vec![folded]),
        ("the fox of", vec![fox]),
        ("nothing of this", vec![]),
        ("*", vec![]),
        ("fox' | & ! ( :* \\", vec![fox]),
    ] {
        assert_eq!(found(&s, terms).await, expected, "{terms}");
    }
    let any = json!({"terms": "fox cafe -brown", "is_or_search": true});
    let list = s.bob.post(&format!("/teams/{}/posts/search", s.team_id), any).await.expect(200);
    assert_eq!(messages(&list), [folded]);
    let answer = s.bob.post(&format!("/teams/{}/posts/search", s.team_id), json!({"terms": "fox"})).await;
    assert_eq!(answer.header("cache-control"), Some("no-cache, no-store, must-revalidate"));
}

#[tokio::test]
async fn scripts_without_spaces_are_found_by_any_part() {
    let s = Scene::new().await;
    let texts = [
        "明天下午三点在东京都开会",
        "東京タワーへ行きました。ラーメンを食べた",
        "오늘 회의는 서울특별시에서 합니다",
        "ประชุมพรุ่งนี้ที่กรุงเทพมหานคร",
        "iPhoneを買う 🚀",
        "हिन्दी में संदेश",
        "Встреча в Ёлкино",
    ];
    for message in texts {
        s.alice_posts(json!({"message": message})).await;
    }
    for (terms, expected) in [
        ("东京", vec![0]),
        ("開会", vec![]),
        ("开会", vec![0]),
        ("京", vec![1, 0]),
        ("都", vec![0]),
        ("タワー", vec![1]),
        ("ﾗｰﾒﾝ", vec![1]),
        ("食べた", vec![1]),
        ("食た", vec![]),
        ("서울", vec![2]),
        ("특별시", vec![2]),
        ("회의 서울", vec![2]),
        ("พรุ่งนี้", vec![3]),
        ("กรุงเทพ", vec![3]),
        ("iphone", vec![4]),
        ("IPHONEを", vec![4]),
        ("🚀", vec![4]),
        ("हिन्दी", vec![5]),
        ("встреча елкино", vec![6]),
        ("东京 -开会", vec![]),
    ] {
        let expected: Vec<&str> = expected.into_iter().map(|n: usize| texts[n]).collect();
        assert_eq!(found(&s, terms).await, expected, "{terms}");
    }
}

#[tokio::test]
async fn filters_by_author_channel_date_and_hashtag() {
    let s = Scene::new().await;
    let admin = s.cluster.admin().await;
    s.cluster.join_team(&admin, &s.alice.get(&format!("/teams/{}", s.team_id)).await.expect(200)).await;
    s.cluster.join_channel(&admin, &s.channel_id).await;
    let second = s.cluster.channel(&s.alice, &s.team_id).await;
    s.cluster.join_channel(&s.bob, &id(&second)).await;
    let (first_name, second_name) = (s.channel().await["name"].as_str().unwrap().to_owned(), second["name"].as_str().unwrap().to_owned());
    s.alice_posts(json!({"message": "alpha one #Release-1"})).await;
    s.bob.post("/posts", post_in(&s.channel_id, json!({"message": "alpha two"}))).await.expect(201);
    s.alice.post("/posts", post_in(&id(&second), json!({"message": "alpha three #other"}))).await.expect(201);
    // 2018-08-01T12:00:00Z
    admin.post("/posts", post_in(&s.channel_id, json!({"message": "alpha old", "create_at": 1_533_124_800_000_i64}))).await.expect(201);
    let (one, two, three, old) = ("alpha one #Release-1", "alpha two", "alpha three #other", "alpha old");
    let (alice, bob) = (s.alice.username.as_str(), s.bob.username.as_str());
    for (terms, expected) in [
        (format!("alpha from:{bob}"), vec![two]),
        (format!("alpha FROM: {bob}"), vec![two]),
        (format!("from:@{alice} alpha"), vec![three, one]),
        (format!("alpha from:{alice} from:{bob}"), vec![three, two, one]),
        (format!("alpha -from:{alice}"), vec![two, old]),
        ("alpha from:nobody-of-this-name".into(), vec![]),
        (format!("in:{second_name}"), vec![three]),
        (format!("alpha channel:{second_name} In:{first_name}"), vec![three, two, one, old]),
        (format!("alpha -in:{first_name}"), vec![three]),
        (format!("from:{bob}"), vec![two]),
        ("in:no-such-channel".into(), vec![]),
        ("#release-1".into(), vec![one]),
        ("#release".into(), vec![]),
        ("#rel*".into(), vec![one]),
        ("alpha -#other after:2018-08-02".into(), vec![two, one]),
        // Words and hashtags are halves of a union, as in the original.
        ("two #other".into(), vec![three, two]),
        ("alpha before:2018-08-02".into(), vec![old]),
        ("alpha before:2018-08-01".into(), vec![]),
        ("alpha on:2018-08-01".into(), vec![old]),
        ("alpha on:2018-08-02".into(), vec![]),
        ("alpha after:2018-08-01".into(), vec![three, two, one]),
        ("alpha on:someday".into(), vec![]),
    ] {
        assert_eq!(found(&s, &terms).await, expected, "{terms}");
    }
    let there = json!({"terms": "alpha on:2018-08-02", "time_zone_offset": 13 * 3600});
    let list = s.bob.post(&format!("/teams/{}/posts/search", s.team_id), there).await.expect(200);
    assert_eq!(messages(&list), [old], "noon in London is past midnight in Auckland");
}

#[tokio::test]
async fn only_what_the_asker_may_read() {
    let s = Scene::new().await;
    s.alice_posts(json!({"message": "secretword in the channel"})).await;
    let direct = s.direct(&s.alice, &s.bob).await;
    s.alice.post("/posts", post_in(&direct, json!({"message": "secretword between two"}))).await.expect(201);
    let other_team = s.cluster.team(&s.alice).await;
    let elsewhere = s.cluster.channel(&s.alice, &id(&other_team)).await;
    s.alice.post("/posts", post_in(&id(&elsewhere), json!({"message": "secretword of another team"}))).await.expect(201);
    let both = ["secretword between two", "secretword in the channel"];
    assert_eq!(messages(&search(&s.alice, &s.team_id, "secretword").await), both);
    assert_eq!(messages(&search(&s.alice, &id(&other_team), "secretword").await), ["secretword of another team", both[0]]);
    assert_eq!(found(&s, "secretword").await, both);
    // In the team, not in the channel; and administrators see no more than others.
    assert_eq!(messages(&search(&s.carol, &s.team_id, "secretword").await), Vec::<String>::new());
    let admin = s.cluster.admin().await;
    assert_eq!(messages(&search(&admin, &s.team_id, "secretword").await), Vec::<String>::new());
    // System messages are not found, nor what stands in an archived or a left channel.
    assert_eq!(found(&s, "joined").await, Vec::<String>::new());
    s.bob.delete(&format!("/channels/{}/members/{}", s.channel_id, s.bob.id)).await.expect(200);
    assert_eq!(found(&s, "secretword").await, both[..1]);
    s.alice.delete(&format!("/channels/{}", s.channel_id)).await.expect(200);
    assert_eq!(messages(&search(&s.alice, &s.team_id, "secretword").await), both[..1]);
}

#[tokio::test]
async fn edits_and_deletions_are_reflected() {
    let s = Scene::new().await;
    let post = s.alice_posts(json!({"message": "before the change"})).await;
    let reply = s.alice_posts(json!({"message": "change in a reply", "root_id": post["id"]})).await;
    assert_eq!(found(&s, "change").await, ["change in a reply", "before the change"]);
    s.alice.put(&format!("/posts/{}/patch", id(&post)), json!({"message": "after the edit"})).await.expect(200);
    eventually("the edit is found and the old text is not", || async {
        (found(&s, "edit").await == ["after the edit"] && found(&s, "before").await.is_empty()).then_some(())
    })
    .await;
    let list = search(&s.bob, &s.team_id, "edit").await;
    assert_eq!(testkit::keys(&list), ["order", "posts"]);
    assert_eq!(testkit::keys(&list["posts"]), [id(&post)], "only what matches, no roots");
    assert_eq!(found(&s, "reply").await.len(), 1);
    s.alice.delete(&format!("/posts/{}", id(&post))).await.expect(200);
    assert_eq!(found(&s, "edit").await, Vec::<String>::new());
    assert_eq!(found(&s, "reply").await, Vec::<String>::new(), "{reply}");
}

#[tokio::test]
async fn at_most_a_hundred_newest_first() {
    let s = Scene::new().await;
    for n in 0..105 {
        s.alice_posts(json!({"message": format!("counted {n}")})).await;
    }
    // At once: a search indexes what waits, however many commits that are.
    let messages = found(&s, "counted").await;
    assert_eq!(messages.len(), 100);
    assert_eq!((messages[0].as_str(), messages[99].as_str()), ("counted 104", "counted 5"));
}

#[tokio::test]
async fn searches_that_are_refused() {
    let s = Scene::new().await;
    let path = format!("/teams/{}/posts/search", s.team_id);
    let invalid = "api.context.invalid_body_param.app_error";
    for body in [json!({}), json!({"terms": ""}), json!({"terms": 5}), json!({"terms": null})] {
        s.bob.post(&path, body).await.refused(400, invalid);
    }
    s.cluster.anonymous(0).post(&path, json!({"terms": "x"})).await.refused(401, "api.context.session_expired.app_error");
    let stranger = s.cluster.person("stranger").await;
    stranger.post(&path, json!({"terms": "x"})).await.refused(403, "api.context.permissions.app_error");
    let mut odd: Vec<String> = ["'\"", "\\", "&&||!!", "a:*b <-> c", "\u{0}", "from:\u{0}x", "in:'; --", "-", "\"", "##", "🦀*", "\u{301}"]
        .map(str::to_owned)
        .into();
    odd.push("x ".repeat(3_000));
    odd.push("\"".to_owned() + &"東京".repeat(3_000));
    for terms in odd {
        s.bob.post(&path, json!({"terms": terms, "time_zone_offset": i64::MAX})).await.expect(200);
    }
}

#[tokio::test]
async fn a_server_may_forbid_searching() {
    let cluster = Cluster::start(Options::default().env("MM_SERVICESETTINGS_ENABLEPOSTSEARCH", "false")).await;
    let ada = cluster.person("ada").await;
    let team = cluster.team(&ada).await;
    let path = format!("/teams/{}/posts/search", id(&team));
    ada.post(&path, json!({"terms": "x"})).await.refused(501, "store.sql_post.search.disabled");
    cluster.person("eve").await.post(&path, json!({"terms": "x"})).await.refused(403, "api.context.permissions.app_error");
}
