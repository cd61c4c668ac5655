//! Buttons of messages.

use crate::scene::{about, id, post_in, post_of};
use serde_json::{Value, json};
use testkit::{
    Cluster, Options, Person,
    website::{Page, Website},
};
use tokio::sync::OnceCell;

const NO_ACTION: &str = "api.post.do_action.action_id.app_error";
const FAILED: &str = "api.post.do_action.action_integration.app_error";

/// Integrations on this machine may be called by the name `localhost`.
async fn cluster() -> &'static Cluster {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    let options = Options::default().env("MM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS", "localhost");
    CLUSTER.get_or_init(|| Cluster::start(options)).await
}

struct Room {
    alice: Person,
    bob: Person,
    carol: Person,
    channel: String,
    site: Website,
}

impl Room {
    async fn new() -> Self {
        let cluster = cluster().await;
        let (alice, bob, carol) = (cluster.person("alice").await, cluster.person("bob").await, cluster.person("carol").await);
        let team = cluster.team(&alice).await;
        cluster.join_team(&bob, &team).await;
        cluster.join_team(&carol, &team).await;
        let channel = id(&cluster.channel(&alice, &id(&team)).await);
        cluster.join_channel(&bob, &channel).await;
        Self { alice, bob, carol, channel, site: Website::start().await }
    }

    fn local(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.site.port)
    }

    /// A post of alice's with one button that calls this address.
    async fn button(&self, url: &str) -> Value {
        let integration = json!({"url": url, "context": {"secret": "s3cret", "n": [1]}});
        let props = json!({"attachments": [{"text": "choose", "actions": [{"name": "Go", "integration": integration}, {"id": "bare", "name": "Bare"}]}]});
        self.alice.post("/posts", post_in(&self.channel, json!({"message": "press", "props": props}))).await.expect(201)
    }
}

fn path(post: &Value) -> String {
    let action = post["props"]["attachments"][0]["actions"][0]["id"].as_str().expect("an id");
    format!("/posts/{}/actions/{action}", id(post))
}

#[tokio::test]
async fn a_button_asks_its_integration_and_the_answer_changes_the_post() {
    let r = Room::new().await;
    let update = json!({"message": "done #now", "props": {"override_username": "fake", "k": 1}, "user_id": r.bob.id, "channel_id": "x"});
    r.site.set("/go", Page::json(&json!({"update": update})));
    let post = r.button(&r.local("/go")).await;
    let (mut author, mut member) = (r.alice.socket(0).await, r.bob.socket(1).await);
    assert_eq!(r.bob.on(1).post(&path(&post), json!({})).await.expect(200), json!({"status": "OK"}));
    let asked = &r.site.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/go"));
    assert_eq!(asked.headers["content-type"], "application/json");
    let sent: Value = serde_json::from_slice(&asked.body).expect("JSON");
    assert_eq!(sent, json!({"user_id": r.bob.id, "context": {"secret": "s3cret", "n": [1]}}));
    for socket in [&mut author, &mut member] {
        let edited = post_of(&about(socket, "post_edited", &id(&post)).await);
        assert_eq!(
            (&edited["message"], &edited["hashtags"], &edited["user_id"]),
            (&json!("done #now"), &json!("#now"), &json!(r.alice.id))
        );
        assert_eq!(edited["props"], json!({"k": 1, "from_webhook": "true"}));
    }
    let read = r.alice.get(&format!("/posts/{}", id(&post))).await.expect(200);
    assert_eq!((&read["message"], &read["channel_id"]), (&json!("done #now"), &json!(r.channel)));
    // The buttons are gone with the props that were not sent again.
    r.bob.post(&path(&post), json!({})).await.refused(404, NO_ACTION);
}

#[tokio::test]
async fn an_ephemeral_text_is_told_to_who_pressed() {
    let r = Room::new().await;
    r.site.set("/tell", Page::json(&json!({"ephemeral_text": "see <http://x.example|this>"})));
    let post = r.button(&r.local("/tell")).await;
    let (mut author, mut member) = (r.alice.socket(0).await, r.bob.socket(1).await);
    r.bob.post(&path(&post), json!({})).await.expect(200);
    let event = member.expect("ephemeral_message").await;
    assert_eq!((&event["broadcast"]["user_id"], &event["broadcast"]["channel_id"]), (&json!(r.bob.id), &json!(r.channel)));
    let told = post_of(&event);
    assert_eq!((&told["message"], &told["user_id"]), (&json!("see [this](http://x.example)"), &json!(r.alice.id)));
    assert_eq!((&told["root_id"], &told["type"]), (&post["id"], &json!("system_ephemeral")));
    assert_eq!(told["props"], json!({"from_webhook": "true"}));
    r.alice.post("/posts", post_in(&r.channel, json!({"message": "marker"}))).await.expect(201);
    let heard = author.until("posted", |_| true).await;
    assert!(heard.iter().all(|e| e["event"] != "ephemeral_message" && e["event"] != "post_edited"), "{heard:?}");
}

