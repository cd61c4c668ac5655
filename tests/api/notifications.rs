//! Mails and pushes about posts: to whom, when, and what they say.

use crate::post_office::{PASSWORD, SITE_URL, mailing_to, rows};
use serde_json::{Value, json};
use testkit::{Client, Cluster, Options, Person, PushProxy, Smtp, eventually, unique};
use tokio::sync::OnceCell;

struct Scene {
    cluster: Cluster,
    smtp: Smtp,
    proxy: PushProxy,
}

impl Scene {
    async fn shared() -> &'static Scene {
        static SHARED: OnceCell<Scene> = OnceCell::const_new();
        SHARED
            .get_or_init(|| async {
                let (smtp, proxy) = (Smtp::start(), PushProxy::start());
                let cluster = Cluster::start(with_pushes(mailing_to(&smtp), &proxy)).await;
                Scene { cluster, smtp, proxy }
            })
            .await
    }

    /// Two members of a channel of a new team; the second has signed in on a device.
    async fn pair(&self) -> (Person, Person, Value, Value, String) {
        let (ann, bob) = (self.cluster.person("ann").await, self.cluster.person("bob").await);
        let team = self.cluster.team(&ann).await;
        let channel = self.cluster.channel(&ann, team["id"].as_str().unwrap()).await;
        self.cluster.join_team(&bob, &team).await;
        self.cluster.join_channel(&bob, channel["id"].as_str().unwrap()).await;
        let device = unique("device");
        sign_in_on(&self.cluster, &bob, &format!("apple:{device}")).await;
        self.smtp.expect(&bob.email, "You joined").await;
        self.settled().await;
        (ann, bob, team, channel, device)
    }

    /// Everything said so far is mailed and pushed.
    async fn settled(&self) {
        settled(&self.cluster).await;
    }
}

fn with_pushes(options: Options, proxy: &PushProxy) -> Options {
    options.env("MM_EMAILSETTINGS_SENDPUSHNOTIFICATIONS", "true").env("MM_EMAILSETTINGS_PUSHNOTIFICATIONSERVER", &proxy.url)
}

async fn settled(cluster: &Cluster) {
    let under_way = "SELECT 1 FROM posts.calls WHERE kind = 'notify' UNION ALL SELECT 1 FROM jobs.mails WHERE status = 'pending' \
                     UNION ALL SELECT 1 FROM identity.mails UNION ALL SELECT 1 FROM jobs.pushes WHERE next_at IS NOT NULL";
    eventually("all is sent", || async { rows(cluster, under_way).await.is_empty().then_some(()) }).await;
}

async fn sign_in_on(cluster: &Cluster, person: &Person, device_id: &str) -> Client {
    let client = cluster.anonymous(1);
    let body = json!({"login_id": person.username, "password": PASSWORD, "device_id": device_id});
    let answer = client.post("/users/login", body).await;
    let token = answer.header("token").expect("a token").to_owned();
    client.with_token(&token)
}

async fn set_for_channel(person: &Person, channel: &Value, props: Value) {
    let mut body = props;
    body["user_id"] = json!(person.id);
    body["channel_id"] = channel["id"].clone();
    let path = format!("/channels/{}/members/{}/notify_props", channel["id"].as_str().unwrap(), person.id);
    person.put(&path, body).await.expect(200);
}

async fn set(person: &Person, props: Value) {
    let mut all = person.get("/users/me").await.expect(200)["notify_props"].clone();
    all.as_object_mut().unwrap().extend(props.as_object().unwrap().clone());
    person.put("/users/me/patch", json!({"notify_props": all})).await.expect(200);
}

