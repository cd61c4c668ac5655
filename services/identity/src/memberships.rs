//! Who is in which team and channel: copies of facts the teams service owns, so that user lists are one query.

use muster_domain::time::now_ms;
use muster_error::AppError;
use muster_events::{Bus, invalidation::What};
use muster_proto::identity::{
    ActiveMembersReply, ActiveMembersRequest, ApplyMembershipsRequest, ForgetGroupsRequest, MembershipFact, MembershipsApplied,
    membership_counts_server::MembershipCounts, memberships_server::Memberships,
};
use muster_runtime::{Caller, postgres::sql_error};
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeMap;
use tonic::{Request, Response, Status};

pub(crate) struct MembershipsService {
    pub(crate) pool: PgPool,
    pub(crate) bus: Bus,
}

#[tonic::async_trait]
impl Memberships for MembershipsService {
    async fn apply(&self, request: Request<ApplyMembershipsRequest>) -> Result<Response<MembershipsApplied>, Status> {
        Caller::of(&request)?;
        let facts = newest(request.into_inner().facts);
        let touched = apply(&self.pool, &facts).await.map_err(sql_error)?;
        self.bus.invalidate_now(touched.into_iter().map(What::UserId)).await;
        Ok(Response::new(MembershipsApplied {}))
    }

    async fn forget(&self, request: Request<ForgetGroupsRequest>) -> Result<Response<MembershipsApplied>, Status> {
        Caller::of(&request)?;
        let groups = request.into_inner().group_ids;
        loop {
            let gone = forget(&self.pool, &groups).await.map_err(sql_error)?;
            if gone.rows == 0 {
                break;
            }
            self.bus.invalidate_now(gone.left_team.into_iter().map(What::UserId)).await;
        }
        Ok(Response::new(MembershipsApplied {}))
    }
}

/// Memberships one statement removes.
const FORGET_BATCH: i64 = 1_000;

struct Forgotten {
    rows: usize,
    /// Whose accounts changed with it.
    left_team: Vec<String>,
}

/// Removes some of the memberships of groups that are no more.
async fn forget(pool: &PgPool, groups: &[String]) -> sqlx::Result<Forgotten> {
    let mut tx = pool.begin().await?;
    // Accounts before memberships, the order in which facts take them.
    let found: Vec<(String, String)> =
        sqlx::query_as("SELECT group_id, user_id FROM group_members WHERE group_id = ANY($1) ORDER BY user_id LIMIT $2")
            .bind(groups)
            .bind(FORGET_BATCH)
            .fetch_all(&mut *tx)
            .await?;
    let (ids, users): (Vec<String>, Vec<String>) = found.into_iter().unzip();
    sqlx::query("SELECT 1 FROM users WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE").bind(&users).execute(&mut *tx).await?;
    // Before the memberships: nobody is to be listed as outside a group that is no more.
    sqlx::query(
        "WITH lists AS (DELETE FROM outsider_lists WHERE group_id = ANY($1) OR within = ANY($1) RETURNING id)
         DELETE FROM outsiders o USING lists l WHERE o.list_id = l.id",
    )
    .bind(groups)
    .execute(&mut *tx)
    .await?;
    let left_team: Vec<String> = sqlx::query_scalar(
        "WITH gone AS (
             DELETE FROM group_members g USING unnest($1::text[], $2::text[]) AS f (group_id, user_id)
             WHERE g.group_id = f.group_id AND g.user_id = f.user_id RETURNING g.user_id, g.kind, g.member
         ) SELECT DISTINCT user_id FROM gone WHERE kind = 'team' AND member ORDER BY 1",
    )
    .bind(&ids)
    .bind(&users)
    .fetch_all(&mut *tx)
    .await?;
    refresh_accounts(&mut tx, &left_team).await?;
    tx.commit().await?;
    Ok(Forgotten { rows: ids.len(), left_team })
}

/// Whether these users have a team, and that their accounts changed.
async fn refresh_accounts(tx: &mut PgConnection, user_ids: &[String]) -> sqlx::Result<()> {
    if user_ids.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE users u SET update_at = greatest(u.update_at + 1, $2),
             has_team = EXISTS (SELECT 1 FROM group_members g WHERE g.user_id = u.id AND g.kind = 'team' AND g.member)
         WHERE u.id = ANY($1)",
    )
    .bind(user_ids)
    .bind(now_ms())
    .execute(tx)
    .await?;
    Ok(())
}

pub(crate) struct CountsService {
    pub(crate) pool: PgPool,
}

