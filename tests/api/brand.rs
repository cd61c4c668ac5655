//! The picture of the log-in page.

use http::Method;
use image::ImageFormat;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use testkit::{Answer, Client, Cluster, Options, pictures};

async fn set(client: &Client, field: &str, content: impl Into<Vec<u8>>) -> Answer {
    let form = Form::new().part(field.to_owned(), Part::bytes(content.into()).file_name("brand.png"));
    client.send(client.request(Method::POST, "/brand/image").multipart(form)).await
}

#[tokio::test]
async fn anyone_sees_what_administrators_set() {
    let cluster = Cluster::start(Options::default()).await;
    let (person, admin) = (cluster.person("person").await, cluster.admin().await);
    let anonymous = cluster.anonymous(1);
    let none = anonymous.get("/brand/image").await;
    assert_eq!((none.status, none.bytes.len()), (404, 0));

    set(&anonymous, "image", pictures::png(9, 9)).await.refused(401, "api.context.session_expired.app_error");
    set(&person, "image", pictures::png(9, 9)).await.refused(403, "api.context.permissions.app_error");
    for who in [&person, &admin] {
        set(who, "picture", pictures::png(9, 9)).await.refused(400, "api.admin.upload_brand_image.no_file.app_error");
        let raw = who.raw(Method::POST, "/brand/image", "image/png", pictures::png(9, 9)).await;
        raw.refused(400, "api.admin.upload_brand_image.parse.app_error");
    }
    set(&admin, "image", "no picture").await.refused(400, "brand.save_brand_image.decode_config.app_error");
    assert_eq!(anonymous.get("/brand/image").await.status, 404);

    assert_eq!(set(&admin, "image", pictures::picture(300, 120, ImageFormat::Jpeg)).await.expect(201), json!({"status": "OK"}));
    let read = anonymous.get("/brand/image").await;
    assert_eq!((read.status, read.header("content-type")), (200, Some("image/png")));
    assert_eq!(pictures::measure(&read.bytes), (ImageFormat::Png, 300, 120));
}