#[tokio::test]
async fn a_mention_is_mailed_and_pushed() {
    let scene = Scene::shared().await;
    let (ann, bob, team, channel, device) = scene.pair().await;
    let post = ann.say(channel["id"].as_str().unwrap(), &format!("hello @{} <b>&\r\nsecond line", bob.username)).await;

    let mail = scene.smtp.expect(&bob.email, "Notification in").await;
    let team_name = team["display_name"].as_str().unwrap();
    assert!(mail.subject().starts_with(&format!("[Zürich & Co] Notification in {team_name} on ")), "{}", mail.subject());
    let link = format!("{SITE_URL}/{}/pl/{}", team["name"].as_str().unwrap(), post["id"].as_str().unwrap());
    assert!(mail.text.contains(&link) && mail.html.contains(&link), "{}", mail.text);
    assert!(mail.text.contains("<b>&") && mail.html.contains("&lt;b&gt;&amp;") && !mail.html.contains("<b>"), "{}", mail.html);
    assert!(mail.text.contains(&format!("{} - Mention in {} ({team_name})", ann.username, channel["display_name"].as_str().unwrap())));

    let push = scene.proxy.expect(&device, |_| true).await;
    let expected = json!({
        "platform": "apple", "device_id": device, "category": "CAN_REPLY", "sound": "", "message": format!("{} mentioned you.", ann.username),
        "badge": 1, "cont_ava": 0, "team_id": team["id"], "channel_id": channel["id"], "post_id": post["id"], "root_id": "",
        "channel_name": channel["display_name"], "type": "message", "sender_id": ann.id, "override_username": "",
        "override_icon_url": "", "from_webhook": "", "server_id": push["server_id"],
    });
    assert_eq!(push, expected);
    assert_eq!(push["server_id"].as_str().map(str::len), Some(26));

    // Nobody is told of what he says himself, or of what does not concern him.
    bob.say(channel["id"].as_str().unwrap(), &format!("it is me, @{}", bob.username)).await;
    ann.say(channel["id"].as_str().unwrap(), "nothing for anybody").await;
    scene.settled().await;
    assert_eq!((scene.smtp.to(&bob.email).len(), scene.proxy.to(&device).len()), (0, 0));
}

#[tokio::test]
async fn direct_messages_are_mailed_and_pushed() {
    let scene = Scene::shared().await;
    let (ann, bob, team, _, device) = scene.pair().await;
    let direct = ann.post("/channels/direct", json!([ann.id, bob.id])).await.expect(201);
    for badge in 1..=2 {
        let post = ann.say(direct["id"].as_str().unwrap(), "just between us").await;
        let mail = scene.smtp.expect(&bob.email, &format!("New Direct Message from {} on ", ann.username)).await;
        assert!(mail.text.contains("just between us"), "{}", mail.text);
        let link = format!("{SITE_URL}/{}/pl/{}", team["name"].as_str().unwrap(), post["id"].as_str().unwrap());
        assert!(mail.text.contains(&link), "{}", mail.text);
        let push = scene.proxy.expect(&device, |_| true).await;
        assert_eq!(push["message"], format!("{} sent you a message.", ann.username), "{push}");
        assert_eq!((&push["badge"], &push["channel_name"], &push["team_id"]), (&json!(badge), &json!(ann.username), &json!("")));
    }
    // A deleted message is not told any more: it waits in posts no longer than jobs takes to fetch it.
    scene.settled().await;
    assert_eq!((scene.smtp.to(&bob.email).len(), scene.proxy.to(&device).len()), (0, 0));
}

#[tokio::test]
async fn what_people_set_is_respected() {
    let scene = Scene::shared().await;
    let (ann, bob, _, channel, device) = scene.pair().await;
    let channel_id = channel["id"].as_str().unwrap();
    let mention = format!("@{}", bob.username);
    // What is set for the channel, what for everywhere, then mails and pushes.
    let channel_default = json!({"email": "default", "push": "default", "mark_unread": "all"});
    let user_default = json!({"email": "true", "push": "mention", "push_status": "away"});
    let cases = [
        (json!({}), json!({}), 1, 1),
        (json!({}), json!({"email": "false"}), 0, 1),
        (json!({"email": "true"}), json!({"email": "false"}), 1, 1),
        (json!({"email": "false"}), json!({}), 0, 1),
        (json!({"push": "none"}), json!({}), 1, 0),
        (json!({}), json!({"push": "none"}), 1, 0),
        (json!({"push": "mention"}), json!({"push": "none"}), 1, 1),
        (json!({"mark_unread": "mention"}), json!({}), 0, 0),
    ];
    for (for_channel, for_user, mails, pushes) in cases {
        let over = |base: &Value, change: &Value| {
            let mut all = base.clone();
            all.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            all
        };
        set_for_channel(&bob, &channel, over(&channel_default, &for_channel)).await;
        set(&bob, over(&user_default, &for_user)).await;
        let before = (scene.smtp.to(&bob.email).len(), scene.proxy.to(&device).len());
        ann.say(channel_id, &mention).await;
        scene.settled().await;
        let after = (scene.smtp.to(&bob.email).len(), scene.proxy.to(&device).len());
        assert_eq!((after.0 - before.0, after.1 - before.1), (mails, pushes), "channel {for_channel}, user {for_user}");
    }
    set_for_channel(&bob, &channel, channel_default).await;
    set(&bob, user_default).await;

    for (status, mails, pushes) in [("dnd", 1, 0), ("away", 1, 1), ("offline", 1, 1), ("online", 0, 0)] {
        bob.put("/users/me/status", json!({"user_id": bob.id, "status": status})).await.expect(200);
        let before = (scene.smtp.to(&bob.email).len(), scene.proxy.to(&device).len());
        ann.say(channel_id, &mention).await;
        scene.settled().await;
        let after = (scene.smtp.to(&bob.email).len(), scene.proxy.to(&device).len());
        assert_eq!((after.0 - before.0, after.1 - before.1), (mails, pushes), "{status}");
    }
}