#[tonic::async_trait]
impl MembershipCounts for CountsService {
    async fn active(&self, request: Request<ActiveMembersRequest>) -> Result<Response<ActiveMembersReply>, Status> {
        Caller::of(&request)?;
        // The few deactivated are taken off the members, who are one index range.
        let (members, inactive): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM group_members WHERE group_id = $1 AND member),
                    (SELECT count(*) FROM users u JOIN group_members m ON m.user_id = u.id AND m.group_id = $1 AND m.member WHERE u.delete_at > 0)",
        )
        .bind(&request.get_ref().group_id)
        .fetch_one(&self.pool)
        .await
        .map_err(sql_error)?;
        Ok(Response::new(ActiveMembersReply { count: members - inactive, inactive }))
    }
}

/// One fact per (group, user): the newest. Sorted, so that concurrent calls lock rows in the same order.
fn newest(facts: Vec<MembershipFact>) -> Vec<MembershipFact> {
    let mut by_key = BTreeMap::new();
    for fact in facts {
        let key = (fact.group_id.clone(), fact.user_id.clone());
        match by_key.get_mut(&key) {
            None => {
                by_key.insert(key, fact);
            }
            Some(known) => {
                let known: &mut MembershipFact = known;
                let bump_user = known.bump_user || fact.bump_user;
                if fact.version >= known.version {
                    *known = fact;
                }
                known.bump_user = bump_user;
            }
        }
    }
    by_key.into_values().collect()
}

/// Answers whose accounts it changed.
async fn apply(pool: &PgPool, facts: &[MembershipFact]) -> sqlx::Result<Vec<String>> {
    if facts.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = pool.begin().await?;
    lock_users(&mut tx, facts).await?;
    let column = |get: fn(&MembershipFact) -> &str| facts.iter().map(get).map(str::to_owned).collect::<Vec<_>>();
    let touched: Vec<String> = sqlx::query_scalar(
        "WITH fact AS (
             SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::bigint[], $6::boolean[])
                 AS f (group_id, kind, user_id, member, version, bump)
         ), changed AS (
             INSERT INTO group_members (group_id, user_id, kind, username, member, version, create_at)
             SELECT f.group_id, f.user_id, f.kind, coalesce(u.username, ''), f.member, f.version, coalesce(u.create_at, 0)
             FROM fact f LEFT JOIN users u ON u.id = f.user_id
             ON CONFLICT (group_id, user_id) DO UPDATE SET member = excluded.member, version = excluded.version, create_at = excluded.create_at
                 WHERE group_members.version < excluded.version
             RETURNING group_id, user_id
         )
         SELECT DISTINCT c.user_id FROM changed c JOIN fact f ON f.group_id = c.group_id AND f.user_id = c.user_id
         WHERE f.bump OR f.kind = 'team' ORDER BY 1",
    )
    .bind(column(|f| &f.group_id))
    .bind(column(|f| &f.kind))
    .bind(column(|f| &f.user_id))
    .bind(facts.iter().map(|f| f.member).collect::<Vec<_>>())
    .bind(facts.iter().map(|f| f.version).collect::<Vec<_>>())
    .bind(facts.iter().map(|f| f.bump_user).collect::<Vec<_>>())
    .fetch_all(&mut *tx)
    .await?;
    refresh_accounts(&mut tx, &touched).await?;
    tx.commit().await?;
    Ok(touched)
}

/// One change of a user's memberships at a time: until it is stored nobody renames the user, and whether a team is left
/// is decided with every other change in view.
async fn lock_users(tx: &mut PgConnection, facts: &[MembershipFact]) -> sqlx::Result<()> {
    let mut ids: Vec<&str> = facts.iter().map(|f| f.user_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    sqlx::query("SELECT 1 FROM users WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE").bind(&ids).execute(tx).await?;
    Ok(())
}

/// Follows a new username in the copies.
pub(crate) async fn rename(tx: &mut PgConnection, user_id: &str, username: &str) -> Result<(), AppError> {
    sqlx::query("UPDATE group_members SET username = $2 WHERE user_id = $1")
        .bind(user_id)
        .bind(username)
        .execute(tx)
        .await
        .map_err(sql_error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_fact_wins_and_keeps_the_bump() {
        let fact = |version, member, bump_user| MembershipFact {
            group_id: "g".into(),
            kind: "team".into(),
            user_id: "u".into(),
            member,
            version,
            bump_user,
        };
        let facts = newest(vec![fact(2, false, false), fact(1, true, true)]);
        assert_eq!(facts, vec![fact(2, false, true)]);
    }
}
