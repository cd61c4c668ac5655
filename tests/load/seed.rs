//! Makes what the load needs, or finds it from an earlier run. Uses nothing but the public API.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{Api, Id};
use crate::args::Seed;
use crate::context::Context;
use crate::http::Call;
use crate::state::{Person, State};

/// Password of the made users; they exist only on a server under test.
pub const PASSWORD: &str = "muster-load-user-1";
/// Most users asked for or added at once.
const BATCH: usize = 20;

#[derive(Deserialize)]
struct Member {
    user_id: String,
}

#[derive(Deserialize)]
struct ChannelActivity {
    total_msg_count: u64,
}

/// Runs the whole seeding; each step looks first and makes only what is missing.
pub async fn run(context: &Context, args: &Seed) -> Result<State> {
    let mut admin = Api::new(context, 0, "");
    let person = admin.first_login(args).await?;
    admin.token.clone_from(&person.token);
    admin.raise_limits(args).await?;
    let team_id = admin.team(&args.team).await?;
    eprintln!("seed: team {} ready", args.team);

    let users = people(context, &admin, args).await?;
    admin.team_members(&team_id, &users).await?;
    eprintln!("seed: {} users in the team", users.len());

    let mut channels = Vec::new();
    for n in 0..args.channels {
        channels.push(admin.channel(&team_id, n).await?);
    }
    join_all(context, args, &users, &channels).await?;
    history(context, args, &users, &channels).await?;
    Ok(State { team_id, users, channels })
}

impl Api {
    async fn first_login(&mut self, args: &Seed) -> Result<Person> {
        let (name, password) = (&args.admin.admin_login, &args.admin.admin_password);
        if self.login(name, password).await?.is_none() {
            // Works without a session only while there is no user: the first becomes system administrator.
            let email = if name.contains('@') { name.clone() } else { format!("{name}@load.invalid") };
            let user = json!({ "username": name.split('@').next(), "email": email, "password": password });
            self.demand(&Call::post("/api/v4/users".into(), &user, 201)).await.context("cannot log in as --admin-login, nor sign it up")?;
        }
        let person = self.login(name, password).await?.context("the new administrator cannot log in")?;
        self.token.clone_from(&person.token);
        let me: Value = self.read(&Call::get("/api/v4/users/me".into())).await?;
        let roles = me["roles"].as_str().unwrap_or_default();
        ensure!(roles.split(' ').any(|role| role == "system_admin"), "{name} is no system administrator (roles: {roles})");
        Ok(person)
    }

    /// The shipped limit is 50 users per team.
    async fn raise_limits(&mut self, args: &Seed) -> Result<()> {
        let mut config: Value = self.read(&Call::get("/api/v4/config".into())).await?;
        if raise(&mut config, u64::from(args.users) + 100, u64::from(args.channels) + 100) {
            self.demand(&Call::put("/api/v4/config".into(), &config)).await?;
        }
        Ok(())
    }

    async fn team(&mut self, name: &str) -> Result<String> {
        let found = self.send(&Call::get(format!("/api/v4/teams/name/{name}"))).await?;
        if found.status == 200 {
            return Ok(serde_json::from_slice::<Id>(&found.body)?.id);
        }
        let team = json!({ "name": name, "display_name": "Load", "type": "O" });
        Ok(self.read::<Id>(&Call::post("/api/v4/teams".into(), &team, 201)).await?.id)
    }

    async fn channel(&mut self, team_id: &str, n: u32) -> Result<String> {
        let name = format!("load-{n:04}");
        let found = self.send(&Call::get(format!("/api/v4/teams/{team_id}/channels/name/{name}"))).await?;
        if found.status == 200 {
            return Ok(serde_json::from_slice::<Id>(&found.body)?.id);
        }
        let channel = json!({ "team_id": team_id, "name": name, "display_name": format!("Load {n}"), "type": "O" });
        Ok(self.read::<Id>(&Call::post("/api/v4/channels".into(), &channel, 201)).await?.id)
    }

    async fn team_members(&mut self, team_id: &str, users: &[Person]) -> Result<()> {
        for some in users.chunks(BATCH) {
            let ids: Vec<&str> = some.iter().map(|u| u.id.as_str()).collect();
            let path = format!("/api/v4/teams/{team_id}/members");
            let there: Vec<Member> = self.read(&Call::post(format!("{path}/ids"), &json!(ids), 200)).await?;
            let missing: Vec<Value> = ids
                .iter()
                .filter(|id| !there.iter().any(|m| m.user_id == **id))
                .map(|id| json!({ "team_id": team_id, "user_id": id }))
                .collect();
            if !missing.is_empty() {
                self.demand(&Call::post(format!("{path}/batch"), &json!(missing), 201)).await?;
            }
        }
        Ok(())
    }
}

/// Raises the two limits where they are lower; true when something changed.
pub fn raise(config: &mut Value, users: u64, channels: u64) -> bool {
    let mut changed = false;
    for (key, least) in [("MaxUsersPerTeam", users), ("MaxChannelsPerTeam", channels)] {
        if let Some(limit) = config.pointer_mut(&format!("/TeamSettings/{key}"))
            && limit.as_u64().is_some_and(|now| now < least)
        {
            *limit = json!(least);
            changed = true;
        }
    }
    changed
}

