//! Reading files: who may, how they come, public links, the files of a post.

use http::Method;
use serde_json::json;
use testkit::{
    Cluster, Person,
    files::{attach, scene, text, upload, upload_id},
    keys, pictures,
};

const PERMISSIONS: &str = "api.context.permissions.app_error";

#[tokio::test]
async fn downloads_say_what_they_are() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    for (name, mime, sent_as, kind) in [
        ("a.jpg", "image/jpeg", "image/jpeg", "inline"),
        ("a.GIF", "image/gif", "image/gif", "inline"),
        ("a.mp4", "video/mp4", "video/mp4", "inline"),
        ("a.mp3", "audio/mpeg", "audio/mpeg", "inline"),
        ("a.svg", "image/svg+xml", "image/svg+xml", "attachment"),
        ("a.webp", "image/webp", "image/webp", "attachment"),
        ("a.pdf", "application/pdf", "application/pdf", "attachment"),
        ("a.txt", "text/plain; charset=utf-8", "text/plain; charset=utf-8", "attachment"),
        ("a.html", "text/html; charset=utf-8", "text/plain", "attachment"),
        ("a.js", "application/javascript", "text/plain", "attachment"),
        ("a.nosuch", "", "application/octet-stream", "attachment"),
        ("README", "", "application/octet-stream", "attachment"),
    ] {
        let info = upload(&scene.owner, &scene.channel_id, name, "<script>1</script>").await;
        assert_eq!(info["mime_type"], mime, "{name}");
        let path = format!("/files/{}", text(&info, "id"));
        let read = scene.owner.get(&path).await;
        assert_eq!(read.header("content-type"), Some(sent_as), "{name}");
        assert!(read.header("content-disposition").unwrap().starts_with(&format!("{kind};")), "{name}");
        for (query, kind) in [("download=1", "attachment"), ("download=true", "attachment"), ("download=0", kind), ("download=yes", kind)] {
            let read = scene.owner.get(&format!("{path}?{query}")).await;
            assert!(read.header("content-disposition").unwrap().starts_with(&format!("{kind};")), "{name} {query}");
        }
    }
    let id = upload_id(&scene.owner, &scene.channel_id, "whole.txt", "0123456789").await;
    let path = format!("/files/{id}");
    let ranged = scene.owner.send(scene.owner.request(Method::GET, &path).header("range", "bytes=2-4")).await;
    assert_eq!((ranged.status, &ranged.bytes[..]), (200, &b"0123456789"[..]));
    assert_eq!(scene.owner.send(scene.owner.request(Method::HEAD, &path)).await.status, 404);
}

#[tokio::test]
async fn who_may_read() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    let admin = cluster.admin().await;
    let id = upload_id(&scene.owner, &scene.channel_id, "a.png", pictures::png(20, 20)).await;
    let routes = ["", "/thumbnail", "/preview", "/info"].map(|route| format!("/files/{id}{route}"));
    let expect = async |who: &Person, status: u16, when: &str| {
        for route in &routes {
            let answer = who.on(1).get(route).await;
            assert_eq!(answer.status, status, "{when}: {}", answer.request);
            if status == 403 {
                assert_eq!(answer.body["id"], PERMISSIONS);
            }
        }
    };
    expect(&scene.owner, 200, "unattached, uploader").await;
    expect(&admin, 200, "unattached, administrator").await;
    expect(&scene.member, 403, "unattached, member").await;
    attach(&scene.owner, &scene.channel_id, &[&id]).await;
    expect(&scene.member, 200, "attached, member").await;
    expect(&scene.teammate, 403, "attached, of the team but not of the channel").await;
    expect(&scene.stranger, 403, "attached, stranger").await;
    expect(&admin, 200, "attached, administrator").await;
    scene.owner.delete(&format!("/channels/{}/members/{}", scene.channel_id, scene.owner.id)).await.expect(200);
    expect(&scene.owner, 200, "uploader who left").await;
}

