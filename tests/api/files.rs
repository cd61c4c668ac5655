//! Uploading files.

use http::Method;
use image::ImageFormat;
use reqwest::multipart::Form;
use serde_json::json;
use testkit::{
    Cluster,
    files::{file, form, post_form, scene, text, upload, upload_id},
    keys, pictures,
};

const PERMISSIONS: &str = "api.context.permissions.app_error";

#[tokio::test]
async fn a_form_is_stored_and_read_through_the_other_gateway() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    let content = pictures::png(640, 480);
    let form = form(&scene.channel_id, "a.png", content.clone()).text("client_ids", "client-1");
    let body = post_form(&scene.owner, form).await.expect(201);
    let golden = testkit::golden("file_upload");
    assert_eq!((keys(&body), &body["client_ids"]), (keys(&golden), &golden["client_ids"]));
    let info = body["file_infos"][0].clone();
    assert_eq!(keys(&info), keys(&golden["file_infos"][0]), "no post_id while unattached");
    for key in ["name", "extension", "mime_type", "width", "height", "has_preview_image", "delete_at"] {
        assert_eq!(info[key], golden["file_infos"][0][key], "{key}");
    }
    assert_eq!((info["user_id"].as_str(), info["size"].as_u64()), (Some(scene.owner.id.as_str()), Some(content.len() as u64)));
    assert_eq!(info["create_at"], info["update_at"]);

    let id = text(&info, "id");
    let there = scene.owner.on(1);
    let read = there.get(&format!("/files/{id}")).await;
    assert_eq!((read.status, &read.bytes[..] == content.as_slice()), (200, true));
    let length = content.len().to_string();
    for (header, value) in [
        ("content-type", "image/png"),
        ("content-length", length.as_str()),
        ("cache-control", "max-age=2592000, private"),
        ("content-disposition", "inline;filename=\"a.png\"; filename*=UTF-8''a.png"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("content-security-policy", "Frame-ancestors 'none'"),
    ] {
        assert_eq!(read.header(header), Some(value), "{header}");
    }
    assert_eq!(read.header("etag"), None);

    let answer = there.get(&format!("/files/{id}/info")).await;
    assert_eq!(answer.header("cache-control"), Some("max-age=2592000, public"));
    assert_eq!(answer.expect(200), info);
}

#[tokio::test]
async fn any_other_body_is_one_file() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    let path = format!("/files?channel_id={}&filename=notes%20%C3%A4.txt", scene.channel_id);
    for kind in ["application/octet-stream", "application/json", "text/plain", ""] {
        let request = scene.owner.request(Method::POST, &path).body("{not json");
        let request = if kind.is_empty() { request } else { request.header("content-type", kind) };
        let body = scene.owner.send(request).await.expect(201);
        assert_eq!(body["client_ids"], json!([]), "{kind}");
        let info = &body["file_infos"][0];
        assert_eq!((info["name"].as_str(), info["size"].as_u64()), (Some("notes ä.txt"), Some(9)), "{kind}");
        assert_eq!(info["mime_type"], "text/plain; charset=utf-8");
        assert_eq!(keys(info), ["create_at", "delete_at", "extension", "id", "mime_type", "name", "size", "update_at", "user_id"]);
        let read = scene.owner.get(&format!("/files/{}", text(info, "id"))).await;
        assert_eq!(&read.bytes[..], b"{not json");
    }
    let empty = scene.owner.raw(Method::POST, &path, "application/octet-stream", "").await.expect(201);
    assert_eq!(empty["file_infos"][0]["size"], 0);
}

