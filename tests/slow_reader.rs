//! A client that does not read is cut off, and nobody else suffers for it.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Cluster, DEADLINE};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

/// Posts: many times what the kernel and the server's queue hold for one reader.
const POSTS: usize = 700;
const AT_ONCE: usize = 8;

/// A WebSocket of which nothing is read after the handshake.
async fn silent(base: &str, token: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a small buffer");
    let address = base.trim_start_matches("http://").parse().expect("an address");
    let mut stream = socket.connect(address).await.expect("a connection");
    let key = STANDARD.encode([7; 16]);
    let request = format!(
        "GET /api/v4/websocket HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: {key}\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("the request");
    let mut seen = Vec::new();
    // The handshake and `hello`, so that it is attached.
    while !String::from_utf8_lossy(&seen).contains("hello") {
        let mut chunk = [0; 512];
        let read = tokio::time::timeout(DEADLINE, stream.read(&mut chunk)).await.expect("in time").expect("bytes");
        assert!(read > 0, "closed early: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&chunk[..read]);
    }
    stream
}

#[tokio::test]
async fn a_reader_that_stands_still_is_cut_off_and_the_others_hear_everything() {
    let cluster = Cluster::shared().await;
    let (ada, bob, eve) = (cluster.person("ada").await, cluster.person("bob").await, cluster.person("eve").await);
    let team = cluster.team(&ada).await;
    cluster.join_team(&bob, &team).await;
    cluster.join_team(&eve, &team).await;
    let channel = cluster.channel(&ada, team["id"].as_str().unwrap()).await["id"].as_str().unwrap().to_owned();
    cluster.join_channel(&bob, &channel).await;
    cluster.join_channel(&eve, &channel).await;
    let mut healthy = bob.socket(0).await;
    let mut stuck = silent(&cluster.gateways[0], eve.token()).await;

    let text = "x".repeat(16_000);
    let posting = (0..AT_ONCE).map(|lane| {
        let (ada, channel, text) = (ada.clone(), channel.clone(), text.clone());
        tokio::spawn(async move {
            for n in (lane..POSTS).step_by(AT_ONCE) {
                ada.post("/posts", json!({"channel_id": channel, "message": format!("{n} {text}")})).await.expect(201);
            }
        })
    });
    for lane in posting.collect::<Vec<_>>() {
        lane.await.expect("posted");
    }
    let mut heard = std::collections::BTreeSet::new();
    let mut seq = 0;
    while heard.len() < POSTS {
        let event = healthy.try_next(DEADLINE).await.unwrap_or_else(|| panic!("the healthy reader heard {} of {POSTS}", heard.len()));
        seq += 1;
        assert_eq!(event["seq"], seq, "no gap");
        if event["event"] == "posted" {
            let post: Value = serde_json::from_str(event["data"]["post"].as_str().unwrap()).unwrap();
            heard.insert(post["message"].as_str().unwrap().split(' ').next().unwrap().to_owned());
        }
    }
    // What was on the way is still there; then the connection has ended, long before all of it.
    let mut bytes = 0;
    loop {
        let mut chunk = vec![0; 65_536];
        match tokio::time::timeout(Duration::from_secs(20), stuck.read(&mut chunk)).await.expect("it is not cut off") {
            Ok(0) | Err(_) => break,
            Ok(read) => bytes += read,
        }
    }
    assert!(bytes < POSTS * text.len(), "{bytes} bytes arrived");
    // It may come back, and is served again.
    let mut again = eve.socket(0).await;
    ada.say(&channel, "back").await;
    again.expect("posted").await;
}
