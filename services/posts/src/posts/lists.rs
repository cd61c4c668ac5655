//! Lists of posts as ready JSON, and their ETags.

use super::{
    props,
    store::{COLUMNS, rows},
};
use bytes::Bytes;
use muster_error::AppError;
use muster_proto::{
    json,
    model::Post,
    posts::{ChannelPageRequest, PostListReply, PostsByIdsRequest},
};
use muster_runtime::postgres::sql_error;
use sqlx::PgPool;
use std::collections::{BTreeMap, HashMap, HashSet};

/// ETags begin with it.
pub const VERSION: &str = "4.10.0";
/// Changed posts of one `since` answer.
const SINCE_MAX: i64 = 1_000;

/// A list: `order`, and the posts it needs besides.
#[derive(Debug, Default)]
pub struct PostList {
    pub order: Vec<String>,
    pub posts: BTreeMap<String, Post>,
}

impl PostList {
    /// All of these posts, in their order.
    pub fn ordered(posts: Vec<Post>) -> Self {
        let order = posts.iter().map(|p| p.id.clone()).collect();
        let mut list = Self { order, posts: BTreeMap::new() };
        list.also(posts);
        list
    }

    /// Posts that are not in the order.
    pub fn also(&mut self, posts: Vec<Post>) {
        for mut post in posts {
            post.props = props::shown(post.props);
            self.posts.insert(post.id.clone(), post);
        }
    }

    /// `{"order":[…],"posts":{…}}`.
    pub fn to_json(&self) -> Result<Bytes, AppError> {
        let mut out = Vec::with_capacity(64 + self.posts.len() * 600);
        out.extend_from_slice(b"{\"order\":");
        out.append(&mut json::to_vec(&self.order).map_err(AppError::internal)?);
        out.extend_from_slice(b",\"posts\":{");
        for (i, (id, post)) in self.posts.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            // Ids are alphanumeric.
            out.push(b'"');
            out.extend_from_slice(id.as_bytes());
            out.extend_from_slice(b"\":");
            out.append(&mut json::to_vec(post).map_err(AppError::internal)?);
        }
        out.extend_from_slice(b"}}");
        Ok(out.into())
    }

    /// Changes with the newest update and with what comes first.
    pub fn etag(&self) -> String {
        let newest = self.posts.values().max_by_key(|p| p.update_at);
        let (id, at) = newest.map_or(("0", 0), |p| (p.id.as_str(), p.update_at));
        format!("{VERSION}.{}.{id}.{at}", self.order.first().map(String::as_str).unwrap_or_default())
    }

    /// The answer, which is empty when the asker has it already.
    pub fn reply(&self, if_none_match: &str) -> Result<PostListReply, AppError> {
        let etag = self.etag();
        if etag == if_none_match {
            return Ok(PostListReply { etag, not_modified: true, ..PostListReply::default() });
        }
        Ok(PostListReply { json: self.to_json()?, etag, not_modified: false })
    }
}

/// The root and every undeleted reply; only the asked post is in the order.
pub async fn thread(pool: &PgPool, post: &Post) -> Result<PostList, AppError> {
    let root = if post.root_id.is_empty() { &post.id } else { &post.root_id };
    let posts = threads(pool, &[root.as_str()], &[]).await?;
    let mut list = PostList { order: vec![post.id.clone()], posts: BTreeMap::new() };
    list.also(posts);
    Ok(list)
}

/// Oldest first.
pub async fn pinned(pool: &PgPool, channel_id: &str) -> Result<PostList, AppError> {
    let found =
        sqlx::query(&format!("SELECT {COLUMNS} FROM posts WHERE channel_id = $1 AND is_pinned AND delete_at = 0 ORDER BY create_at, id"))
            .bind(channel_id)
            .fetch_all(pool)
            .await
            .map_err(sql_error)?;
    Ok(PostList::ordered(rows(found).map_err(sql_error)?))
}

/// Undeleted posts among the ids, newest first.
pub async fn by_ids(pool: &PgPool, request: &PostsByIdsRequest) -> Result<PostList, AppError> {
    let found = sqlx::query(&format!(
        "SELECT {COLUMNS} FROM posts WHERE id = ANY($1) AND delete_at = 0 AND ($2 = '' OR channel_id = $2) AND ($3 = '' OR EXISTS \
         (SELECT 1 FROM channel_activity a WHERE a.channel_id = posts.channel_id AND a.team_id IN ('', $3))) \
         ORDER BY create_at DESC, id DESC LIMIT $4 OFFSET $5"
    ))
    .bind(&request.post_ids)
    .bind(&request.channel_id)
    .bind(&request.team_id)
    .bind(request.limit)
    .bind(request.offset)
    .fetch_all(pool)
    .await
    .map_err(sql_error)?;
    Ok(PostList::ordered(rows(found).map_err(sql_error)?))
}

/// What changed after `since`, deleted posts and revisions included, newest first; with the roots of changed replies.
pub async fn since(pool: &PgPool, channel_id: &str, since: i64) -> Result<PostList, AppError> {
    let found =
        sqlx::query(&format!("SELECT {COLUMNS} FROM posts WHERE channel_id = $1 AND update_at > $2 ORDER BY update_at DESC LIMIT $3"))
            .bind(channel_id)
            .bind(since)
            .bind(SINCE_MAX)
            .fetch_all(pool)
            .await
            .map_err(sql_error)?;
    let mut changed = rows(found).map_err(sql_error)?;
    changed.sort_by(|a, b| (b.create_at, &b.id).cmp(&(a.create_at, &a.id)));
    let mut list = PostList::ordered(changed);
    let roots = roots_of(&list);
    list.also(by_id(pool, &roots, &list).await?);
    Ok(list)
}