#[tokio::test]
async fn fields_come_in_any_order_and_files_keep_theirs() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    // The web client sends the file before the channel.
    let mut form = Form::new();
    for name in ["one.txt", "two.txt", "three.txt"] {
        form = form.text("client_ids", format!("id of {name}")).part("files", file(name, name));
    }
    let body = post_form(&scene.owner, form.text("channel_id", scene.channel_id.clone())).await.expect(201);
    let names: Vec<_> = body["file_infos"].as_array().unwrap().iter().map(|info| text(info, "name")).collect();
    assert_eq!(names, ["one.txt", "two.txt", "three.txt"]);
    assert_eq!(body["client_ids"], json!(["id of one.txt", "id of two.txt", "id of three.txt"]));
    let none = post_form(&scene.owner, Form::new().text("channel_id", scene.channel_id.clone())).await.expect(201);
    assert_eq!(none, json!({"file_infos": [], "client_ids": []}));
    // A part without a file name is no file.
    let value = Form::new().text("channel_id", scene.channel_id.clone()).text("files", "just a value");
    assert_eq!(post_form(&scene.owner, value).await.expect(201)["file_infos"], json!([]));
}

#[tokio::test]
async fn a_refused_form_leaves_no_file_behind() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    let two = || Form::new().part("files", file("a.txt", "a")).part("files", file("b.txt", "b"));
    let mismatch = "api.file.upload_file.incorrect_number_of_files.app_error";
    let channel = scene.channel_id.clone();
    post_form(&scene.owner, two().text("channel_id", channel.clone()).text("client_ids", "1")).await.refused(400, mismatch);
    post_form(&scene.owner, Form::new().text("channel_id", channel.clone()).text("client_ids", "1")).await.refused(400, mismatch);
    post_form(&scene.owner, two()).await.refused(400, "api.context.invalid_body_param.app_error");
    // The channel is known only after the files were sent.
    post_form(&scene.stranger, two().text("channel_id", channel.clone())).await.refused(403, PERMISSIONS);
    // The permission is checked before the picture is.
    let bomb = || Form::new().part("files", file("ok.txt", "x")).part("files", file("bomb.png", pictures::bomb(60_000, 60_000)));
    post_form(&scene.stranger, bomb().text("channel_id", channel.clone())).await.refused(403, PERMISSIONS);
    post_form(&scene.owner, bomb().text("channel_id", channel)).await.refused(400, "api.file.upload_file.large_image.app_error");
    let mut db = cluster.sql().await;
    let left: (i64,) = sqlx::query_as("SELECT count(*) FROM files.files WHERE user_id = ANY($1)")
        .bind(vec![scene.owner.id.clone(), scene.stranger.id.clone()])
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert_eq!(left.0, 0);
}

#[tokio::test]
async fn who_may_upload() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    let admin = cluster.admin().await;
    let anonymous = cluster.anonymous(0);
    post_form(&anonymous, form(&scene.channel_id, "a.txt", "a")).await.refused(401, "api.context.session_expired.app_error");
    for (who, status) in [(&scene.member, 201), (&admin, 201), (&scene.teammate, 403), (&scene.stranger, 403)] {
        assert_eq!(post_form(who, form(&scene.channel_id, "a.txt", "a")).await.status, status);
        let path = format!("/files?channel_id={}&filename=a.txt", scene.channel_id);
        assert_eq!(who.raw(Method::POST, &path, "text/plain", "a").await.status, status);
    }
    for channel_id in ["y".repeat(26), "short".to_owned()] {
        for who in [&scene.owner, &admin] {
            post_form(who, form(&channel_id, "a.txt", "a")).await.refused(403, PERMISSIONS);
            let path = format!("/files?channel_id={channel_id}&filename=a.txt");
            who.raw(Method::POST, &path, "text/plain", "a").await.refused(403, PERMISSIONS);
        }
    }
    scene.owner.delete(&format!("/channels/{}", scene.channel_id)).await.expect(200);
    upload(&scene.member, &scene.channel_id, "late.txt", "an archived channel still takes uploads").await;
}

