//! A group's members in another order than that of names: newest accounts, latest activity, statuses.
//!
//! What changes often (activity, statuses) is not copied into each of a user's groups. A small group is read whole and
//! sorted; in a large one the index of the order is walked until the page is full, asking of each user whether they belong.

use super::super::store::{COLUMNS, user};
use muster_proto::{identity::ListUsersRequest, model::User};
use sqlx::{PgPool, Row};

/// Members up to which a group is small; as many rows are read and sorted in a few milliseconds.
const SMALL: i64 = 1_000;
/// Users of a status up to which they are looked for one by one in a large group.
const FEW: i64 = 1_000;

/// Statuses in the order of the list; everybody else comes after.
const SHOWN_FIRST: [&str; 3] = ["online", "away", "dnd"];

/// Newest accounts first; former members too. The group's copy holds the time, so this is one index range.
pub(super) async fn by_creation(pool: &PgPool, request: &ListUsersRequest) -> sqlx::Result<Vec<User>> {
    let sql = format!(
        "SELECT {COLUMNS}, 0::bigint AS activity FROM (
             SELECT m.user_id, m.create_at FROM group_members m WHERE m.group_id = $1
             ORDER BY m.create_at DESC, m.user_id LIMIT $2 OFFSET $3) p JOIN users u ON u.id = p.user_id
         ORDER BY p.create_at DESC, p.user_id"
    );
    read(pool, &sql, &request.in_team, request).await
}

/// Latest activity first; former members too, but only who was ever seen.
pub(super) async fn by_activity(pool: &PgPool, request: &ListUsersRequest) -> sqlx::Result<Vec<User>> {
    let members = if is_small(pool, &request.in_team).await? {
        "FROM group_members m JOIN statuses s ON s.user_id = m.user_id WHERE m.group_id = $1"
    } else {
        "FROM statuses s CROSS JOIN LATERAL (SELECT 1 FROM group_members m WHERE m.group_id = $1 AND m.user_id = s.user_id LIMIT 1) m"
    };
    let sql = format!(
        "SELECT {COLUMNS}, p.activity FROM (
             SELECT s.user_id, s.last_activity_at AS activity {members}
             ORDER BY s.last_activity_at DESC, s.user_id LIMIT $2 OFFSET $3) p JOIN users u ON u.id = p.user_id
         ORDER BY p.activity DESC, p.user_id"
    );
    read(pool, &sql, &request.in_team, request).await
}

/// Online, away, dnd, the rest; each by name. Statuses are those of the durable copy, which may lag by a second.
pub(super) async fn by_status(pool: &PgPool, request: &ListUsersRequest) -> sqlx::Result<Vec<User>> {
    let group_id = &request.in_channel;
    if is_small(pool, group_id).await? {
        let sql = format!(
            "SELECT {COLUMNS}, 0::bigint AS activity FROM (
                 SELECT m.user_id, m.username, CASE s.status WHEN 'online' THEN 1 WHEN 'away' THEN 2 WHEN 'dnd' THEN 3 ELSE 4 END AS rank
                 FROM group_members m LEFT JOIN statuses s ON s.user_id = m.user_id WHERE m.group_id = $1 AND m.member
                 ORDER BY rank, m.username LIMIT $2 OFFSET $3) p JOIN users u ON u.id = p.user_id
             ORDER BY p.rank, p.username"
        );
        return read(pool, &sql, group_id, request).await;
    }
    // One status after the other: what a page skips of one is known by reading so far.
    let (mut skip, mut page) = (request.offset, Vec::new());
    for status in SHOWN_FIRST.into_iter().map(Some).chain([None]) {
        let missing = request.limit - count(&page);
        if missing <= 0 {
            break;
        }
        let found = of_status(pool, group_id, status, skip + missing).await?;
        let passed = skip.min(count(&found));
        page.extend(found.into_iter().skip(usize::try_from(passed).unwrap_or_default()));
        skip -= passed;
    }
    let sql = format!(
        "SELECT {COLUMNS}, 0::bigint AS activity FROM unnest($1::text[]) WITH ORDINALITY p (id, place) JOIN users u ON u.id = p.id ORDER BY p.place"
    );
    sqlx::query(&sql).bind(&page).fetch_all(pool).await?.iter().map(user).collect()
}

fn count<T>(list: &[T]) -> i64 {
    i64::try_from(list.len()).unwrap_or(i64::MAX)
}

/// The first members of a status by name; `None` = who has none of those shown first.
async fn of_status(pool: &PgPool, group_id: &str, status: Option<&str>, limit: i64) -> sqlx::Result<Vec<String>> {
    // OFFSET 0 makes the users of a status one set, which walking the group in the order of names asks; a set of users
    // that are few is sooner looked up one by one.
    let among = |test: &str| {
        format!(
            "SELECT m.user_id FROM group_members m WHERE m.group_id = $1 AND m.member AND (m.user_id IN (
                 SELECT user_id FROM statuses WHERE status <> 'offline' AND status = ANY($2) OFFSET 0)) IS {test}
             ORDER BY m.username LIMIT $3"
        )
    };
    let Some(status) = status else {
        return sqlx::query_scalar(&among("NOT TRUE")).bind(group_id).bind(&SHOWN_FIRST[..]).bind(limit).fetch_all(pool).await;
    };
    let few = "SELECT count(*) <= $2 FROM (SELECT 1 FROM statuses WHERE status = $1 AND status <> 'offline' LIMIT $2 + 1) s";
    let sql = if sqlx::query_scalar(few).bind(status).bind(FEW).fetch_one(pool).await? {
        "SELECT user_id FROM (
             SELECT s.user_id, m.username FROM (SELECT user_id FROM statuses WHERE status = ANY($2) AND status <> 'offline') s
             CROSS JOIN LATERAL (
                 SELECT g.username FROM group_members g WHERE g.group_id = $1 AND g.user_id = s.user_id AND g.member LIMIT 1) m) p
         ORDER BY username LIMIT $3"
    } else {
        &among("TRUE")
    };
    sqlx::query_scalar(sql).bind(group_id).bind([status].as_slice()).bind(limit).fetch_all(pool).await
}

/// One look at no more than [`SMALL`] entries of an index.
async fn is_small(pool: &PgPool, group_id: &str) -> sqlx::Result<bool> {
    let sql = "SELECT count(*) <= $2 FROM (SELECT 1 FROM group_members WHERE group_id = $1 LIMIT $2 + 1) m";
    sqlx::query_scalar(sql).bind(group_id).bind(SMALL).fetch_one(pool).await
}

async fn read(pool: &PgPool, sql: &str, group_id: &str, request: &ListUsersRequest) -> sqlx::Result<Vec<User>> {
    let rows = sqlx::query(sql).bind(group_id).bind(request.limit).bind(request.offset).fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            let mut user = user(row)?;
            user.last_activity_at = row.try_get("activity")?;
            Ok(user)
        })
        .collect()
}
