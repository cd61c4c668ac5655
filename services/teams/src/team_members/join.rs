//! Joining a team, by whatever way: the membership, the default channels, and what others are told.

use super::{events, names_the_adder, store};
use crate::{
    channel_members, channels,
    effects::{Effect, Group, fact},
    system_posts, teams,
    writer::{Consequences, sql},
};
use muster_domain::{
    channels::{OFF_TOPIC, TOWN_SQUARE},
    config::Settings,
    roles::{CHANNEL_ADMIN, CHANNEL_USER, TEAM_ADMIN, TEAM_USER},
    time::now_ms,
};
use muster_error::{AppError, ErrorId, Result};
use muster_proto::{
    model::{Channel, Post, Team, TeamMember, User},
    teams::TeamJoin,
};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};

/// One way into one team.
pub struct Joining<'a> {
    pub team: &'a Team,
    pub how: TeamJoin,
    /// Who adds, where the system posts name him.
    pub adder: Option<&'a User>,
    pub settings: &'a Settings,
    /// Live members whose accounts are deactivated: they take no place.
    pub inactive: i64,
}

pub struct Joined {
    /// In the order asked, up to the first who was refused.
    pub members: Vec<TeamMember>,
    pub refused: Option<AppError>,
}

/// Lets users in one after another until the team is full. Those who are members stay as they are.
pub async fn join(conn: &mut PgConnection, joining: &Joining<'_>, users: &[&User], consequences: &mut Consequences) -> Result<Joined> {
    let team = joining.team;
    // Joins of one team queue here, so that the last place is given once.
    let live = teams::store::lock_members(conn, &team.id).await.map_err(sql)?.ok_or(AppError::new(ErrorId::TeamNotFound))?;
    let ids: Vec<&str> = users.iter().map(|u| u.id.as_str()).collect();
    let before: HashMap<String, TeamMember> =
        store::lock(conn, &team.id, &ids).await.map_err(sql)?.into_iter().map(|m| (m.user_id.clone(), m)).collect();
    let places = joining.settings.max_users_per_team - (live - joining.inactive);

    let Admission { admitted, newcomers, refused } = admit(users, &before, places);
    let rows: Vec<TeamMember> = newcomers.iter().map(|user| member(team, user)).collect();
    store::upsert(conn, &rows).await.map_err(sql)?;
    if !rows.is_empty() {
        teams::store::add_to_member_count(conn, &team.id, rows.len() as i64).await.map_err(sql)?;
    }
    let defaults = default_channels(conn, &team.id).await?;
    let joins: Vec<(&Channel, &User, &'static str)> =
        defaults.iter().flat_map(|channel| newcomers.iter().map(move |user| (channel, *user, channel_roles(team, user)))).collect();
    let now = now_ms();
    channel_members::store::insert_many(conn, joins.iter().map(|(c, u, roles)| (c.id.as_str(), u.id.as_str(), *roles)), now)
        .await
        .map_err(sql)?;
    if !newcomers.is_empty() {
        let touched: Vec<&str> = defaults.iter().map(|c| c.id.as_str()).collect();
        channels::store::touch_members(conn, &touched, now).await.map_err(sql)?;
    }

    for user in &newcomers {
        consequences.stale_team_member(&team.id, &user.id);
        for channel in &defaults {
            consequences.stale_member(&channel.id, &user.id);
        }
        consequences.announce(events::joined(&team.id, &defaults, &user.id, times_announced(joining.how, true)));
    }
    let known: HashSet<&str> = newcomers.iter().map(|u| u.id.as_str()).collect();
    for user in admitted.iter().filter(|u| !known.contains(u.id.as_str())) {
        if let times @ 1.. = times_announced(joining.how, false) {
            consequences.announce(events::added_again(&team.id, &user.id, times));
        }
    }
    if !newcomers.is_empty() {
        let facts = newcomers
            .iter()
            .flat_map(|user| {
                let channels = defaults.iter().map(|c| fact(Group::Channel, &c.id, &user.id, true));
                channels.chain([fact(Group::Team, &team.id, &user.id, true)])
            })
            .collect();
        consequences.effect(Effect::memberships(&team.id, facts));
    }
    if joining.how != TeamJoin::Silent {
        let town_square = joining.settings.experimental_enable_default_channel_leave_join_messages;
        for (channel, user, _) in &joins {
            if channel.name != TOWN_SQUARE || town_square {
                consequences.effect(Effect::system_post(join_post(joining, channel, user)));
            }
        }
    }

    let fresh: HashMap<&str, &TeamMember> = rows.iter().map(|m| (m.user_id.as_str(), m)).collect();
    let members =
        admitted.iter().filter_map(|user| fresh.get(user.id.as_str()).copied().or_else(|| before.get(&user.id)).cloned()).collect();
    Ok(Joined { members, refused })
}

struct Admission<'a> {
    /// Old members and newcomers, in the order asked.
    admitted: Vec<&'a User>,
    /// Those who were not live members.
    newcomers: Vec<&'a User>,
    refused: Option<AppError>,
}

