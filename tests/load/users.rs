//! The user model: people with one connection and one socket each, who do what people do, with pauses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::actor::{Actor, Fault};
use crate::args::Users;
use crate::context::Context;
use crate::report::{Outcome, Progress, Recorder};
use crate::state::State;

/// Mean pause between two actions of one person at rate 1.
const MEAN_PAUSE: Duration = Duration::from_secs(20);
/// No pause is longer than this many means: a run has an end.
const LONGEST_PAUSE: f64 = 6.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    SwitchChannel,
    Scroll,
    UnreadCheck,
    Post,
    OpenDirect,
    Permalink,
    Reconnect,
    Reaction,
    Search,
    Edit,
}

/// Weights in tenths of a percent; they add up to 1000.
const WEIGHTS: [(Action, u32); 10] = [
    (Action::SwitchChannel, 530),
    (Action::Scroll, 160),
    (Action::UnreadCheck, 80),
    (Action::Post, 80),
    (Action::OpenDirect, 80),
    (Action::Permalink, 25),
    (Action::Reconnect, 10),
    (Action::Reaction, 10),
    (Action::Search, 15),
    (Action::Edit, 10),
];

impl Action {
    /// The action for a number below 1000.
    fn of_draw(draw: u32) -> Self {
        let mut below = 0;
        for (action, weight) in WEIGHTS {
            below += weight;
            if draw < below {
                return action;
            }
        }
        Self::SwitchChannel
    }

    fn name(self) -> &'static str {
        match self {
            Self::SwitchChannel => "switch channel",
            Self::Scroll => "scroll",
            Self::UnreadCheck => "unread check",
            Self::Post => "post",
            Self::OpenDirect => "open direct",
            Self::Permalink => "permalink",
            Self::Reconnect => "reconnect",
            Self::Reaction => "reaction",
            Self::Search => "search",
            Self::Edit => "edit",
        }
    }
}

/// An exponentially distributed pause, from a number in [0, 1).
fn pause(draw: f64, rate: f64) -> Duration {
    let means = (-(1.0 - draw).ln()).min(LONGEST_PAUSE);
    MEAN_PAUSE.mul_f64(means / rate.clamp(0.001, 10_000.0))
}

/// The result of `users`: one line per action, whole actions timed (several requests each).
#[derive(Debug, Serialize)]
pub struct UsersReport {
    pub users: u32,
    pub actions: Vec<Outcome>,
    /// Events the sockets heard.
    pub events: u64,
    /// Sockets that closed without being asked to.
    pub dropped_sockets: u64,
}

pub async fn run(context: &Context, state: &State, args: &Users) -> Result<UsersReport> {
    let shared = Arc::new(state.clone());
    let (progress, _ticker) = Progress::start("actions");
    let end = Instant::now() + Duration::from_secs(args.seconds.into());
    let mut people = JoinSet::new();
    for n in 0..args.users as usize {
        let mut actor = Actor::new(context, Arc::clone(&shared), n);
        let (progress, rate) = (Arc::clone(&progress), args.rate);
        people.spawn(async move {
            let mut timed = BTreeMap::new();
            live(&mut actor, end, rate, &progress, &mut timed).await?;
            anyhow::Ok((timed, actor.events(), actor.dropped()))
        });
    }
    let mut all = BTreeMap::<Action, Recorder>::new();
    let (mut events, mut dropped) = (0, 0);
    while let Some(done) = people.join_next().await {
        let (timed, heard, lost) = done??;
        events += heard;
        dropped += lost;
        for (action, recorder) in timed {
            match all.get_mut(&action) {
                Some(sum) => sum.merge(&recorder)?,
                None => {
                    all.insert(action, recorder);
                }
            }
        }
    }
    let seconds = f64::from(args.seconds);
    let actions = all.iter().map(|(action, recorder)| recorder.outcome(action.name(), seconds)).collect();
    Ok(UsersReport { users: args.users, actions, events, dropped_sockets: dropped })
}

async fn live(actor: &mut Actor, end: Instant, rate: f64, progress: &Progress, timed: &mut BTreeMap<Action, Recorder>) -> Result<()> {
    // People do not all sit down at the same moment; and the first thing they do is to load the application.
    tokio::time::sleep(pause(rand::random(), rate).min(MEAN_PAUSE.mul_f64(1.0 / rate.max(0.001)))).await;
    let mut next = Action::Reconnect;
    while Instant::now() < end {
        let start = Instant::now();
        let outcome = perform(actor, next).await;
        progress.count(outcome.is_ok());
        let recorder = match timed.entry(next) {
            std::collections::btree_map::Entry::Occupied(found) => found.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => new.insert(Recorder::new()?),
        };
        match outcome {
            Ok(()) => recorder.success(start.elapsed()),
            Err(Fault(cause)) => recorder.failure(cause),
        }
        let wake = (start + pause(rand::random(), rate)).min(end);
        tokio::time::sleep_until(wake.into()).await;
        next = Action::of_draw(rand::random_range(0..1000));
    }
    Ok(())
}

async fn perform(actor: &mut Actor, action: Action) -> Result<(), Fault> {
    match action {
        Action::SwitchChannel => actor.switch_channel().await,
        Action::Scroll => actor.scroll().await,
        Action::UnreadCheck => actor.unread_check().await,
        Action::Post => actor.post().await,
        Action::OpenDirect => actor.open_direct().await,
        Action::Permalink => actor.permalink().await,
        Action::Reconnect => actor.reconnect().await,
        Action::Reaction => actor.react().await,
        Action::Search => actor.search().await,
        Action::Edit => actor.edit().await,
    }
}

impl UsersReport {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!("{} users, {} events heard, {} sockets dropped", self.users, self.events, self.dropped_sockets);
        for action in &self.actions {
            text.push('\n');
            text.push_str(&action.line());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_come_in_the_given_shares() {
        let mut shares = BTreeMap::<Action, u32>::new();
        for draw in 0..1000 {
            *shares.entry(Action::of_draw(draw)).or_default() += 1;
        }
        assert_eq!(shares, BTreeMap::from(WEIGHTS));
        assert_eq!(WEIGHTS.iter().map(|(_, weight)| weight).sum::<u32>(), 1000);
    }

    #[test]
    fn pauses_have_the_mean_and_an_end() {
        let draws = 10_000;
        let sum: f64 = (0..draws).map(|n| pause(f64::from(n) / f64::from(draws), 1.0).as_secs_f64()).sum();
        let mean = sum / f64::from(draws);
        assert!((19.0..20.5).contains(&mean), "{mean}");
        assert_eq!(pause(0.999_999_999, 1.0), Duration::from_secs(120));
        assert!(pause(0.5, 4.0) < pause(0.5, 1.0));
    }
}
