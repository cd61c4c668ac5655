//! Limits and switches of files, and large ones, on clusters of their own.

use bytes::Bytes;
use http::Method;
use image::ImageFormat;
use reqwest::multipart::Form;
use serde_json::Value;
use testkit::{
    Cluster, Options, eventually,
    files::{attach, file, form, post_form, scene, text, upload, upload_id},
    pictures,
};

const PERMISSIONS: &str = "api.context.permissions.app_error";

/// Changes settings of the file section on a cluster of the test's own; waits until both gateways know.
async fn reconfigure(cluster: &Cluster, change: impl Fn(&mut Value)) {
    let admin = cluster.admin().await;
    let mut config = admin.get("/config").await.expect(200);
    change(&mut config["FileSettings"]);
    let wanted = admin.put("/config", config).await.expect(200)["FileSettings"].clone();
    for i in 0..2 {
        eventually("the configuration arrives", || async {
            let config = admin.on(i).get("/config/client?format=old").await.expect(200);
            let flag = |name: &str| config[name].as_str() == Some(wanted[name].to_string().as_str());
            (flag("EnableFileAttachments") && flag("EnablePublicLink") && flag("MaxFileSize")).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn limits_and_switches() {
    let cluster = Cluster::start(Options::default().env("MM_FILESETTINGS_MAXFILESIZE", "100000")).await;
    let scene = scene(&cluster).await;
    let too_large = "api.file.upload_file.too_large.app_error";
    let path = format!("/files?channel_id={}&filename=a.bin", scene.channel_id);
    let content = |size: usize| vec![7_u8; size];
    let chunked = |size: usize| {
        let pieces = content(size).chunks(1000).map(|c| Ok::<_, std::io::Error>(Bytes::copy_from_slice(c))).collect::<Vec<_>>();
        reqwest::Body::wrap_stream(futures_util::stream::iter(pieces))
    };
    let kind = "application/octet-stream";
    let equal = scene.owner.raw(Method::POST, &path, kind, content(100_000)).await.expect(201);
    assert_eq!(equal["file_infos"][0]["size"], 100_000);
    scene.owner.raw(Method::POST, &path, kind, content(100_001)).await.refused(413, too_large);
    scene.owner.raw(Method::POST, &path, kind, chunked(100_000)).await.expect(201);
    scene.owner.raw(Method::POST, &path, kind, chunked(100_001)).await.refused(413, too_large);
    scene.owner.raw(Method::POST, &path, kind, chunked(5_000_000)).await.refused(413, too_large);
    // The whole form counts.
    post_form(&scene.owner, form(&scene.channel_id, "a.bin", content(99_000))).await.expect(201);
    post_form(&scene.owner, form(&scene.channel_id, "a.bin", content(100_000))).await.refused(413, too_large);
    let body = [
        format!("--b\r\nContent-Disposition: form-data; name=\"channel_id\"\r\n\r\n{}\r\n", scene.channel_id).into_bytes(),
        b"--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.bin\"\r\n\r\n".to_vec(),
        content(200_000),
        b"\r\n--b--\r\n".to_vec(),
    ];
    let pieces = body.map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
    let streamed = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    scene.owner.raw(Method::POST, "/files", "multipart/form-data; boundary=b", streamed).await.refused(413, too_large);
    // The size comes before the permission, the permission before the content.
    scene.stranger.raw(Method::POST, &path, kind, content(100_001)).await.refused(413, too_large);
    scene.stranger.raw(Method::POST, &path, kind, content(100_000)).await.refused(403, PERMISSIONS);

    let picture = |name: &str| format!("/{name}/image");
    let icon = Form::new().part("image", file("a.png", content(100_001)));
    let request = scene.owner.request(Method::POST, &picture("users/me")).multipart(icon);
    scene.owner.send(request).await.refused(413, "api.user.upload_profile_user.too_large.app_error");

    let id = upload_id(&scene.owner, &scene.channel_id, "kept.txt", "kept").await;
    attach(&scene.owner, &scene.channel_id, &[&id]).await;
    let link = text(&scene.owner.get(&format!("/files/{id}/link")).await.expect(200), "link");
    let public = format!("/!{}", link.strip_prefix(&cluster.gateways[0]).unwrap());
    reconfigure(&cluster, |files| {
        files["EnableFileAttachments"] = false.into();
    })
    .await;
    let disabled = "api.file.attachments.disabled.app_error";
    for who in [scene.owner.on(0), scene.owner.on(1), cluster.admin().await.on(1)] {
        who.raw(Method::POST, &path, kind, content(10)).await.refused(501, disabled);
        post_form(who, form(&scene.channel_id, "a.bin", content(200_000))).await.refused(501, disabled);
    }
    assert_eq!(scene.owner.get(&format!("/files/{id}")).await.status, 200, "downloads still work");
    // The link's switch is set by the environment of the test clusters, so it needs one without.
    assert_eq!(cluster.anonymous(1).get(&public).await.status, 200);
}

#[tokio::test]
async fn without_public_links() {
    let cluster = Cluster::start(Options::default().env("MM_FILESETTINGS_ENABLEPUBLICLINK", "false")).await;
    let person = cluster.person("person").await;
    let disabled = "api.file.get_public_link.disabled.app_error";
    person.get(&format!("/files/{}/link", "y".repeat(26))).await.refused(501, disabled);
    cluster.anonymous(1).get(&format!("/!/files/{}/public?h=x", "y".repeat(26))).await.refused(501, disabled);
}

#[tokio::test]
async fn ten_megabytes_through_separate_processes() {
    let cluster = Cluster::start(Options { split: true, ..Options::default() }).await;
    let scene = scene(&cluster).await;
    let content: Vec<u8> = (0..10_u32 * 1024 * 1024).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut ids = vec![upload_id(&scene.owner, &scene.channel_id, "big.bin", content.clone()).await];
    let path = format!("/files?channel_id={}&filename=big.bin", scene.channel_id);
    let raw = scene.owner.on(1).raw(Method::POST, &path, "application/octet-stream", content.clone()).await.expect(201);
    ids.push(text(&raw["file_infos"][0], "id"));
    for id in &ids {
        for i in 0..2 {
            let read = scene.owner.on(i).get(&format!("/files/{id}")).await;
            assert_eq!((read.status, read.bytes.len()), (200, content.len()));
            assert!(&read.bytes[..] == content.as_slice(), "the bytes are the same");
        }
    }
    // A picture larger than one part of the store, so that it is read back for its thumbnail.
    let large = pictures::picture(1800, 1200, ImageFormat::Bmp);
    assert!(large.len() > 6_000_000);
    let info = upload(&scene.owner, &scene.channel_id, "large.bmp", large).await;
    assert_eq!(info["width"], 1800);
    let thumbnail = scene.owner.on(1).get(&format!("/files/{}/thumbnail", text(&info, "id"))).await;
    assert_eq!(pictures::measure(&thumbnail.bytes), (ImageFormat::Jpeg, 150, 100));
    // A refusal of the service arrives as it was made there.
    let answer = post_form(&scene.owner, form(&scene.channel_id, "bomb.png", pictures::bomb(60_000, 60_000))).await;
    answer.refused(400, "api.file.upload_file.large_image.app_error");
}

/// The most memory the process behind this gateway has had so far, bytes.
fn peak_memory(gateway: &str) -> u64 {
    let wanted = format!("MUSTER_HTTP_ADDR={}", gateway.trim_start_matches("http://"));
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()) {
            let status = std::fs::read_to_string(process.path().join("status")).unwrap();
            let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
            return line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024;
        }
    }
    panic!("no process behind {gateway}");
}

#[tokio::test]
async fn large_files_do_not_fill_the_gateway() {
    let cluster = Cluster::start(Options { split: true, ..Options::default() }).await;
    let scene = scene(&cluster).await;
    upload_id(&scene.owner, &scene.channel_id, "first.bin", vec![0; 1000]).await;
    let before = peak_memory(&cluster.gateways[0]);
    const SIZE: usize = 40 * 1024 * 1024;
    let chunk = Bytes::from(vec![7; 64 * 1024]);
    let uploads = (0..4).map(|n| {
        let pieces = vec![chunk.clone(); SIZE / chunk.len()].into_iter().map(Ok::<_, std::io::Error>);
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        let path = format!("/files?channel_id={}&filename=large{n}.bin", scene.channel_id);
        let owner = &scene.owner;
        async move { owner.raw(Method::POST, &path, "application/octet-stream", body).await.expect(201) }
    });
    let stored = futures_util::future::join_all(uploads).await;
    let reads = stored.iter().map(|body| async {
        let read = scene.owner.get(&format!("/files/{}", text(&body["file_infos"][0], "id"))).await;
        assert_eq!((read.status, read.bytes.len()), (200, SIZE));
    });
    futures_util::future::join_all(reads).await;
    let grown = peak_memory(&cluster.gateways[0]).saturating_sub(before);
    // Buffers and windows of eight transfers, and what the allocator keeps; whole files would be four times SIZE.
    assert!(grown < 2 * SIZE as u64, "{} MiB more for 160 MiB up and down", grown / 1024 / 1024);
}