async fn people(context: &Context, admin: &Api, args: &Seed) -> Result<Vec<Person>> {
    let making = stream::iter(0..args.users as usize).map(|n| {
        let token = admin.token.clone();
        async move {
            let name = format!("load{n:05}");
            if let Some(person) = Api::new(context, n, "").login(&name, PASSWORD).await? {
                return Ok(person);
            }
            let user = json!({ "username": name, "email": format!("{name}@load.invalid"), "password": PASSWORD, "first_name": "Load" });
            Api::new(context, n, &token).demand(&Call::post("/api/v4/users".into(), &user, 201)).await?;
            let person = Api::new(context, n, "").login(&name, PASSWORD).await?;
            person.with_context(|| format!("{name} cannot log in"))
        }
    });
    let mut done = 0;
    // In order: the n-th user of the state is load<n>, run after run.
    let people: Vec<Person> = making
        .buffered(usize::from(args.concurrency).min(8))
        .inspect(|_: &Result<Person>| {
            done += 1;
            if done % 50 == 0 {
                eprintln!("seed: {done} users");
            }
        })
        .try_collect()
        .await?;
    Ok(people)
}

/// Everybody joins every channel himself, which also marks it read.
async fn join_all(context: &Context, args: &Seed, users: &[Person], channels: &[String]) -> Result<()> {
    let mut api = Api::new(context, 0, &users[0].token);
    let mut missing = Vec::new();
    for channel in channels {
        let there = members(&mut api, channel).await?;
        missing.extend(users.iter().filter(|u| !there.contains(&u.id)).map(|u| (channel, u)));
    }
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("seed: {} joins", missing.len());
    spread(context, args, &missing, |(channel, user)| {
        (Call::post(format!("/api/v4/channels/{channel}/members"), &json!({ "user_id": user.id }), 201), user.token.clone())
    })
    .await
}

async fn members(api: &mut Api, channel: &str) -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    // The asker joins first: reading members needs membership. Joining twice is no error.
    let me: Id = api.read(&Call::get("/api/v4/users/me".into())).await?;
    api.demand(&Call::post(format!("/api/v4/channels/{channel}/members"), &json!({ "user_id": me.id }), 201)).await?;
    for page in 0.. {
        let some: Vec<Member> = api.read(&Call::get(format!("/api/v4/channels/{channel}/members?page={page}&per_page=200"))).await?;
        let last = some.len() < 200;
        all.extend(some.into_iter().map(|m| m.user_id));
        if last {
            break;
        }
    }
    Ok(all)
}

async fn history(context: &Context, args: &Seed, users: &[Person], channels: &[String]) -> Result<()> {
    let wanted = u64::from(args.posts).div_ceil(channels.len() as u64);
    let mut api = Api::new(context, 0, &users[0].token);
    let mut posted = BTreeMap::new();
    for channel in channels {
        let found: ChannelActivity = api.read(&Call::get(format!("/api/v4/channels/{channel}"))).await?;
        posted.insert(channel.as_str(), found.total_msg_count);
    }
    // Round by round, so that the channels grow side by side as in life.
    let rounds = (0..wanted).flat_map(|n| channels.iter().map(move |channel| (n, channel)));
    let plan: Vec<(u64, &String)> = rounds.filter(|(n, channel)| *n >= posted[channel.as_str()]).collect();
    if plan.is_empty() {
        return Ok(());
    }
    eprintln!("seed: {} posts", plan.len());
    spread(context, args, &plan, |(n, channel)| {
        let author = &users[(*n as usize * 7 + channel.len() + channel.as_bytes()[0] as usize) % users.len()];
        let body = json!({ "channel_id": channel, "message": sentence(*n) });
        (Call::post("/api/v4/posts".into(), &body, 201), author.token.clone())
    })
    .await
}

/// A message that differs from its neighbours, with words a search can find.
fn sentence(n: u64) -> String {
    const WORDS: [&str; 16] = [
        "release", "review", "deploy", "garden", "coffee", "ticket", "server", "budget", "design", "travel", "lunch", "report", "météo",
        "会議", "#status", "window",
    ];
    let word = |k: u64| WORDS[((n * 31 + k * k * 7 + n / 16) % 16) as usize];
    format!("history {n} {} {} {} {} {} {}", word(1), word(2), word(3), word(4), word(5), word(6))
}

/// Sends one call per item over `concurrency` connections; the first failure ends it.
async fn spread<T: Sync>(context: &Context, args: &Seed, items: &[T], call: impl Fn(&T) -> (Call, String)) -> Result<()> {
    let lanes = usize::from(args.concurrency).min(items.len()).max(1);
    let call = &call;
    let work = (0..lanes).map(|lane| async move {
        let mut api = Api::new(context, lane, "");
        for (n, item) in items.iter().enumerate().skip(lane).step_by(lanes) {
            let (call, token) = call(item);
            api.token = token;
            api.demand(&call).await?;
            if n > 0 && n.is_multiple_of(1000) {
                eprintln!("seed: {n}/{}", items.len());
            }
        }
        anyhow::Ok(())
    });
    futures_util::future::try_join_all(work).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_raised_but_never_lowered() {
        let mut config = json!({ "TeamSettings": { "MaxUsersPerTeam": 50, "MaxChannelsPerTeam": 2000, "SiteName": "x" } });
        assert!(raise(&mut config, 300, 120));
        assert_eq!(config, json!({ "TeamSettings": { "MaxUsersPerTeam": 300, "MaxChannelsPerTeam": 2000, "SiteName": "x" } }));
        assert!(!raise(&mut config, 200, 120));
    }

    #[test]
    fn neighbouring_sentences_differ() {
        assert_ne!(sentence(1), sentence(2));
        assert!(sentence(3).len() < 200);
    }
}
