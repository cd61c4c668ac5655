//! One person of the user model and what each action asks of the server: the requests a client of the time sends.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio_util::task::AbortOnDropHandle;

use crate::args::Auth;
use crate::context::Context;
use crate::http::{Call, Connection};
use crate::ops::Order;
use crate::socket;
use crate::state::{Person, State};

/// Own posts remembered for editing.
const REMEMBERED: usize = 20;

/// Which request of an action failed, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(pub String);

#[derive(Default)]
struct Heard {
    events: AtomicU64,
    dropped: AtomicU64,
}

/// A person at a client.
pub struct Actor {
    context: Context,
    state: Arc<State>,
    n: usize,
    me: Person,
    connection: Connection,
    reader: Option<AbortOnDropHandle<()>>,
    heard: Arc<Heard>,
    channel: String,
    /// Ids of the posts on the screen, newest first.
    screen: Vec<String>,
    own: Vec<String>,
    written: u64,
}

impl Actor {
    pub fn new(context: &Context, state: Arc<State>, n: usize) -> Self {
        let me = state.users[n % state.users.len()].clone();
        let channel = state.channels[n % state.channels.len()].clone();
        Self {
            context: context.clone(),
            connection: context.connection(n),
            state,
            n,
            me,
            reader: None,
            heard: Arc::default(),
            channel,
            screen: Vec::new(),
            own: Vec::new(),
            written: 0,
        }
    }

    pub fn events(&self) -> u64 {
        self.heard.events.load(Ordering::Relaxed)
    }

    pub fn dropped(&self) -> u64 {
        self.heard.dropped.load(Ordering::Relaxed)
    }

    /// Sends and returns the body; a fault names the kind of request, not its ids, so that faults add up.
    async fn ask(&mut self, what: &str, call: Call) -> Result<Bytes, Fault> {
        match self.connection.fetch(&call, Some(&self.me.token)).await {
            Ok(answer) if answer.status == call.expect => Ok(answer.body),
            Ok(answer) => Err(Fault(format!("{what}: status {}", answer.status))),
            Err(failure) => Err(Fault(format!("{what}: {failure}"))),
        }
    }

    async fn get(&mut self, what: &str, path: String) -> Result<Bytes, Fault> {
        self.ask(what, Call::get(path)).await
    }

    async fn id_of(&mut self, what: &str, call: Call) -> Result<String, Fault> {
        let body = self.ask(what, call).await?;
        let found: Value = serde_json::from_slice(&body).map_err(|_| Fault(format!("{what}: no JSON")))?;
        found["id"].as_str().map(str::to_owned).ok_or_else(|| Fault(format!("{what}: no id")))
    }

    async fn order_of(&mut self, what: &str, path: String) -> Result<Vec<String>, Fault> {
        let body = self.get(what, path).await?;
        serde_json::from_slice::<Order>(&body).map(|list| list.order).map_err(|_| Fault(format!("{what}: no post list")))
    }

    async fn enter(&mut self, channel: String) -> Result<(), Fault> {
        let left = std::mem::replace(&mut self.channel, channel.clone());
        let view = json!({ "channel_id": channel, "prev_channel_id": left });
        self.ask("view", Call::post("/api/v4/channels/members/me/view".into(), &view, 200)).await?;
        self.screen = self.order_of("page", format!("/api/v4/channels/{channel}/posts?page=0&per_page=60")).await?;
        Ok(())
    }

    pub async fn switch_channel(&mut self) -> Result<(), Fault> {
        let channel = pick(&self.state.channels).to_owned();
        self.enter(channel.clone()).await?;
        self.get("channel stats", format!("/api/v4/channels/{channel}/stats")).await?;
        self.get("own membership", format!("/api/v4/channels/{channel}/members/me")).await?;
        self.get("members", format!("/api/v4/channels/{channel}/members?page=0&per_page=60")).await?;
        let some: Vec<&str> = self.state.users.iter().take(30).map(|u| u.id.as_str()).collect();
        self.ask("statuses", Call::post("/api/v4/users/status/ids".into(), &json!(some), 200)).await?;
        Ok(())
    }

    pub async fn scroll(&mut self) -> Result<(), Fault> {
        let Some(oldest) = self.screen.last().cloned() else { return self.switch_channel().await };
        let path = format!("/api/v4/channels/{}/posts?before={oldest}&page=0&per_page=60", self.channel);
        self.screen = self.order_of("page before", path).await?;
        Ok(())
    }