#[tokio::test]
async fn files_of_a_post() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    let mut ids = Vec::new();
    for name in ["1.txt", "2.txt", "3.png"] {
        ids.push(upload_id(&scene.owner, &scene.channel_id, name, pictures::png(30, 30)).await);
    }
    // Sent in another order than uploaded; the answer is by creation.
    let sent: Vec<&str> = [&ids[2], &ids[0], &ids[1]].map(String::as_str).to_vec();
    let post = attach(&scene.owner, &scene.channel_id, &sent).await;
    assert_eq!(post["file_ids"], json!(sent));
    let path = format!("/posts/{}/files/info", text(&post, "id"));
    let answer = scene.member.on(1).get(&path).await;
    assert_eq!(answer.header("cache-control"), Some("max-age=2592000, public"));
    let etag = answer.header("etag").unwrap().to_owned();
    let infos = answer.expect(200);
    let listed: Vec<_> = infos.as_array().unwrap().iter().map(|info| text(info, "id")).collect();
    assert_eq!(listed, ids);
    assert!(infos.as_array().unwrap().iter().all(|info| info["post_id"] == post["id"]));
    assert_eq!(keys(&infos[2]), keys(&testkit::golden("file_info")));
    let newest = infos.as_array().unwrap().iter().map(|info| info["update_at"].as_i64().unwrap()).max().unwrap();
    assert_eq!(etag, format!("4.10.0.{}.{newest}", text(&post, "id")));
    let again = scene.member.send(scene.member.request(Method::GET, &path).header("if-none-match", &etag)).await;
    assert_eq!((again.status, again.header("etag"), again.bytes.len()), (304, Some(etag.as_str()), 0));

    scene.teammate.get(&path).await.refused(403, PERMISSIONS);
    scene.stranger.get(&path).await.refused(403, PERMISSIONS);
    cluster.anonymous(0).get(&path).await.refused(401, "api.context.session_expired.app_error");
    assert_eq!(scene.owner.get(&format!("/posts/{}/files/info", "y".repeat(26))).await.status, 404);
    scene.owner.get("/posts/short/files/info").await.refused(400, "api.context.invalid_url_param.app_error");
    let plain = scene.owner.say(&scene.channel_id, "nothing attached").await;
    assert_eq!(scene.owner.get(&format!("/posts/{}/files/info", text(&plain, "id"))).await.expect(200), json!([]));
}

#[tokio::test]
async fn the_files_of_others_cannot_be_attached() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    let id = upload_id(&scene.owner, &scene.channel_id, "secret.txt", "secret").await;
    let own = text(&cluster.channel(&scene.teammate, &scene.team_id).await, "id");
    let answer = scene.teammate.post("/posts", json!({"channel_id": own, "message": "mine now", "file_ids": [id]})).await;
    if answer.status == 201 {
        let path = format!("/posts/{}/files/info", text(&answer.body, "id"));
        assert_eq!(scene.teammate.get(&path).await.expect(200), json!([]));
    }
    scene.teammate.get(&format!("/files/{id}")).await.refused(403, PERMISSIONS);
    assert_eq!(scene.owner.get(&format!("/files/{id}/info")).await.expect(200).get("post_id"), None);
}

#[tokio::test]
async fn browsers_fetch_pictures_with_the_cookie_alone() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    let id = upload_id(&scene.owner, &scene.channel_id, "a.png", pictures::png(20, 20)).await;
    let cookie = format!("MMAUTHTOKEN={}", scene.owner.token());
    let anonymous = cluster.anonymous(0);
    for (route, status) in [("", 200), ("/thumbnail", 200), ("/preview", 200), ("/info", 401), ("/link", 401)] {
        let request = anonymous.request(Method::GET, &format!("/files/{id}{route}")).header("cookie", &cookie);
        assert_eq!(anonymous.send(request).await.status, status, "{route}");
    }
}