#[tokio::test]
async fn bad_requests() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    for path in ["/files".to_owned(), "/files?filename=a.txt".to_owned(), format!("/files?channel_id={}", scene.channel_id)] {
        let answer = scene.owner.raw(Method::POST, &path, "text/plain", "a").await;
        answer.refused(400, "api.context.invalid_url_param.app_error");
    }
    let parse = "api.file.upload_file.read_form_value.app_error";
    for (kind, body) in [
        ("multipart/form-data", "no boundary"),
        ("multipart/form-data; boundary=b", ""),
        ("multipart/form-data; boundary=b", "not a form"),
        ("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a\"\r\n\r\nbroken off"),
    ] {
        scene.owner.raw(Method::POST, "/files", kind, body).await.refused(400, parse);
    }
    let long = format!("/files?channel_id={}&filename={}", scene.channel_id, "a".repeat(257));
    scene.owner.raw(Method::POST, &long, "text/plain", "a").await.refused(400, "api.context.invalid_param.app_error");
    // The channel of a form is not taken from the query.
    let form = Form::new().part("files", file("a.txt", "a"));
    let request = scene.owner.request(Method::POST, &format!("/files?channel_id={}", scene.channel_id)).multipart(form);
    scene.owner.send(request).await.refused(400, "api.context.invalid_body_param.app_error");
    for route in ["", "/thumbnail", "/preview", "/info", "/link"] {
        scene.owner.get(&format!("/files/{}{route}", "y".repeat(26))).await.refused(404, "store.sql_file_info.get.app_error");
        scene.owner.get(&format!("/files/short{route}")).await.refused(400, "api.context.invalid_url_param.app_error");
        cluster.anonymous(1).get(&format!("/files/{}{route}", "y".repeat(26))).await.refused(401, "api.context.session_expired.app_error");
    }
}

#[tokio::test]
async fn hostile_names() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    for (sent, name, disposition) in [
        ("../../etc/passwd", "passwd", "passwd"),
        ("C:\\Windows\\win.ini", "win.ini", "win.ini"),
        ("..", "file", "file"),
        ("a%00b%0D%0AX-Evil: 1.txt", "abX-Evil: 1.txt", "abX-Evil:%201.txt"),
        ("%22;filename=evil.exe", "\";filename=evil.exe", "%22%3Bfilename=evil.exe"),
        ("%F0%9F%98%80 r%C3%A9sum%C3%A9.pdf", "😀 résumé.pdf", "%F0%9F%98%80%20r%C3%A9sum%C3%A9.pdf"),
        (".hidden", ".hidden", ".hidden"),
    ] {
        let path = format!("/files?channel_id={}&filename={}", scene.channel_id, sent.replace(' ', "%20").replace(';', "%3B"));
        let body = scene.owner.raw(Method::POST, &path, "text/plain", sent.to_owned()).await.expect(201);
        let info = &body["file_infos"][0];
        assert_eq!(info["name"], name, "{sent}");
        let read = scene.owner.get(&format!("/files/{}", text(info, "id"))).await;
        assert_eq!(
            read.header("content-disposition"),
            Some(format!("attachment;filename=\"{disposition}\"; filename*=UTF-8''{disposition}").as_str())
        );
        assert_eq!((read.status, &read.bytes[..]), (200, sent.as_bytes()));
        assert_eq!(read.header("x-evil"), None);
    }
    // As long as names may be, in letters of several bytes.
    let long = format!("{}.txt", "ä".repeat(252));
    let info = upload(&scene.owner, &scene.channel_id, &long, "x").await;
    assert_eq!(info["name"], long);
    assert_eq!(scene.owner.get(&format!("/files/{}", text(&info, "id"))).await.status, 200);
}

