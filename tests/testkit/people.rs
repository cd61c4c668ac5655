//! People of a test: signed up and logged in once per gateway.

use crate::{Client, Cluster, Socket};
use serde_json::{Value, json};
use std::{
    ops::Deref,
    sync::atomic::{AtomicU32, Ordering},
};

pub const PASSWORD: &str = "correct-horse-1";

/// A name nobody else in this run has: lower-case letters and digits.
pub fn unique(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}{:x}n{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

#[derive(Debug, Clone)]
pub struct Account {
    pub id: String,
    pub username: String,
    pub email: String,
}

/// A logged-in person. Dereferences to the client of the first gateway; `on(1)` is the second.
#[derive(Clone)]
pub struct Person {
    pub id: String,
    pub username: String,
    pub email: String,
    clients: Vec<Client>,
}

impl Person {
    /// This person's client on gateway `i` (same session).
    pub fn on(&self, i: usize) -> &Client {
        &self.clients[i]
    }

    pub fn token(&self) -> &str {
        self.clients[0].token.as_deref().expect("logged in")
    }

    /// An open, authenticated WebSocket on gateway `i`; `hello` has been received.
    pub async fn socket(&self, i: usize) -> Socket {
        Socket::open(&self.clients[i].base, self.token()).await
    }

    /// Posts a message; the post.
    pub async fn say(&self, channel_id: &str, message: &str) -> Value {
        self.post("/posts", json!({"channel_id": channel_id, "message": message})).await.expect(201)
    }
}

impl Deref for Person {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.clients[0]
    }
}

pub(crate) async fn sign_up_first(cluster: &Cluster) -> Account {
    let account = sign_up(cluster, "admin").await;
    let me = log_in(cluster, account.clone()).await.get("/users/me").await.expect(200);
    assert_eq!(me["roles"], "system_admin system_user", "the first user is administrator");
    account
}

pub(crate) async fn sign_up(cluster: &Cluster, name: &str) -> Account {
    let username = unique(name);
    let email = format!("{username}@example.com");
    let body = json!({"username": username, "email": email, "password": PASSWORD});
    let user = cluster.anonymous(0).post("/users", body).await.expect(201);
    Account { id: user["id"].as_str().expect("id").to_owned(), username, email }
}

pub(crate) async fn log_in(cluster: &Cluster, account: Account) -> Person {
    let client = cluster.anonymous(0);
    let answer = client.post("/users/login", json!({"login_id": account.username, "password": PASSWORD})).await;
    let token = answer.header("token").map(str::to_owned);
    answer.expect(200);
    let token = token.expect("a Token header");
    let clients = (0..cluster.gateways.len()).map(|i| cluster.anonymous(i).with_token(&token)).collect();
    Person { id: account.id, username: account.username, email: account.email, clients }
}