#[tokio::test]
async fn public_links() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    let content = pictures::png(20, 20);
    let id = upload_id(&scene.owner, &scene.channel_id, "a.png", content.clone()).await;
    let path = format!("/files/{id}/link");
    scene.owner.get(&path).await.refused(400, "api.file.get_public_link.no_post.app_error");
    attach(&scene.owner, &scene.channel_id, &[&id]).await;
    scene.stranger.get(&path).await.refused(403, PERMISSIONS);
    cluster.anonymous(0).get(&path).await.refused(401, "api.context.session_expired.app_error");
    let link = text(&scene.member.get(&path).await.expect(200), "link");
    assert_eq!(link, text(&scene.owner.get(&path).await.expect(200), "link"), "the link is stable");
    let public = link.strip_prefix(&cluster.gateways[0]).expect("the host of the request").to_owned();
    let hash = public.strip_prefix(&format!("/files/{id}/public?h=")).expect(&public);
    assert_eq!(hash.len(), 43, "unpadded base64 of SHA-256");

    let anonymous = cluster.anonymous(1);
    let read = anonymous.get(&format!("/!{public}")).await;
    assert_eq!((read.status, &read.bytes[..] == content.as_slice()), (200, true));
    assert_eq!(read.header("content-disposition"), Some("attachment;filename=\"a.png\"; filename*=UTF-8''a.png"));
    assert!(read.header("x-request-id").is_some() && read.header("x-version-id").is_some());
    for wrong in [format!("/!/files/{id}/public"), format!("/!/files/{id}/public?h=wrong"), format!("/!/files/{id}/public?h={hash}x")] {
        let page = anonymous.get(&wrong).await;
        assert_eq!(page.status, 400, "{wrong}");
        assert!(page.header("content-type").unwrap().starts_with("text/html"));
        assert!(String::from_utf8_lossy(&page.bytes).contains("/error?message="));
    }
    let unknown = anonymous.get(&format!("/!/files/{}/public?h={hash}", "y".repeat(26))).await;
    unknown.refused(404, "store.sql_file_info.get.app_error");
    anonymous.get("/!/files/short/public?h=x").await.refused(400, "api.context.invalid_url_param.app_error");
}

#[tokio::test]
async fn deleting_a_post_deletes_its_files_and_those_of_its_replies() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    let first = upload_id(&scene.owner, &scene.channel_id, "a.png", pictures::png(20, 20)).await;
    let second = upload_id(&scene.member, &scene.channel_id, "b.txt", "reply").await;
    let kept = upload_id(&scene.owner, &scene.channel_id, "c.txt", "kept").await;
    let root = attach(&scene.owner, &scene.channel_id, &[&first]).await;
    attach(&scene.owner, &scene.channel_id, &[&kept]).await;
    let reply = json!({"channel_id": scene.channel_id, "message": "r", "root_id": root["id"], "file_ids": [second]});
    scene.member.post("/posts", reply).await.expect(201);
    scene.member.get(&format!("/files/{second}")).await;
    let link = text(&scene.member.get(&format!("/files/{first}/link")).await.expect(200), "link");
    scene.owner.delete(&format!("/posts/{}", text(&root, "id"))).await.expect(200);
    let missing = "store.sql_file_info.get.app_error";
    for id in [&first, &second] {
        for route in ["", "/thumbnail", "/preview", "/info", "/link"] {
            for person in [&scene.owner, &scene.member] {
                person.on(1).get(&format!("/files/{id}{route}")).await.refused(404, missing);
            }
        }
    }
    let public = link.strip_prefix(&cluster.gateways[0]).expect("the host of the request").to_owned();
    cluster.anonymous(1).get(&format!("/!{public}")).await.refused(404, missing);
    assert_eq!(scene.member.get(&format!("/files/{kept}")).await.status, 200);
}

#[tokio::test]
async fn whoever_hears_of_a_post_can_have_its_files_at_once() {
    let cluster = Cluster::shared().await;
    let scene = scene(cluster).await;
    let mut socket = scene.member.socket(1).await;
    for n in 0..5 {
        let id = upload_id(&scene.owner, &scene.channel_id, "a.png", pictures::png(20 + n, 20)).await;
        let body = json!({"channel_id": scene.channel_id, "message": format!("picture {n}"), "file_ids": [id]});
        let author = scene.owner.clone();
        let posting = tokio::spawn(async move { author.post("/posts", body).await.expect(201) });
        let event = socket.expect("posted").await;
        assert_eq!((&event["data"]["image"], &event["data"]["otherFile"]), (&json!("true"), &json!("true")));
        for route in ["", "/thumbnail", "/info"] {
            assert_eq!(scene.member.on(1).get(&format!("/files/{id}{route}")).await.status, 200, "{n}{route}");
        }
        posting.await.expect("a post");
    }
}
