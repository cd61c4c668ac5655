//! Custom emoji.

use crate::scene::{Scene, id};
use http::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use testkit::{
    Answer, Cluster, Options, Person, golden, keys,
    pictures::{bomb, gif, measure, picture, png},
    unique,
};

const SESSION: &str = "api.context.session_expired.app_error";
const BODY: &str = "api.context.invalid_body_param.app_error";

fn form(emoji: &Value, image: Vec<u8>) -> Form {
    Form::new().text("emoji", emoji.to_string()).part("image", Part::bytes(image).file_name("image"))
}

async fn post(person: &Person, form: Form) -> Answer {
    person.send(person.request(Method::POST, "/emoji").multipart(form)).await
}

async fn create(person: &Person, name: &str, image: Vec<u8>) -> Value {
    post(person, form(&json!({"name": name, "creator_id": person.id}), image)).await.expect(200)
}

#[tokio::test]
async fn an_emoji_is_created_announced_and_found() {
    let cluster = Cluster::shared().await;
    let (ada, bob) = (cluster.person("ada").await, cluster.person("bob").await);
    let mut socket = bob.socket(1).await;
    let name = unique("Party_parrot-");
    let sent = json!({"name": name, "creator_id": ada.id, "id": "y".repeat(26), "create_at": 5, "delete_at": 7});
    let emoji = post(&ada, form(&sent, png(20, 30))).await.expect(200);
    assert_eq!(keys(&emoji), keys(&golden("emoji")));
    assert_eq!((&emoji["name"], &emoji["creator_id"], &emoji["delete_at"]), (&json!(name), &json!(ada.id), &json!(0)));
    assert_ne!(emoji["id"], sent["id"], "an id of the client's is ignored");
    let event = socket.expect_where("emoji_added", |e| e["data"]["emoji"].as_str().is_some_and(|text| text.contains(&name))).await;
    assert_eq!(serde_json::from_str::<Value>(event["data"]["emoji"].as_str().unwrap()).unwrap(), emoji);
    assert_eq!(event["broadcast"], json!({"omit_users": null, "user_id": "", "channel_id": "", "team_id": ""}));

    let there = bob.on(1);
    assert_eq!(there.get(&format!("/emoji/{}", id(&emoji))).await.expect(200), emoji);
    assert_eq!(there.get(&format!("/emoji/name/{name}")).await.expect(200), emoji);
    let answer = there.get(&format!("/emoji/{}/image", id(&emoji))).await;
    assert_eq!(answer.header("content-type"), Some("image/png"));
    assert_eq!(answer.header("cache-control"), Some("max-age=2592000, public"));
    assert_eq!(answer.header("etag"), None);
    assert_eq!(&answer.bytes[..], &png(20, 30)[..], "a small picture is served as it was sent");
}

#[tokio::test]
async fn pictures_are_made_small_and_go_on_moving() {
    let cluster = Cluster::shared().await;
    let ada = cluster.person("ada").await;
    for (image, kind, size) in [
        (png(256, 100), "image/png", (128, 50)),
        (picture(100, 400, image::ImageFormat::Jpeg), "image/jpeg", (32, 128)),
        (gif(200, 200, 3), "image/gif", (128, 128)),
        (gif(64, 64, 2), "image/gif", (64, 64)),
    ] {
        let emoji = create(&ada, &unique("sized"), image.clone()).await;
        let answer = ada.on(1).get(&format!("/emoji/{}/image", id(&emoji))).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)));
        let (_, width, height) = measure(&answer.bytes);
        assert_eq!((width, height), size);
        if kind == "image/gif" {
            let frames = |data: &[u8]| {
                use image::AnimationDecoder;
                image::codecs::gif::GifDecoder::new(std::io::Cursor::new(data.to_vec())).unwrap().into_frames().count()
            };
            assert_eq!(frames(&answer.bytes), frames(&image));
        }
    }
}

