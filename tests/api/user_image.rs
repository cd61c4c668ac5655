//! Profile pictures.

use http::Method;
use image::ImageFormat;
use reqwest::multipart::{Form, Part};
use testkit::{Answer, Client, Cluster, eventually, pictures};

async fn set(client: &Client, user_id: &str, field: &str, content: impl Into<Vec<u8>>) -> Answer {
    let form = Form::new().text("other", "field").part(field.to_owned(), Part::bytes(content.into()).file_name("me.png"));
    client.send(client.request(Method::POST, &format!("/users/{user_id}/image")).multipart(form)).await
}

#[tokio::test]
async fn everybody_has_a_picture() {
    let cluster = Cluster::shared().await;
    let person = cluster.person("anna").await;
    let other = cluster.person("other").await;
    let path = format!("/users/{}/image", person.id);
    let first = other.get(&path).await;
    assert_eq!((first.status, first.header("content-type")), (200, Some("image/png")));
    assert_eq!((first.header("cache-control"), first.header("etag")), (Some("max-age=300, public"), None));
    assert_eq!(pictures::measure(&first.bytes), (ImageFormat::Png, 128, 128));
    let second = other.on(1).get(&path).await;
    assert_eq!((second.header("cache-control"), second.header("etag")), (Some("max-age=86400, public"), Some("0")));
    assert_eq!(first.bytes, second.bytes);
    let again = other.send(other.request(Method::GET, &path).header("if-none-match", "0")).await;
    assert_eq!((again.status, again.header("etag"), again.bytes.len()), (304, Some("0"), 0));
    assert_eq!(person.get("/users/me/image").await.bytes, first.bytes);

    let anonymous = cluster.anonymous(0);
    anonymous.get(&path).await.refused(401, "api.context.session_expired.app_error");
    let cookie = format!("MMAUTHTOKEN={}", person.token());
    assert_eq!(anonymous.send(anonymous.request(Method::GET, &path).header("cookie", cookie)).await.status, 200);
    assert_eq!(other.get(&format!("/users/{}/image", "y".repeat(26))).await.status, 404);
    other.get("/users/short/image").await.refused(400, "api.context.invalid_url_param.app_error");
}

#[tokio::test]
async fn setting_ones_picture() {
    let cluster = Cluster::shared().await;
    let person = cluster.person("bert").await;
    let watcher = cluster.person("watcher").await;
    let mut socket = watcher.socket(1).await;
    let path = format!("/users/{}/image", person.id);
    let generated = person.get(&path).await.bytes;
    assert_eq!(
        set(&person, "me", "image", pictures::picture(300, 200, ImageFormat::Jpeg)).await.expect(200),
        serde_json::json!({"status": "OK"})
    );
    let id = person.id.clone();
    let event = socket.expect_where("user_updated", move |event| event["data"]["user"]["id"] == id.as_str()).await;
    let updated = event["data"]["user"]["last_picture_update"].as_i64().expect("last_picture_update");
    assert!(updated > 0 && event["data"]["user"].get("notify_props").is_none());

    let read = eventually("the new picture on the other gateway", || async {
        let read = watcher.on(1).get(&path).await;
        (read.header("etag") != Some("0")).then_some(read)
    })
    .await;
    assert_eq!(read.header("etag"), Some(updated.to_string().as_str()));
    assert_eq!(read.header("cache-control"), Some("max-age=86400, public"));
    assert_eq!(pictures::measure(&read.bytes), (ImageFormat::Png, 128, 128));
    assert_ne!(read.bytes, generated);
    assert_eq!(person.get("/users/me").await.expect(200)["last_picture_update"], updated);
}

#[tokio::test]
async fn who_may_set_a_picture() {
    let cluster = Cluster::shared().await;
    let (person, other, admin) = (cluster.person("carl").await, cluster.person("other").await, cluster.admin().await);
    let picture = pictures::png(10, 10);
    let anonymous = cluster.anonymous(0);
    set(&anonymous, &person.id, "image", picture.clone()).await.refused(401, "api.context.session_expired.app_error");
    set(&other, &person.id, "image", picture.clone()).await.refused(403, "api.context.permissions.app_error");
    assert_eq!(other.get(&format!("/users/{}/image", person.id)).await.header("etag"), None, "still the generated one");
    set(&admin, &person.id, "image", picture.clone()).await.expect(200);
    assert_eq!(set(&admin, &"y".repeat(26), "image", picture).await.status, 404);
}

#[tokio::test]
async fn what_is_no_picture_is_refused() {
    let cluster = Cluster::shared().await;
    let person = cluster.person("dora").await;
    let decode = "api.user.upload_profile_user.decode_config.app_error";
    for content in [&b""[..], b"no picture", b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0", b"<svg/>"]
    {
        set(&person, "me", "image", content).await.refused(400, decode);
    }
    let bomb = set(&person, "me", "image", pictures::bomb(60_000, 60_000)).await;
    bomb.refused(400, "api.user.upload_profile_user.too_large.app_error");
    set(&person, "me", "picture", pictures::png(5, 5)).await.refused(400, "api.user.upload_profile_user.no_file.app_error");
    let parse = "api.user.upload_profile_user.parse.app_error";
    person.raw(Method::POST, "/users/me/image", "image/png", pictures::png(5, 5)).await.refused(400, parse);
    person.raw(Method::POST, "/users/me/image", "multipart/form-data; boundary=b", "broken").await.refused(400, parse);
    assert_eq!(person.get("/users/me").await.expect(200).get("last_picture_update"), None);
}
