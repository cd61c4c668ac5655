//! Who is connected here, what they belong to, and which subjects that makes us listen to.
//!
//! A subject is subscribed while somebody connected here may hear it, so an event costs what its audience costs. The
//! membership sets are loaded at a user's first connection and kept current by the changes that pass by.

use super::{
    fanout::Encoded,
    socket::{Flushed, Out, Queued, Socket},
};
use crate::clients::Clients;
use futures_util::{FutureExt, StreamExt};
use muster_error::AppError;
use muster_events::{
    Audience, Batch, Bus, Frame, Item, MembershipChange, audience::Scope, channel_subject, everyone_subject, item::Kind, team_subject,
    user_subject,
};
use muster_proto::teams::MembershipsRequest;
use muster_runtime::{Caller, ConfigFeed, telemetry};
use prost::Message;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    pin::Pin,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Batch ids remembered, to recognise what the outbox sweeper publishes again.
const REMEMBERED: usize = 65_536;
/// A restart closes the sockets over this span, so that clients do not come back all at once.
const WAVE: Duration = Duration::from_secs(2);
/// Connections flushed in one go.
const FLUSHED_AT_ONCE: usize = 128;
/// Threads that flush at once. Asking the system takes longer than flushing a connection.
static FLUSHING_THREADS: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
/// From this many connections on nothing more is gathered before a flush.
const GATHERED_MAX: usize = 4_096;
/// WebSocket close code "service restart": the client reconnects and resyncs.
pub const CLOSE_RESTART: u16 = 1012;

/// A live connection, as the hub holds it.
pub struct Connection {
    pub id: String,
    pub user_id: String,
    pub session_id: String,
    pub socket: Arc<Socket>,
    /// Ends the connection's task at once.
    pub kill: CancellationToken,
    /// The session ended: nothing more is delivered.
    pub revoked: AtomicBool,
    pub admin: AtomicBool,
    /// A personal access token opened the session.
    pub by_access_token: bool,
    /// Something may have been missed, perhaps that the session ended: until it is closed it hears nothing more.
    pub deaf: AtomicBool,
}

impl Connection {
    /// Puts an event in line. True when somebody has to flush.
    fn deliver(&self, event: &Arc<Encoded>) -> bool {
        if self.revoked.load(Ordering::Relaxed) || self.deaf.load(Ordering::Relaxed) {
            return false;
        }
        let queued = self.socket.push(Out::Event(event.clone()));
        if queued == Queued::Full && !self.kill.is_cancelled() {
            metrics::counter!("muster_websocket_slow_reader_total").increment(1);
            self.kill.cancel();
        }
        queued == Queued::First
    }

    fn flush(&self) {
        if self.socket.flush() == Flushed::Ended {
            self.kill.cancel();
        }
    }
}

/// Connections for which something was put in line.
type Dirty = Vec<Arc<Connection>>;

#[derive(Default)]
struct User {
    connections: Vec<Arc<Connection>>,
    channels: HashSet<String>,
    teams: HashSet<String>,
    /// When each membership last changed (ms), so that a late copy of an older change is ignored.
    changed_at: HashMap<String, i64>,
    /// Done once the memberships are loaded and all subscriptions are in force.
    ready: Arc<OnceCell<()>>,
}

#[derive(Default)]
struct State {
    users: HashMap<String, User>,
    /// Users connected here by channel id.
    channels: HashMap<String, HashSet<String>>,
    teams: HashMap<String, HashSet<String>>,
    /// Ends the task of a subscription.
    subscriptions: HashMap<String, CancellationToken>,
    seen: HashSet<String>,
    seen_order: VecDeque<String>,
}

#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    bus: Bus,
    clients: Clients,
    stop: CancellationToken,
}