/// One page, and what its replies need: whole threads for an ordinary page, roots for one around an anchor.
pub async fn page(pool: &PgPool, request: &ChannelPageRequest) -> Result<PostList, AppError> {
    let offset = request.page.saturating_mul(request.per_page);
    // An unknown anchor compares with nothing: an empty page.
    const ANCHOR: &str = "(SELECT create_at, id FROM posts WHERE id = $4 AND channel_id = $1 AND original_id = '')";
    let (anchor, beside, direction) = match (request.before.as_str(), request.after.as_str()) {
        ("", "") => ("", String::from("AND $4 = ''"), "DESC"),
        ("", after) => (after, format!("AND (create_at, id) > {ANCHOR}"), "ASC"),
        (before, _) => (before, format!("AND (create_at, id) < {ANCHOR}"), "DESC"),
    };
    let found = sqlx::query(&format!(
        "SELECT {COLUMNS} FROM posts WHERE channel_id = $1 AND delete_at = 0 {beside} \
         ORDER BY create_at {direction}, id {direction} LIMIT $2 OFFSET $3"
    ))
    .bind(&request.channel_id)
    .bind(request.per_page)
    .bind(offset)
    .bind(anchor)
    .fetch_all(pool)
    .await;
    let mut posts = rows(found.map_err(sql_error)?).map_err(sql_error)?;
    if direction == "ASC" {
        // The nearest ones were read; they are shown newest first.
        posts.reverse();
    }
    let mut list = PostList::ordered(posts);
    let roots = roots_of(&list);
    if !anchor.is_empty() {
        list.also(by_id(pool, &roots, &list).await?);
    } else if !roots.is_empty() {
        let held: Vec<&str> = list.order.iter().map(String::as_str).collect();
        let others = threads(pool, &roots.iter().map(String::as_str).collect::<Vec<_>>(), &held).await?;
        list.also(others);
    }
    Ok(list)
}

/// The channels' ETag values; one that was never posted in has none.
pub async fn channel_versions(pool: &PgPool, channel_ids: &[String]) -> Result<HashMap<String, i64>, AppError> {
    let found = sqlx::query_as("SELECT channel_id, max_update_at FROM channel_activity WHERE channel_id = ANY($1)")
        .bind(channel_ids)
        .fetch_all(pool)
        .await;
    Ok(found.map_err(sql_error)?.into_iter().collect())
}

/// Roots that replies of the list name.
fn roots_of(list: &PostList) -> Vec<String> {
    let roots: HashSet<&str> = list.posts.values().map(|p| p.root_id.as_str()).filter(|id| !id.is_empty()).collect();
    roots.into_iter().map(str::to_owned).collect()
}

/// Those of the posts that the list does not hold.
async fn by_id(pool: &PgPool, ids: &[String], list: &PostList) -> Result<Vec<Post>, AppError> {
    let ids: Vec<&str> = ids.iter().map(String::as_str).filter(|id| !list.posts.contains_key(*id)).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found =
        sqlx::query(&format!("SELECT {COLUMNS} FROM posts WHERE id = ANY($1)")).bind(ids).fetch_all(pool).await.map_err(sql_error)?;
    rows(found).map_err(sql_error)
}

/// Roots and all their undeleted replies, without those already held.
async fn threads(pool: &PgPool, roots: &[&str], held: &[&str]) -> Result<Vec<Post>, AppError> {
    // Two index scans; one condition with OR would be a scan of the table.
    let found = sqlx::query(&format!(
        "SELECT {COLUMNS} FROM posts WHERE id = ANY($1) AND delete_at = 0 AND NOT id = ANY($2) \
         UNION ALL SELECT {COLUMNS} FROM posts WHERE root_id = ANY($1) AND root_id <> '' AND delete_at = 0 AND NOT id = ANY($2) AND NOT id = ANY($1)"
    ))
    .bind(roots)
    .bind(held)
    .fetch_all(pool)
    .await
    .map_err(sql_error)?;
    rows(found).map_err(sql_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(id: &str, update_at: i64) -> Post {
        Post { id: id.into(), update_at, ..Post::default() }
    }

    #[test]
    fn writes_order_and_posts() {
        let mut list = PostList::ordered(vec![post("b", 1), post("a", 3)]);
        list.also(vec![post("c", 2)]);
        let value: serde_json::Value = serde_json::from_slice(&list.to_json().expect("JSON")).expect("JSON");
        assert_eq!(value["order"], serde_json::json!(["b", "a"]));
        assert_eq!(value["posts"].as_object().map(|m| m.len()), Some(3));
        assert_eq!(value["posts"]["a"]["update_at"], 3);
        assert_eq!(&PostList::default().to_json().expect("JSON")[..], br#"{"order":[],"posts":{}}"#);
    }

    #[test]
    fn etags_follow_the_newest_update() {
        let list = PostList::ordered(vec![post("b", 1), post("a", 3)]);
        assert_eq!(list.etag(), "4.10.0.b.a.3");
        assert!(list.reply("4.10.0.b.a.3").expect("reply").not_modified);
        assert!(!list.reply("4.10.0.b.a.2").expect("reply").json.is_empty());
        assert_eq!(PostList::default().etag(), "4.10.0..0.0");
    }
}
