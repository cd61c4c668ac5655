//! Lists, search and autocompletion of users. A group's list is one index range of `group_members` in the order it is
//! shown.

mod find;
mod ordered;
mod outsiders;

use super::store::{COLUMNS, user};
use find::{Fields, find};
use muster_proto::{
    identity::{AutocompleteUsersRequest, ListUsersRequest, SearchUsersRequest},
    model::User,
};
use sqlx::{PgPool, Postgres, QueryBuilder};

/// Whom a query ranges over.
enum Scope<'a> {
    Everybody,
    Without,
    In(&'a str),
    NotIn(&'a str),
    /// In the first group, not in the second.
    InBut(&'a str, &'a str),
    /// A list of the outsiders of a large group.
    Listed(i64),
}

/// The scope, by its list of outsiders where there is one.
async fn listed<'a>(pool: &PgPool, scope: Scope<'a>) -> sqlx::Result<Scope<'a>> {
    let list = match &scope {
        Scope::NotIn(group) => outsiders::list_of(pool, group, "").await?,
        Scope::InBut(within, group) if !within.is_empty() => outsiders::list_of(pool, group, within).await?,
        _ => None,
    };
    Ok(list.map_or(scope, Scope::Listed))
}

/// `FROM … WHERE …` of a scope; `u` is the user.
fn push_scope<'a>(query: &mut QueryBuilder<'a, Postgres>, scope: &Scope<'a>) {
    let not_in = |query: &mut QueryBuilder<'a, Postgres>, group: &'a str| {
        query.push(" NOT EXISTS (SELECT 1 FROM group_members n WHERE n.user_id = u.id AND n.member AND n.group_id = ");
        query.push_bind(group).push(")");
    };
    match scope {
        Scope::Everybody => {
            query.push(" FROM users u WHERE true");
        }
        Scope::Without => {
            query.push(" FROM users u WHERE NOT u.has_team");
        }
        Scope::In(group) | Scope::InBut(group, _) => {
            query.push(" FROM group_members m JOIN users u ON u.id = m.user_id WHERE m.member AND m.group_id = ").push_bind(*group);
        }
        Scope::NotIn(group) => {
            query.push(" FROM users u WHERE");
            not_in(query, group);
        }
        Scope::Listed(list) => {
            query.push(" FROM outsiders m JOIN users u ON u.id = m.user_id WHERE m.list_id = ").push_bind(*list);
        }
    }
    if let Scope::InBut(_, group) = scope {
        query.push(" AND");
        not_in(query, group);
    }
}

/// The column that is in the order of usernames.
fn by_name(scope: &Scope) -> &'static str {
    if matches!(scope, Scope::In(_) | Scope::InBut(..) | Scope::Listed(_)) { "m.username" } else { "u.username" }
}

pub(super) async fn list(pool: &PgPool, request: &ListUsersRequest) -> sqlx::Result<Vec<User>> {
    let set = |text: &str| !text.is_empty();
    match request.sort.as_str() {
        "" => {}
        "status" => return ordered::by_status(pool, request).await,
        "create_at" => return ordered::by_creation(pool, request).await,
        _ => return ordered::by_activity(pool, request).await,
    }
    let scope = if request.without_team {
        Scope::Without
    } else if set(&request.not_in_channel) {
        Scope::InBut(&request.in_team, &request.not_in_channel)
    } else if set(&request.not_in_team) {
        Scope::NotIn(&request.not_in_team)
    } else if set(&request.in_team) {
        Scope::In(&request.in_team)
    } else if set(&request.in_channel) {
        Scope::In(&request.in_channel)
    } else {
        Scope::Everybody
    };
    let scope = listed(pool, scope).await?;
    let mut query = QueryBuilder::new(format!("SELECT {COLUMNS}"));
    // A copied list tells alone who is on the page: what the offset skips costs an entry of its index each.
    let copied = match &scope {
        Scope::In(group) => {
            query.push(" FROM (SELECT m.user_id FROM group_members m WHERE m.member AND m.group_id = ").push_bind(*group);
            true
        }
        Scope::Listed(list) => {
            query.push(" FROM (SELECT m.user_id FROM outsiders m WHERE m.list_id = ").push_bind(*list);
            true
        }
        _ => {
            push_scope(&mut query, &scope);
            false
        }
    };
    query.push(" ORDER BY ").push(by_name(&scope));
    query.push(" LIMIT ").push_bind(request.limit).push(" OFFSET ").push_bind(request.offset);
    if copied {
        query.push(") page JOIN users u ON u.id = page.user_id ORDER BY u.username");
    }
    query.build().fetch_all(pool).await?.iter().map(user).collect()
}

pub(super) async fn search(pool: &PgPool, request: &SearchUsersRequest) -> sqlx::Result<Vec<User>> {
    let set = |text: &str| !text.is_empty();
    let scope = if request.without_team {
        Scope::Without
    } else if set(&request.in_channel_id) {
        Scope::In(&request.in_channel_id)
    } else if set(&request.not_in_channel_id) {
        Scope::InBut(&request.team_id, &request.not_in_channel_id)
    } else if set(&request.not_in_team_id) {
        Scope::NotIn(&request.not_in_team_id)
    } else if set(&request.team_id) {
        Scope::In(&request.team_id)
    } else {
        Scope::Everybody
    };
    let fields = Fields { full_name: request.search_full_name, email: request.search_email };
    find(pool, scope, &request.term, &fields, request.allow_inactive, request.limit).await
}

/// Those in the channel (or the team, or all), and with a channel those outside it.
pub(super) async fn autocomplete(pool: &PgPool, request: &AutocompleteUsersRequest) -> sqlx::Result<(Vec<User>, Vec<User>)> {
    let fields = Fields { full_name: request.search_full_name, email: false };
    let find = |scope| find(pool, scope, &request.name, &fields, false, request.limit);
    match (request.in_channel.as_str(), request.in_team.as_str()) {
        ("", "") => Ok((find(Scope::Everybody).await?, Vec::new())),
        ("", team) => Ok((find(Scope::In(team)).await?, Vec::new())),
        (channel, "") => tokio::try_join!(find(Scope::In(channel)), find(Scope::NotIn(channel))),
        (channel, team) => tokio::try_join!(find(Scope::In(channel)), find(Scope::InBut(team, channel))),
    }
}