#[tokio::test]
async fn creations_that_are_refused() {
    let cluster = Cluster::shared().await;
    let (ada, admin) = (cluster.person("ada").await, cluster.admin().await);
    let named = |name: &str| json!({"name": name, "creator_id": ada.id});
    let taken = unique("taken");
    create(&ada, &taken, png(5, 5)).await;
    for (body, image, status, error) in [
        (named(&taken), png(5, 5), 400, "api.emoji.create.duplicate.app_error"),
        (named("smile"), png(5, 5), 400, "model.emoji.name.app_error"),
        (named("thumbsup"), png(5, 5), 400, "model.emoji.name.app_error"),
        (named(""), png(5, 5), 400, "model.emoji.name.app_error"),
        (named("sp ace"), png(5, 5), 400, "model.emoji.name.app_error"),
        (named(&"x".repeat(65)), png(5, 5), 400, "model.emoji.name.app_error"),
        (named(&unique("text")), b"no picture".to_vec(), 400, "api.emoji.upload.image.app_error"),
        (named(&unique("bmp")), picture(5, 5, image::ImageFormat::Bmp), 400, "api.emoji.upload.image.app_error"),
        (named(&unique("bomb")), bomb(4_000, 4_000), 400, "api.emoji.upload.large_image.too_large.app_error"),
        (named(&unique("heavy")), vec![0; 1_100_000], 413, "api.emoji.create.too_large.app_error"),
        (json!({"name": unique("other"), "creator_id": admin.id}), png(5, 5), 403, "api.emoji.create.other_user.app_error"),
        (json!("text"), png(5, 5), 400, BODY),
    ] {
        post(&ada, form(&body, image)).await.refused(status, error);
    }
    let others = form(&json!({"name": unique("other"), "creator_id": ada.id}), png(5, 5));
    post(&admin, others).await.refused(403, "api.emoji.create.other_user.app_error");
    post(&ada, Form::new().text("emoji", named("lonely").to_string())).await.refused(400, BODY);
    post(&ada, Form::new().part("image", Part::bytes(png(5, 5)).file_name("image"))).await.refused(400, BODY);
    ada.post("/emoji", json!({})).await.refused(400, "api.emoji.create.parse.app_error");
    cluster.anonymous(0).post("/emoji", json!({})).await.refused(401, SESSION);
    let found = ada.get(&format!("/emoji/autocomplete?name={taken}")).await.expect(200);
    assert_eq!(found.as_array().map(Vec::len), Some(1), "one of this name");
}

#[tokio::test]
async fn two_at_once_make_one_of_a_name() {
    let cluster = Cluster::shared().await;
    let ada = cluster.person("ada").await;
    let name = unique("race");
    let body = json!({"name": name, "creator_id": ada.id});
    let attempts = futures_util::future::join_all((0..4).map(|n| {
        let (client, form) = (ada.on(n % 2).clone(), form(&body, png(5, 5)));
        async move { client.send(client.request(Method::POST, "/emoji").multipart(form)).await.status }
    }))
    .await;
    assert_eq!(attempts.iter().filter(|status| **status == 200).count(), 1, "{attempts:?}");
    assert!(attempts.iter().all(|status| matches!(status, 200 | 400)), "{attempts:?}");
}

#[tokio::test]
async fn emoji_are_listed_and_searched() {
    let cluster = Cluster::shared().await;
    let ada = cluster.person("ada").await;
    let mark = unique("q");
    for name in [format!("{mark}-b"), format!("{mark}-a"), format!("x-{mark}_c")] {
        create(&ada, &name, png(5, 5)).await;
    }
    let names = |list: Value| list.as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let (a, b, c) = (format!("{mark}-a"), format!("{mark}-b"), format!("x-{mark}_c"));
    let search = async |body: Value| names(ada.on(1).post("/emoji/search", body).await.expect(200));
    assert_eq!(search(json!({"term": mark})).await, [a.clone(), b.clone(), c.clone()]);
    assert_eq!(search(json!({"term": mark, "prefix_only": true})).await, [a.clone(), b.clone()]);
    assert_eq!(search(json!({"term": mark.to_uppercase()})).await, Vec::<String>::new(), "case counts");
    for literal in ["%", "\\", "\u{0}", "'"] {
        assert_eq!(search(json!({"term": format!("{mark}{literal}")})).await, Vec::<String>::new());
    }
    assert_eq!(names(ada.get(&format!("/emoji/autocomplete?name={mark}")).await.expect(200)), [a.clone(), b.clone()]);
    ada.post("/emoji/search", json!({"term": ""})).await.refused(400, BODY);
    assert_eq!(ada.get("/emoji/autocomplete").await.status, 400);
    let mut all = Vec::new();
    for page in 0.. {
        let some = names(ada.get(&format!("/emoji?sort=name&per_page=2&page={page}")).await.expect(200));
        if some.is_empty() {
            break;
        }
        assert!(some.len() <= 2);
        all.extend(some);
    }
    // Other tests make some meanwhile, so a page may repeat one; ours are there, in order.
    let ours: Vec<&String> = all.iter().filter(|name| name.contains(&mark)).collect();
    assert!(ours.windows(2).all(|pair| pair[0] <= pair[1]) && ours.len() >= 3, "{ours:?}");
    assert_eq!(ada.get("/emoji?sort=latest").await.status, 400);
    cluster.anonymous(0).get("/emoji").await.refused(401, SESSION);
    cluster.anonymous(0).post("/emoji/search", json!({"term": "x"})).await.refused(401, SESSION);
    cluster.anonymous(0).get("/emoji/autocomplete?name=x").await.refused(401, SESSION);
}