impl Hub {
    /// Subscribes to what concerns everyone and watches the bus.
    pub async fn start(bus: Bus, clients: Clients, stop: CancellationToken) -> Result<Self, AppError> {
        let hub = Self(Arc::new(Inner { state: Mutex::default(), bus, clients, stop }));
        hub.subscribe(everyone_subject()).await?;
        tokio::spawn(hub.clone().watch_bus());
        Ok(hub)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held leaves sets that are still whole.
        self.0.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Adds a connection. When this returns, everything its user may hear arrives; `hello` is its first frame.
    pub async fn attach(&self, connection: Arc<Connection>, hello: Frame) -> Result<(), AppError> {
        loop {
            let user_id = connection.user_id.as_str();
            let ready = self.state().users.entry(user_id.to_owned()).or_default().ready.clone();
            ready.get_or_try_init(|| self.load(user_id)).await?;
            let mut state = self.state();
            let Some(user) = state.users.get_mut(user_id) else { continue };
            // The entry may have been dropped and made anew while we waited.
            if !Arc::ptr_eq(&user.ready, &ready) {
                continue;
            }
            connection.socket.push(Out::Event(Arc::new(Encoded::new(&hello, ""))));
            user.connections.push(connection.clone());
            drop(state);
            connection.flush();
            metrics::gauge!("mattermost_http_websockets_total").increment(1.0);
            return Ok(());
        }
    }

    /// Subscribes to all that concerns a user, then loads the memberships, then makes sure that all is in force.
    async fn load(&self, user_id: &str) -> Result<(), AppError> {
        self.subscribe(user_subject(user_id)).await?;
        let loaded_at = muster_domain::time::now_ms();
        let request = Caller::system("gateway").call(MembershipsRequest { user_id: user_id.to_owned() });
        let memberships = self.0.clients.access().memberships(request).await?.into_inner();
        let mut subjects = Vec::new();
        {
            let mut state = self.state();
            let state = &mut *state;
            let user = state.users.entry(user_id.to_owned()).or_default();
            // Changes that arrived while we asked are newer than the answer.
            let newer: HashSet<String> = user.changed_at.iter().filter(|(_, at)| **at >= loaded_at).map(|(id, _)| id.clone()).collect();
            for id in memberships.channel_ids.into_iter().filter(|id| !newer.contains(id)) {
                state.channels.entry(id.clone()).or_default().insert(user_id.to_owned());
                subjects.push(channel_subject(&id));
                user.channels.insert(id);
            }
            for id in memberships.team_ids.into_iter().filter(|id| !newer.contains(id)) {
                state.teams.entry(id.clone()).or_default().insert(user_id.to_owned());
                subjects.push(team_subject(&id));
                user.teams.insert(id);
            }
        }
        for subject in subjects {
            self.subscribe(subject).await?;
        }
        self.0.bus.confirm().await
    }

    /// Removes a connection; the last one of a user takes the user's interests along.
    pub fn detach(&self, connection: &Connection) {
        let mut state = self.state();
        let state = &mut *state;
        let Some(user) = state.users.get_mut(&connection.user_id) else { return };
        let before = user.connections.len();
        user.connections.retain(|c| c.id != connection.id);
        if user.connections.len() < before {
            metrics::gauge!("mattermost_http_websockets_total").decrement(1.0);
        }
        if !user.connections.is_empty() {
            return;
        }
        let Some(user) = state.users.remove(&connection.user_id) else { return };
        let mut idle = vec![user_subject(&connection.user_id)];
        for id in &user.channels {
            if leave(&mut state.channels, id, &connection.user_id) {
                idle.push(channel_subject(id));
            }
        }
        for id in &user.teams {
            if leave(&mut state.teams, id, &connection.user_id) {
                idle.push(team_subject(id));
            }
        }
        for subject in idle {
            if let Some(subscription) = state.subscriptions.remove(&subject) {
                subscription.cancel();
            }
        }
    }

    /// Whether a user connected here is in the channel.
    pub fn is_channel_member(&self, user_id: &str, channel_id: &str) -> bool {
        self.state().channels.get(channel_id).is_some_and(|users| users.contains(user_id))
    }

    /// Connections open here, for renewing their users' presence.
    pub fn connections(&self) -> Vec<Arc<Connection>> {
        self.state().users.values().flat_map(|u| u.connections.iter().cloned()).collect()
    }

    /// Closes every socket with "service restart", spread over a short span.
    pub async fn close_all_for_restart(&self) {
        let connections = self.connections();
        if connections.is_empty() {
            return;
        }
        let pause = WAVE / u32::try_from(connections.len()).unwrap_or(u32::MAX).max(1);
        let mut waited = Duration::ZERO;
        for connection in connections {
            if !connection.socket.send(Out::Close(CLOSE_RESTART)) {
                connection.kill.cancel();
            }
            waited += pause;
            if waited >= Duration::from_millis(5) {
                tokio::time::sleep(waited).await;
                waited = Duration::ZERO;
            }
        }
    }

    /// Ends the connections that access tokens opened, as soon as the settings allow no access tokens.
    pub async fn watch_settings(self, mut config: ConfigFeed) {
        loop {
            if !config.get().settings.enable_user_access_tokens {
                self.connections().iter().filter(|c| c.by_access_token).for_each(|c| c.kill.cancel());
            }
            tokio::select! {
                () = self.0.stop.cancelled() => return,
                more = config.changed() => if !more { return },
            }
        }
    }

    /// After a lost connection to the bus events may be missing: connections of that time hear nothing more, and clients
    /// are told to come again.
    async fn watch_bus(self) {
        let (mut losses, mut connected) = (self.0.bus.losses(), self.0.bus.connected());
        loop {
            tokio::select! {
                () = self.0.stop.cancelled() => return,
                changed = losses.changed() => if changed.is_err() { return },
            }
            self.connections().iter().for_each(|c| c.deaf.store(true, Ordering::Relaxed));
            if connected.wait_for(|up| *up).await.is_err() {
                return;
            }
            losses.borrow_and_update();
            tracing::warn!("events may have been missed; asking clients to reconnect");
            self.close_all_for_restart().await;
        }
    }

    async fn subscribe(&self, subject: String) -> Result<(), AppError> {
        let token = {
            let mut state = self.state();
            if state.subscriptions.contains_key(&subject) {
                return Ok(());
            }
            let token = self.0.stop.child_token();
            state.subscriptions.insert(subject.clone(), token.clone());
            token
        };
        match self.0.bus.client().subscribe(subject.clone()).await {
            Ok(subscriber) => {
                tokio::spawn(listen(self.clone(), subscriber, token));
                Ok(())
            }
            Err(error) => {
                self.state().subscriptions.remove(&subject);
                Err(AppError::new(muster_error::ErrorId::Unavailable).detail(error))
            }
        }
    }

    /// Puts what a batch brings in line; who then has to be flushed is added to `dirty`.
    async fn receive(&self, payload: &[u8], dirty: &mut Dirty) {
        let Ok(batch) = Batch::decode(payload) else {
            tracing::warn!("an event batch that cannot be read");
            return;
        };
        if !self.first_sight(&batch.id) {
            return;
        }
        let span = telemetry::span_from("websocket fan-out", &batch.traceparent);
        async {
            for Item { kind } in batch.items {
                match kind {
                    Some(Kind::Frame(frame)) => self.deliver(&frame, &batch.traceparent, dirty),
                    Some(Kind::Membership(change)) => self.apply(change, batch.create_at).await,
                    Some(Kind::SessionsRevoked(revoked)) => self.for_user(&revoked.user_id, |c| {
                        if revoked.session_ids.is_empty() || revoked.session_ids.contains(&c.session_id) {
                            c.revoked.store(true, Ordering::Relaxed);
                            if c.by_access_token {
                                c.kill.cancel();
                            }
                        }
                    }),
                    Some(Kind::RolesChanged(change)) => {
                        let admin = is_admin(&change.roles);
                        self.for_user(&change.user_id, |c| c.admin.store(admin, Ordering::Relaxed));
                    }
                    None => {}
                }
            }
        }
        .instrument(span)
        .await;
    }

    /// False for a batch that was received before.
    fn first_sight(&self, id: &str) -> bool {
        if id.is_empty() {
            return true;
        }
        let mut state = self.state();
        if !state.seen.insert(id.to_owned()) {
            return false;
        }
        state.seen_order.push_back(id.to_owned());
        if state.seen_order.len() > REMEMBERED
            && let Some(oldest) = state.seen_order.pop_front()
        {
            state.seen.remove(&oldest);
        }
        true
    }

    fn for_user(&self, user_id: &str, mut act: impl FnMut(&Connection)) {
        if let Some(user) = self.state().users.get(user_id) {
            user.connections.iter().for_each(|c| act(c));
        }
    }

    fn deliver(&self, frame: &Frame, traceparent: &str, dirty: &mut Dirty) {
        let Some(audience) = &frame.audience else { return };
        let encoded = Arc::new(Encoded::new(frame, traceparent));
        metrics::counter!("mattermost_websocket_event_total", "type" => frame.event.clone()).increment(1);
        let state = self.state();
        let mut to_user = |id: &str| {
            if audience.omit_users.iter().any(|omitted| omitted == id) {
                return;
            }
            if let Some(user) = state.users.get(id) {
                let wanting = user.connections.iter().filter(|c| wanted(audience, c));
                dirty.extend(wanting.filter(|c| c.deliver(&encoded)).cloned());
            }
        };
        match &audience.scope {
            Some(Scope::UserId(id)) => to_user(id),
            Some(Scope::ChannelId(id)) => state.channels.get(id).into_iter().flatten().for_each(|id| to_user(id)),
            Some(Scope::TeamId(id)) => state.teams.get(id).into_iter().flatten().for_each(|id| to_user(id)),
            Some(Scope::Everyone(_)) => state.users.keys().for_each(|id| to_user(id)),
            None => {}
        }
    }

    /// Keeps a connected user's memberships current. A join listens before the frames that follow are delivered.
    async fn apply(&self, change: MembershipChange, at: i64) {
        let (group, subject) = if change.channel_id.is_empty() {
            (change.team_id.clone(), team_subject(&change.team_id))
        } else {
            (change.channel_id.clone(), channel_subject(&change.channel_id))
        };
        let is_channel = !change.channel_id.is_empty();
        {
            let mut state = self.state();
            let state = &mut *state;
            let Some(user) = state.users.get_mut(&change.user_id) else { return };
            if user.changed_at.get(&group).is_some_and(|known| *known > at) {
                return;
            }
            user.changed_at.insert(group.clone(), at);
            let (mine, all) = if is_channel { (&mut user.channels, &mut state.channels) } else { (&mut user.teams, &mut state.teams) };
            if change.joined {
                mine.insert(group.clone());
                all.entry(group).or_default().insert(change.user_id.clone());
            } else {
                mine.remove(&group);
                if leave(all, &group, &change.user_id)
                    && let Some(subscription) = state.subscriptions.remove(&subject)
                {
                    subscription.cancel();
                }
                return;
            }
        }
        if let Err(error) = self.subscribe(subject).await.and(self.0.bus.confirm().await) {
            // The bus is away: its watcher will close the sockets when it is back.
            tracing::warn!(%error, "listening after a join failed");
        }
    }
}

/// Boxed: a message may lead to another subscription, whose task is this one again.
fn listen(hub: Hub, mut subscriber: async_nats::Subscriber, stop: CancellationToken) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let mut dirty = Dirty::new();
        loop {
            tokio::select! {
                biased;
                message = subscriber.next() => match message {
                    Some(message) => hub.receive(&message.payload, &mut dirty).await,
                    None => return,
                },
                () = stop.cancelled() => return,
            }
            // What has arrived meanwhile leaves by the same writes.
            while dirty.len() < GATHERED_MAX
                && let Some(Some(message)) = subscriber.next().now_or_never()
            {
                hub.receive(&message.payload, &mut dirty).await;
            }
            flush(&mut dirty).await;
        }
    })
}