#[tokio::test]
async fn whoever_listens_gets_a_push_for_every_post() {
    let scene = Scene::shared().await;
    let (ann, bob, _, channel, device) = scene.pair().await;
    let channel_id = channel["id"].as_str().unwrap();
    let pushed = |message: &str| {
        let said = format!("{} {message}", ann.username);
        move |push: &Value| push["message"] == said
    };
    set_for_channel(&bob, &channel, json!({"push": "all"})).await;
    eventually("posts knows that somebody listens", || async {
        ann.say(channel_id, "to nobody").await;
        settled(&scene.cluster).await;
        (!scene.proxy.to(&device).is_empty()).then_some(())
    })
    .await;
    scene.proxy.expect(&device, pushed("posted a message.")).await;
    ann.say(channel_id, "@channel").await;
    scene.proxy.expect(&device, pushed("notified the channel.")).await;
    assert!(scene.smtp.to(&bob.email).iter().all(|mail| !mail.text.contains("to nobody")), "posts are mailed to those they mention");

    // The channel's setting goes before that of the account.
    set(&bob, json!({"push": "all"})).await;
    set_for_channel(&bob, &channel, json!({"push": "mention"})).await;
    ann.say(channel_id, "mentions only, from now on").await;
    scene.settled().await;
    let before = scene.proxy.to(&device).len();
    ann.say(channel_id, "mentions only").await;
    scene.settled().await;
    assert_eq!(scene.proxy.to(&device).len(), before);
}

#[tokio::test]
async fn a_device_that_is_gone_gets_no_more() {
    let scene = Scene::shared().await;
    let (ann, bob, _, channel, device) = scene.pair().await;
    let other = unique("device");
    let session = sign_in_on(&scene.cluster, &bob, &format!("android:{other}")).await;
    scene.proxy.answer(&device, "REMOVE");
    scene.proxy.answer(&other, "FAIL");
    let mention = format!("@{}", bob.username);
    ann.say(channel["id"].as_str().unwrap(), &mention).await;
    scene.proxy.expect(&device, |push| push["platform"] == "apple").await;
    scene.proxy.expect(&other, |push| push["platform"] == "android").await;
    eventually("the device is forgotten", || async {
        let sessions = session.get("/users/me/sessions").await.expect(200);
        let devices: Vec<&str> = sessions.as_array()?.iter().filter_map(|s| s["device_id"].as_str()).filter(|d| !d.is_empty()).collect();
        (devices == [format!("android:{other}")]).then_some(())
    })
    .await;
    ann.say(channel["id"].as_str().unwrap(), &mention).await;
    scene.proxy.expect(&other, |_| true).await;
    scene.settled().await;
    assert_eq!(scene.proxy.to(&device).len(), 0);
}