#[tokio::test]
async fn integrations_are_never_shown() {
    let r = Room::new().await;
    let mut socket = r.bob.socket(1).await;
    let root = r.button(&r.local("/go")).await;
    let escaped = r#"{"\u0061ttachments":[{"actions":[{"id":"x","\u0069ntegration":{"url":"http://localhost/s3cret"}}]}]}"#;
    let body = format!(r#"{{"channel_id":"{}","message":"m","root_id":"{}","props":{escaped}}}"#, r.channel, id(&root));
    let reply = r.alice.raw(http::Method::POST, "/posts", "application/json", body).await.expect(201);
    r.alice.post(&format!("/posts/{}/pin", id(&root)), json!({})).await.expect(200);
    r.alice
        .put("/users/me/preferences", json!([{"user_id": r.alice.id, "category": "flagged_post", "name": root["id"], "value": "true"}]))
        .await
        .expect(200);
    let mut texts = vec![root.to_string(), reply.to_string()];
    for path in [
        format!("/posts/{}", id(&root)),
        format!("/posts/{}", id(&reply)),
        format!("/posts/{}/thread", id(&root)),
        format!("/channels/{}/posts", r.channel),
        format!("/channels/{}/posts?since=1", r.channel),
        format!("/channels/{}/posts?before={}", r.channel, id(&reply)),
        format!("/channels/{}/posts?after={}", r.channel, id(&root)),
        format!("/channels/{}/pinned", r.channel),
        "/users/me/posts/flagged".to_owned(),
    ] {
        texts.push(r.alice.get(&path).await.expect(200).to_string());
    }
    let team = r.alice.get(&format!("/channels/{}", r.channel)).await.expect(200)["team_id"].as_str().unwrap().to_owned();
    texts.push(r.alice.post(&format!("/teams/{team}/posts/search"), json!({"terms": "press"})).await.expect(200).to_string());
    texts.push(r.alice.put(&format!("/posts/{}/patch", id(&root)), json!({"message": "patched"})).await.expect(200).to_string());
    r.bob.post("/reactions", json!({"user_id": r.bob.id, "post_id": root["id"], "emoji_name": "x"})).await.expect(200);
    r.alice.delete(&format!("/posts/{}", id(&root))).await.expect(200);
    let heard = socket.until("post_deleted", |_| true).await;
    texts.extend(heard.iter().map(Value::to_string));
    assert!(heard.iter().any(|e| e["event"] == "posted") && heard.iter().any(|e| e["event"] == "post_edited"));
    for text in texts {
        assert!(!text.contains("s3cret") && !text.contains("integration"), "{text}");
    }
}

#[tokio::test]
async fn presses_that_fail() {
    let r = Room::new().await;
    r.site.set("/refuses", Page::json(&json!({})).status(403));
    r.site.set("/created", Page::json(&json!({})).status(201));
    r.site.set("/text", Page::html("hello"));
    r.site.set("/empty", Page::html(""));
    r.site.set("/long", Page::json(&json!({"update": {"message": "x".repeat(17_000)}})));
    r.site.set("/lure", Page::redirect(&r.site.url("/inside")));
    r.site.set("/inside", Page::json(&json!({})));
    r.site.set("/fine", Page::json(&json!({})));
    for target in ["/refuses", "/created", "/text", "/empty", "/long", "/lure", "/unknown"] {
        let post = r.button(&r.local(target)).await;
        r.bob.post(&path(&post), json!({})).await.refused(400, FAILED);
    }
    for url in [r.site.url("/inside"), "http://localhost:1/".into(), "nonsense".into(), String::new()] {
        let post = r.button(&url).await;
        let answer = r.bob.post(&path(&post), json!({})).await;
        assert_eq!(answer.status, 400, "{url}: {}", answer.body);
    }
    assert!(r.site.asked().iter().all(|asked| asked.path != "/inside"), "an address that is not listed was asked");

    let post = r.button(&r.local("/fine")).await;
    r.bob.post(&path(&post), json!({})).await.expect(200);
    let before = r.site.asked().len();
    r.carol.post(&path(&post), json!({})).await.refused(403, "api.context.permissions.app_error");
    cluster().await.anonymous(0).post(&path(&post), json!({})).await.refused(401, "api.context.session_expired.app_error");
    for action in ["bare", "y8s7f6ykutbnirjtn3mznczmia"] {
        r.bob.post(&format!("/posts/{}/actions/{action}", id(&post)), json!({})).await.refused(404, NO_ACTION);
    }
    r.alice.delete(&format!("/posts/{}", id(&post))).await.expect(200);
    r.bob.post(&path(&post), json!({})).await.refused(404, "store.sql_post.get.app_error");
    assert_eq!(r.site.asked().len(), before);
}