#[tokio::test]
async fn deleting_frees_the_name_and_takes_its_reactions() {
    let s = Scene::new().await;
    let name = unique("gone");
    let emoji = create(&s.bob, &name, png(5, 5)).await;
    let path = format!("/emoji/{}", id(&emoji));
    let message = s.alice_posts(json!({"message": "m"})).await;
    let both = s.alice_posts(json!({"message": "two"})).await;
    let react = async |post: &Value, name: &str| {
        let body = json!({"user_id": s.bob.id, "post_id": post["id"], "emoji_name": name});
        s.bob.post("/reactions", body).await.expect(200);
    };
    react(&message, &name).await;
    react(&both, &name).await;
    react(&both, "smile").await;
    let refused = "api.emoji.delete.permissions.app_error";
    s.alice.delete(&path).await.refused(401, refused);
    s.cluster.anonymous(0).delete(&path).await.refused(401, SESSION);
    assert_eq!(s.bob.on(1).delete(&path).await.expect(200), json!({"status": "OK"}));
    let read = async |post: &Value| s.alice.get(&format!("/posts/{}", id(post))).await.expect(200);
    assert_eq!(read(&message).await.get("has_reactions"), None);
    assert_eq!(read(&both).await["has_reactions"], true);
    let left = s.alice.get(&format!("/posts/{}/reactions", id(&both))).await.expect(200);
    assert_eq!((left.as_array().map(Vec::len), &left[0]["emoji_name"]), (Some(1), &json!("smile")));
    let missing = "store.sql_emoji.get.app_error";
    s.bob.get(&path).await.refused(404, missing);
    s.bob.get(&format!("{path}/image")).await.refused(404, missing);
    s.bob.delete(&path).await.refused(404, missing);
    s.bob.get(&format!("/emoji/name/{name}")).await.refused(404, "store.sql_emoji.get_by_name.app_error");
    s.bob.get("/emoji/name/smile").await.refused(404, "store.sql_emoji.get_by_name.app_error");
    s.bob.get("/emoji/short").await.refused(400, "api.context.invalid_url_param.app_error");
    let again = create(&s.alice, &name, png(6, 6)).await;
    assert_ne!(again["id"], emoji["id"]);
    s.cluster.admin().await.delete(&format!("/emoji/{}", id(&again))).await.expect(200);
}

#[tokio::test]
async fn a_server_may_have_none_or_restrict_who_makes_them() {
    let off = Cluster::start(Options::default().env("MM_SERVICESETTINGS_ENABLECUSTOMEMOJI", "false")).await;
    let admin = off.admin().await;
    let unknown = format!("/emoji/{}", "y".repeat(26));
    let disabled = "api.emoji.disabled.app_error";
    for path in ["/emoji", "/emoji/autocomplete?name=x", "/emoji/name/x", &unknown, &format!("{unknown}/image")] {
        admin.get(path).await.refused(501, disabled);
    }
    post(&admin, form(&json!({}), png(5, 5))).await.refused(501, disabled);
    admin.post("/emoji/search", json!({"term": "x"})).await.refused(501, disabled);
    admin.delete(&unknown).await.refused(501, disabled);

    let strict = Cluster::start(Options::default().env("MM_SERVICESETTINGS_RESTRICTCUSTOMEMOJICREATION", "admin")).await;
    let (owner, member) = (strict.person("owner").await, strict.person("member").await);
    let team = strict.team(&owner).await;
    strict.join_team(&member, &team).await;
    let refused = "api.emoji.create.permissions.app_error";
    post(&member, form(&json!({"name": unique("members"), "creator_id": member.id}), png(5, 5))).await.refused(401, refused);
    create(&owner, &unique("owners"), png(5, 5)).await;
    create(&strict.admin().await, &unique("admins"), png(5, 5)).await;
}