/// `EnableEmailBatching`, with a cluster of its own.
#[tokio::test]
async fn notices_are_collected_into_one_mail() {
    let smtp = Smtp::start();
    let options = mailing_to(&smtp).env("MM_EMAILSETTINGS_ENABLEEMAILBATCHING", "true");
    let cluster = Cluster::start(options).await;
    let (ann, bob) = (cluster.person("ann").await, cluster.person("bob").await);
    let team = cluster.team(&ann).await;
    cluster.join_team(&bob, &team).await;
    let mut channels = Vec::new();
    for _ in 0..2 {
        let channel = cluster.channel(&ann, team["id"].as_str().unwrap()).await;
        cluster.join_channel(&bob, channel["id"].as_str().unwrap()).await;
        channels.push(channel["id"].as_str().unwrap().to_owned());
    }
    let collected = async |n: usize| {
        eventually("the notices are collected", || async {
            (rows(&cluster, "SELECT 1 FROM jobs.mail_batches").await.len() == n).then_some(())
        })
        .await;
    };
    let make_due = async || {
        sqlx::query("UPDATE jobs.mail_batches SET due_at = 0").execute(&mut cluster.sql().await).await.expect("SQL");
    };
    for text in ["first", "second"] {
        ann.say(&channels[0], &format!("{text} @{}", bob.username)).await;
    }
    collected(2).await;
    make_due().await;
    let mail = smtp.expect(&bob.email, "New Notifications for ").await;
    let (first, second) = (mail.text.find("first @"), mail.text.find("second @"));
    assert!(first.is_some() && first < second && mail.text.contains("You have 2 new notifications."), "{}", mail.text);

    // What was seen meanwhile is left out.
    ann.say(&channels[0], &format!("seen @{}", bob.username)).await;
    ann.say(&channels[1], &format!("unseen @{}", bob.username)).await;
    collected(2).await;
    bob.post("/channels/members/me/view", json!({"channel_id": channels[0]})).await.expect(200);
    make_due().await;
    let mail = smtp.expect(&bob.email, "New Notification for ").await;
    assert!(mail.text.contains("unseen @") && !mail.text.contains("\nseen @"), "{}", mail.text);

    // Who wants mails at once gets them at once.
    bob.put("/users/me/status", json!({"user_id": bob.id, "status": "offline"})).await.expect(200);
    let preference = json!([{"user_id": bob.id, "category": "notifications", "name": "email_interval", "value": "30"}]);
    bob.put("/users/me/preferences", preference).await.expect(200);
    ann.say(&channels[1], &format!("now @{}", bob.username)).await;
    let mail = smtp.expect(&bob.email, "Notification in").await;
    assert!(mail.text.contains("now @"), "{}", mail.text);
    settled(&cluster).await;
    assert!(rows(&cluster, "SELECT 1 FROM jobs.mail_batches").await.is_empty());
    let about_posts = smtp.to(&bob.email).into_iter().filter(|mail| mail.subject().contains("Notification"));
    assert_eq!(about_posts.count(), 0, "none twice");
}

/// Posts are told of though nobody could at the time; of what was deleted meanwhile there is nothing to tell.
#[tokio::test]
async fn notifications_survive_the_death_of_jobs() {
    let (smtp, proxy) = (Smtp::start(), PushProxy::start());
    let options = with_pushes(mailing_to(&smtp), &proxy).env("MM_EMAILSETTINGS_EMAILNOTIFICATIONCONTENTSTYPE", "generic");
    let cluster = Cluster::start(Options { split: true, ..options }).await;
    let (ann, bob) = (cluster.person("ann").await, cluster.person("bob").await);
    let device = unique("device");
    sign_in_on(&cluster, &bob, &format!("apple:{device}")).await;
    let direct = ann.post("/channels/direct", json!([ann.id, bob.id])).await.expect(201);
    settled(&cluster).await;
    cluster.kill("jobs");
    let deleted = ann.say(direct["id"].as_str().unwrap(), "a mistake").await;
    ann.delete(&format!("/posts/{}", deleted["id"].as_str().unwrap())).await.expect(200);
    let post = ann.say(direct["id"].as_str().unwrap(), "are you there?").await;
    cluster.restart("jobs");
    let mail = smtp.expect(&bob.email, "New Direct Message").await;
    assert!(!mail.text.contains("are you there?") && !mail.html.contains("are you there?"), "generic contents: {}", mail.text);
    proxy.expect(&device, |push| push["post_id"] == post["id"]).await;
    settled(&cluster).await;
    let direct_mails = smtp.to(&bob.email).into_iter().filter(|mail| mail.subject().contains("Direct Message"));
    assert_eq!((direct_mails.count(), proxy.to(&device).len()), (0, 0), "once, and nothing of the deleted one");
}
