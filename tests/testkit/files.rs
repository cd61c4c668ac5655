//! Uploading and attaching files, and who looks at them.

use crate::{Answer, Client, Cluster, Person, eventually};
use http::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

/// A channel with its owner and a member, somebody of the team outside the channel, and somebody outside the team.
pub struct Scene {
    pub owner: Person,
    pub member: Person,
    pub teammate: Person,
    pub stranger: Person,
    pub team_id: String,
    pub channel_id: String,
}

/// A fresh one.
pub async fn scene(cluster: &Cluster) -> Scene {
    let owner = cluster.person("owner").await;
    let (member, teammate, stranger) = (cluster.person("member").await, cluster.person("teammate").await, cluster.person("stranger").await);
    let team = cluster.team(&owner).await;
    let team_id = text(&team, "id");
    cluster.join_team(&member, &team).await;
    cluster.join_team(&teammate, &team).await;
    let channel_id = text(&cluster.channel(&owner, &team_id).await, "id");
    cluster.join_channel(&member, &channel_id).await;
    Scene { owner, member, teammate, stranger, team_id, channel_id }
}

/// A string of a JSON object.
pub fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("{key} of {value}")).to_owned()
}

/// `POST /files` with a form.
pub async fn post_form(client: &Client, form: Form) -> Answer {
    client.send(client.request(Method::POST, "/files").multipart(form)).await
}

/// A file part of a form.
pub fn file(name: &str, content: impl Into<Vec<u8>>) -> Part {
    Part::bytes(content.into()).file_name(name.to_owned())
}

/// A form with one file.
pub fn form(channel_id: &str, name: &str, content: impl Into<Vec<u8>>) -> Form {
    Form::new().text("channel_id", channel_id.to_owned()).part("files", file(name, content))
}

/// The info of one uploaded file.
pub async fn upload(client: &Client, channel_id: &str, name: &str, content: impl Into<Vec<u8>>) -> Value {
    let body = post_form(client, form(channel_id, name, content)).await.expect(201);
    assert_eq!(body["file_infos"].as_array().map(Vec::len), Some(1), "{body}");
    body["file_infos"][0].clone()
}

/// Its id.
pub async fn upload_id(client: &Client, channel_id: &str, name: &str, content: impl Into<Vec<u8>>) -> String {
    text(&upload(client, channel_id, name, content).await, "id")
}

/// A post with these files; waits until they are attached.
pub async fn attach(author: &Person, channel_id: &str, file_ids: &[&str]) -> Value {
    let post = author.post("/posts", json!({"channel_id": channel_id, "message": "see", "file_ids": file_ids})).await.expect(201);
    for id in file_ids {
        eventually("the file is attached", || async {
            let info = author.get(&format!("/files/{id}/info")).await.expect(200);
            (info["post_id"] == post["id"]).then_some(())
        })
        .await;
    }
    post
}