    pub async fn unread_check(&mut self) -> Result<(), Fault> {
        self.get("team unreads", "/api/v4/users/me/teams/unread".into()).await?;
        self.get("my members", format!("/api/v4/users/me/teams/{}/channels/members", self.state.team_id)).await?;
        Ok(())
    }

    pub async fn post(&mut self) -> Result<(), Fault> {
        self.written += 1;
        let body = json!({
            "channel_id": self.channel,
            "message": format!("user {} writes for the {}th time: shall we have lunch after the review?", self.n, self.written),
            "pending_post_id": format!("{}:{}{:x}", self.me.id, self.written, rand::random::<u32>()),
        });
        let id = self.id_of("create post", Call::post("/api/v4/posts".into(), &body, 201)).await?;
        self.own.push(id);
        if self.own.len() > REMEMBERED {
            self.own.remove(0);
        }
        Ok(())
    }

    pub async fn open_direct(&mut self) -> Result<(), Fault> {
        let other = self.state.users[rand::random_range(0..self.state.users.len())].id.clone();
        let call = Call::post("/api/v4/channels/direct".into(), &json!([self.me.id, other]), 201);
        let channel = self.id_of("open direct", call).await?;
        self.enter(channel).await
    }

    pub async fn permalink(&mut self) -> Result<(), Fault> {
        if self.screen.is_empty() {
            self.switch_channel().await?;
        }
        let Some(post) = self.screen.get(self.screen.len() / 2).cloned() else { return Ok(()) };
        self.get("thread", format!("/api/v4/posts/{post}/thread")).await?;
        let path = format!("/api/v4/channels/{}/posts", self.channel);
        self.get("page before", format!("{path}?before={post}&page=0&per_page=30")).await?;
        self.get("page after", format!("{path}?after={post}&page=0&per_page=30")).await?;
        Ok(())
    }

    /// Closes the socket, opens a new one and loads what a starting client loads.
    pub async fn reconnect(&mut self) -> Result<(), Fault> {
        self.reader = None;
        let opening = socket::open(self.context.target(self.n), &self.me.token, Auth::Bearer);
        let opened = tokio::time::timeout(self.context.limit, opening).await.map_err(|_| Fault("socket: timeout".into()))?;
        let mut socket = opened.map_err(|trouble| Fault(trouble.to_string()))?;
        let heard = Arc::clone(&self.heard);
        self.reader = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            let end = socket.listen(|_| {
                heard.events.fetch_add(1, Ordering::Relaxed);
                ControlFlow::Continue(())
            });
            let _ = end.await;
            heard.dropped.fetch_add(1, Ordering::Relaxed);
        })));
        let team = self.state.team_id.clone();
        for (what, path) in [
            ("me", "/api/v4/users/me".to_owned()),
            ("preferences", "/api/v4/users/me/preferences".to_owned()),
            ("my teams", "/api/v4/users/me/teams".to_owned()),
            ("my team members", "/api/v4/users/me/teams/members".to_owned()),
            ("team unreads", "/api/v4/users/me/teams/unread".to_owned()),
            ("my channels", format!("/api/v4/users/me/teams/{team}/channels")),
            ("my members", format!("/api/v4/users/me/teams/{team}/channels/members")),
        ] {
            self.get(what, path).await?;
        }
        Ok(())
    }

    pub async fn react(&mut self) -> Result<(), Fault> {
        if self.screen.is_empty() {
            self.switch_channel().await?;
        }
        let Some(post) = self.screen.first().cloned() else { return Ok(()) };
        let body = json!({ "user_id": self.me.id, "post_id": post, "emoji_name": "thumbsup" });
        self.ask("reaction", Call::post("/api/v4/reactions".into(), &body, 200)).await.map(drop)
    }

    pub async fn search(&mut self) -> Result<(), Fault> {
        let terms = pick(&["review", "lunch", "coffee deploy", "budget*", "\"the review\""]);
        let path = format!("/api/v4/teams/{}/posts/search", self.state.team_id);
        self.ask("search", Call::post(path, &json!({ "terms": terms, "is_or_search": false }), 200)).await.map(drop)
    }

    pub async fn edit(&mut self) -> Result<(), Fault> {
        if self.own.is_empty() {
            self.post().await?;
        }
        let Some(post) = self.own.last().cloned() else { return Ok(()) };
        let body = json!({ "message": format!("corrected: {}", rand::random::<u32>()) });
        self.ask("edit", Call::put(format!("/api/v4/posts/{post}/patch"), &body)).await.map(drop)
    }
}

fn pick<T: AsRef<str>>(list: &[T]) -> &str {
    list[rand::random_range(0..list.len())].as_ref()
}