/// Who gets in when `places` are left. A former member without a place is told so by another error id.
fn admit<'a>(users: &[&'a User], before: &HashMap<String, TeamMember>, places: i64) -> Admission<'a> {
    let mut admission = Admission { admitted: Vec::new(), newcomers: Vec::new(), refused: None };
    let mut seen = HashSet::new();
    for user in users {
        let former = before.get(&user.id);
        let is_member = former.is_some_and(|m| m.delete_at == 0);
        if !is_member && !seen.contains(user.id.as_str()) {
            if admission.newcomers.len() as i64 >= places {
                let id = if former.is_some() { ErrorId::TeamFullRejoin } else { ErrorId::TeamFull };
                admission.refused = Some(AppError::new(id));
                break;
            }
            seen.insert(user.id.as_str());
            admission.newcomers.push(user);
        }
        admission.admitted.push(user);
    }
    admission
}

/// town-square, and off-topic as long as it is open.
async fn default_channels(conn: &mut PgConnection, team_id: &str) -> Result<Vec<Channel>> {
    let channels = channels::store::by_names(conn, team_id, &[TOWN_SQUARE, OFF_TOPIC]).await.map_err(sql)?;
    Ok(channels.into_iter().filter(|c| c.name == TOWN_SQUARE || (c.delete_at == 0 && c.r#type == "O")).collect())
}

fn founded_by(team: &Team, user: &User) -> bool {
    !team.email.is_empty() && team.email == user.email
}

fn member(team: &Team, user: &User) -> TeamMember {
    let roles = if founded_by(team, user) { format!("{TEAM_USER} {TEAM_ADMIN}") } else { TEAM_USER.to_owned() };
    TeamMember { team_id: team.id.clone(), user_id: user.id.clone(), roles, delete_at: 0 }
}

fn channel_roles(team: &Team, user: &User) -> &'static str {
    const BOTH: &str = "channel_user channel_admin";
    debug_assert_eq!(BOTH, format!("{CHANNEL_USER} {CHANNEL_ADMIN}"));
    if founded_by(team, user) { BOTH } else { CHANNEL_USER }
}

/// How often `added_to_team` is sent: clients of the original get it once by invite and twice by an addition.
const fn times_announced(how: TeamJoin, newcomer: bool) -> usize {
    let by_addition = matches!(how, TeamJoin::Single | TeamJoin::Batch);
    newcomer as usize + by_addition as usize
}

fn join_post(joining: &Joining<'_>, channel: &Channel, user: &User) -> Post {
    let adder = joining.adder.filter(|_| names_the_adder(joining.how));
    match (channel.name == TOWN_SQUARE, adder) {
        (true, Some(adder)) => system_posts::added_to_team(&channel.id, adder, user),
        (true, None) => system_posts::joined_team(&channel.id, user),
        (false, Some(adder)) => system_posts::added_to_channel(&channel.id, adder, user, ""),
        (false, None) => system_posts::joined_channel(&channel.id, user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> User {
        User { id: id.into(), ..User::default() }
    }

    #[test]
    fn the_first_without_a_place_ends_it() {
        let (old, gone, new, late) = (user("old"), user("gone"), user("new"), user("late"));
        let row = |id: &str, delete_at| (id.to_owned(), TeamMember { user_id: id.into(), delete_at, ..TeamMember::default() });
        let before = HashMap::from([row("old", 0), row("gone", 5)]);
        let all = [&old, &new, &new, &gone, &late];
        let names = |users: &[&User]| users.iter().map(|u| u.id.clone()).collect::<Vec<_>>();

        let some = admit(&all, &before, 1);
        assert_eq!(names(&some.admitted), ["old", "new", "new"]);
        assert_eq!(names(&some.newcomers), ["new"]);
        assert_eq!(some.refused.map(|e| e.id), Some(ErrorId::TeamFullRejoin));

        let none = admit(&[&old, &late], &before, 0);
        assert_eq!(names(&none.admitted), ["old"]);
        assert_eq!(none.refused.map(|e| e.id), Some(ErrorId::TeamFull));

        let every = admit(&all, &before, 3);
        assert_eq!(names(&every.newcomers), ["new", "gone", "late"]);
        assert!(every.refused.is_none());
    }

    #[test]
    fn additions_are_announced_twice_and_repetitions_once() {
        assert_eq!(times_announced(TeamJoin::Single, true), 2);
        assert_eq!(times_announced(TeamJoin::Batch, false), 1);
        assert_eq!(times_announced(TeamJoin::Invite, true), 1);
        assert_eq!(times_announced(TeamJoin::Invite, false), 0);
    }

    #[test]
    fn the_founder_administers() {
        let team = Team { id: "t".into(), email: "a@b.co".into(), ..Team::default() };
        let founder = User { email: "a@b.co".into(), ..user("f") };
        assert_eq!(member(&team, &founder).roles, "team_user team_admin");
        assert_eq!(channel_roles(&team, &founder), "channel_user channel_admin");
        assert_eq!(member(&team, &user("x")).roles, "team_user");
    }
}
