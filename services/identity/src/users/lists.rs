//! Lists, search and autocompletion of users. A group's list is one index range of `group_members` in the order it is
//! shown; prefixes are ranges of an index each.

mod ordered;
mod outsiders;

use super::store::{COLUMNS, user};
use muster_proto::{
    identity::{AutocompleteUsersRequest, ListUsersRequest, SearchUsersRequest},
    model::User,
};
use sqlx::{PgPool, Postgres, QueryBuilder};

/// Words of a search term that count; the rest is ignored.
const WORDS_MAX: usize = 16;
/// Sorts after everything that begins with the text before it.
const LAST: char = '\u{10ffff}';

/// Users up to which a term is rare.
const RARE: i64 = 3_000;
/// Users looked at in the order of names before a common term is searched otherwise.
const WALK: i64 = 3_000;

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
    push_scope(&mut query, &scope);
    query.push(" ORDER BY ").push(by_name(&scope));
    query.push(" LIMIT ").push_bind(request.limit).push(" OFFSET ").push_bind(request.offset);
    query.build().fetch_all(pool).await?.iter().map(user).collect()
}

/// What a word may begin.
struct Fields {
    full_name: bool,
    email: bool,
}

/// The words of a term, folded; `*` means nothing.
fn words(term: &str) -> Vec<String> {
    term.replace('*', "").to_lowercase().split_whitespace().take(WORDS_MAX).map(str::to_owned).collect()
}

fn push_words(query: &mut QueryBuilder<'_, Postgres>, term: &str, fields: &Fields) {
    let mut columns = vec!["u.username", "u.search_nickname"];
    if fields.full_name {
        columns.extend(["u.search_first_name", "u.search_last_name"]);
    }
    if fields.email {
        columns.push("u.email");
    }
    for word in words(term) {
        let end = format!("{word}{LAST}");
        query.push(" AND (");
        for (i, column) in columns.iter().enumerate() {
            query.push(if i > 0 { " OR (" } else { "(" });
            query.push(column).push(" >= ").push_bind(word.clone());
            query.push(" AND ").push(column).push(" < ").push_bind(end.clone());
            // Lets the partial indexes answer.
            query.push(" AND ").push(column).push(" <> '')");
        }
        query.push(")");
    }
}

async fn find(pool: &PgPool, scope: Scope<'_>, term: &str, fields: &Fields, inactive: bool, limit: i64) -> sqlx::Result<Vec<User>> {
    let filter = |query: &mut QueryBuilder<'_, Postgres>| {
        push_words(query, term, fields);
        if !inactive {
            query.push(" AND u.delete_at = 0");
        }
    };
    let scope = listed(pool, scope).await?;
    if words(term).is_empty() {
        return walk(pool, &scope, None, &filter, limit).await;
    }
    // Common words soon fill a page in the order of names, rare ones give few users to look at; the planner cannot know
    // which is which, because words and that order go together.
    let mut query = QueryBuilder::new("SELECT count(*) FROM (SELECT 1 FROM users u WHERE true");
    filter(&mut query);
    query.push(" LIMIT ").push_bind(RARE + 1).push(") found");
    let found: i64 = query.build_query_scalar().persistent(false).fetch_one(pool).await?;
    if found > RARE {
        let page = walk(pool, &scope, Some(WALK), &filter, limit).await?;
        // A full page, or nobody is left to be looked at.
        if i64::try_from(page.len()).is_ok_and(|n| n >= limit) || !exceeds(pool, &scope, WALK).await? {
            return Ok(page);
        }
    }
    gather(pool, &scope, &filter, limit).await
}

/// Whether a scope has more users than this.
async fn exceeds(pool: &PgPool, scope: &Scope<'_>, most: i64) -> sqlx::Result<bool> {
    let mut query = QueryBuilder::new("SELECT count(*) > ");
    query.push_bind(most).push(" FROM (SELECT 1");
    push_scope(&mut query, scope);
    query.push(" LIMIT ").push_bind(most + 1).push(") found");
    query.build_query_scalar().persistent(false).fetch_one(pool).await
}

/// Users of a scope in the order of names, of whom the first `most` are looked at.
async fn walk(
    pool: &PgPool,
    scope: &Scope<'_>,
    most: Option<i64>,
    filter: &impl Fn(&mut QueryBuilder<'_, Postgres>),
    limit: i64,
) -> sqlx::Result<Vec<User>> {
    let mut query = QueryBuilder::new(format!("SELECT {COLUMNS}"));
    if let Some(most) = most {
        query.push(" FROM (SELECT u.id");
        push_scope(&mut query, scope);
        query
            .push(" ORDER BY ")
            .push(by_name(scope))
            .push(" LIMIT ")
            .push_bind(most)
            .push(") first JOIN users u ON u.id = first.id WHERE true");
        filter(&mut query);
        query.push(" ORDER BY u.username");
    } else {
        push_scope(&mut query, scope);
        filter(&mut query);
        query.push(" ORDER BY ").push(by_name(scope));
    }
    query.push(" LIMIT ").push_bind(limit);
    query.build().persistent(false).fetch_all(pool).await?.iter().map(user).collect()
}

/// Everybody the words fit, then who of them is in the scope.
async fn gather(
    pool: &PgPool,
    scope: &Scope<'_>,
    filter: &impl Fn(&mut QueryBuilder<'_, Postgres>),
    limit: i64,
) -> sqlx::Result<Vec<User>> {
    // By name, like the sorted users: neighbours in the index, which alone answers.
    let member = |query: &mut QueryBuilder<'_, Postgres>, group: &str, wanted: &str| {
        query
            .push(" AND ")
            .push(wanted)
            .push(" (SELECT 1 FROM group_members g WHERE g.member AND g.username = c.username AND g.group_id = ");
        query.push_bind(group.to_owned()).push(" OFFSET 0)");
    };
    // OFFSET 0 keeps finding and sorting apart from asking who belongs, which ends with the page.
    let mut query =
        QueryBuilder::new(format!("SELECT {COLUMNS} FROM (SELECT c.id FROM (SELECT u.id, u.username, u.has_team FROM users u WHERE true"));
    filter(&mut query);
    query.push(" ORDER BY u.username OFFSET 0) c WHERE true");
    match scope {
        Scope::Everybody => {}
        Scope::Without => {
            query.push(" AND NOT c.has_team");
        }
        Scope::In(group) => member(&mut query, group, "EXISTS"),
        Scope::NotIn(group) => member(&mut query, group, "NOT EXISTS"),
        Scope::InBut(group, but) => {
            member(&mut query, group, "EXISTS");
            member(&mut query, but, "NOT EXISTS");
        }
        Scope::Listed(list) => {
            query.push(" AND EXISTS (SELECT 1 FROM outsiders o WHERE o.username = c.username AND o.list_id = ");
            query.push_bind(*list).push(" OFFSET 0)");
        }
    }
    query.push(" ORDER BY c.username LIMIT ").push_bind(limit).push(") page JOIN users u ON u.id = page.id ORDER BY u.username");
    query.build().persistent(false).fetch_all(pool).await?.iter().map(user).collect()
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
        (channel, "") => Ok((find(Scope::In(channel)).await?, find(Scope::NotIn(channel)).await?)),
        (channel, team) => Ok((find(Scope::In(channel)).await?, find(Scope::InBut(team, channel)).await?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_folded_words() {
        assert_eq!(words("  ÉL* b%_ \t@c"), ["él", "b%_", "@c"]);
        assert_eq!(words("*"), [""; 0]);
    }
}