#[tokio::test]
async fn pictures_are_measured_and_made_small() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    for (name, content, size, preview, thumbnail) in [
        ("a.png", pictures::png(640, 480), (640, 480), (640, 480), (133, 100)),
        ("a.jpg", pictures::picture(2000, 1000, ImageFormat::Jpeg), (2000, 1000), (1024, 512), (200, 100)),
        ("a.bmp", pictures::picture(100, 300, ImageFormat::Bmp), (100, 300), (100, 300), (120, 360)),
        ("a.tiff", pictures::picture(300, 100, ImageFormat::Tiff), (300, 100), (300, 100), (300, 100)),
        ("a.gif", pictures::gif(50, 40, 1), (50, 40), (50, 40), (50, 40)),
        ("turned.jpg", pictures::turned_jpeg(400, 300, 6), (300, 400), (300, 400), (75, 100)),
        ("really-png.jpg", pictures::png(1024, 10), (1024, 10), (1024, 10), (10240, 100)),
    ] {
        let info = upload(&scene.owner, &scene.channel_id, name, content).await;
        assert_eq!((info["width"].as_u64(), info["height"].as_u64()), (Some(size.0), Some(size.1)), "{name}");
        assert_eq!(info["has_preview_image"], true, "{name}");
        let id = text(&info, "id");
        for (variant, expected) in [("thumbnail", thumbnail), ("preview", preview)] {
            let read = scene.owner.on(1).get(&format!("/files/{id}/{variant}")).await;
            assert_eq!((read.status, read.header("content-type")), (200, Some("image/jpeg")), "{name} {variant}");
            assert_eq!(pictures::measure(&read.bytes), (ImageFormat::Jpeg, expected.0, expected.1), "{name} {variant}");
            let shown = format!("inline;filename=\"{name}\"; filename*=UTF-8''{name}");
            assert_eq!(read.header("content-disposition"), Some(shown.as_str()));
            assert_eq!(read.header("cache-control"), Some("max-age=2592000, private"));
            assert_eq!(read.header("content-length"), Some(read.bytes.len().to_string().as_str()));
        }
    }
    let animated = upload(&scene.owner, &scene.channel_id, "moving.gif", pictures::gif(50, 40, 3)).await;
    assert_eq!((animated["width"].as_u64(), animated.get("has_preview_image")), (Some(50), None));
    assert_eq!(scene.owner.get(&format!("/files/{}/preview", text(&animated, "id"))).await.status, 200);
}

#[tokio::test]
async fn what_is_no_picture_has_no_thumbnail() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    for name in ["broken.png", "a.svg", "a.webp"] {
        let info = upload(&scene.owner, &scene.channel_id, name, "<svg/>").await;
        assert_eq!((info.get("width"), info.get("height"), info.get("has_preview_image")), (None, None, None), "{name}");
        let id = text(&info, "id");
        for variant in ["thumbnail", "preview"] {
            let answer = scene.owner.get(&format!("/files/{id}/{variant}")).await;
            answer.refused(404, "api.file.read_file.reading_local.app_error");
        }
    }
    let id = upload_id(&scene.owner, &scene.channel_id, "a.txt", pictures::png(10, 10)).await;
    let refused = scene.owner.get(&format!("/files/{id}/thumbnail")).await;
    refused.refused(400, "api.file.get_file_thumbnail.no_thumbnail.app_error");
    scene.owner.get(&format!("/files/{id}/preview")).await.refused(400, "api.file.get_file_preview.no_preview.app_error");
}

#[tokio::test]
async fn pictures_of_too_many_pixels_are_refused_unless_they_only_look_like_files() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    let refused = "api.file.upload_file.large_image.app_error";
    post_form(&scene.owner, form(&scene.channel_id, "bomb.png", pictures::bomb(6048, 4033))).await.refused(400, refused);
    let path = format!("/files?channel_id={}&filename=bomb.jpg", scene.channel_id);
    scene.owner.raw(Method::POST, &path, "image/png", pictures::bomb(60_000, 60_000)).await.refused(400, refused);
    upload(&scene.owner, &scene.channel_id, "bomb.bin", pictures::bomb(60_000, 60_000)).await;
    // The header is within the limits, the pixels are not there.
    let info = upload(&scene.owner, &scene.channel_id, "hollow.png", pictures::bomb(6048, 4032)).await;
    assert_eq!((info["width"].as_u64(), info["has_preview_image"].as_bool()), (Some(6048), Some(true)));
    assert_eq!(scene.owner.get(&format!("/files/{}/thumbnail", text(&info, "id"))).await.status, 404);
}