/// Writes what waits for these connections, on several threads when they are many.
async fn flush(dirty: &mut Dirty) {
    let threads = *FLUSHING_THREADS;
    if threads == 1 || dirty.len() <= FLUSHED_AT_ONCE {
        for (n, connection) in dirty.drain(..).enumerate() {
            connection.flush();
            if n % FLUSHED_AT_ONCE == FLUSHED_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
        return;
    }
    let share = dirty.len().div_ceil(threads).max(FLUSHED_AT_ONCE);
    let mut shares = JoinSet::new();
    while !dirty.is_empty() {
        let mut share = dirty.split_off(dirty.len().saturating_sub(share));
        shares.spawn(async move { share.drain(..).for_each(|connection| connection.flush()) });
    }
    shares.join_all().await;
}

fn wanted(audience: &Audience, connection: &Connection) -> bool {
    let admin = connection.admin.load(Ordering::Relaxed);
    !(audience.only_system_admins && !admin || audience.except_system_admins && admin || audience.omit_connection == connection.id)
}

/// Removes a user from a group; true when nobody connected here is left in it.
fn leave(groups: &mut HashMap<String, HashSet<String>>, id: &str, user_id: &str) -> bool {
    let Some(users) = groups.get_mut(id) else { return false };
    users.remove(user_id);
    if users.is_empty() {
        groups.remove(id);
        return true;
    }
    false
}

/// Whether these system roles make an administrator.
pub fn is_admin(roles: &str) -> bool {
    roles.split_whitespace().any(|role| role == "system_admin")
}
