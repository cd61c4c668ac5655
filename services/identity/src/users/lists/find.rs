//! Who has a name that begins with the words of a term, in the order of usernames. A word is a range of one index per kind
//! of name; each of them alone tells the usernames, so that of thousands who fit only the page is read.
//!
//! The planner cannot know how a word and the order of usernames go together (Anna is anna017), so the order of work is
//! fixed here: what everybody has soon fills a page from the front; all else is gathered kind by kind.

use super::{COLUMNS, Scope, by_name, listed, push_scope, user};
use muster_proto::model::User;
use sqlx::{PgPool, Postgres, QueryBuilder};

/// Words of a search term that count; the rest is ignored.
const WORDS_MAX: usize = 16;
/// Sorts after everything that begins with the text before it.
const LAST: char = '\u{10ffff}';
/// Users looked at in the order of usernames first.
const WALK: i64 = 1_536;
/// Users of each kind of name that are sorted and asked whether they belong, per one wanted, before all of them are.
const GATHERED: i64 = 4;

/// What a word may begin, besides the username and the nickname.
pub(super) struct Fields {
    pub(super) full_name: bool,
    pub(super) email: bool,
}

impl Fields {
    /// Columns other than the username.
    fn names(&self) -> Vec<&'static str> {
        let mut columns = vec!["search_nickname"];
        if self.full_name {
            columns.extend(["search_first_name", "search_last_name"]);
        }
        if self.email {
            columns.push("email");
        }
        columns
    }
}

/// The words of a term, folded; `*` means nothing.
fn words(term: &str) -> Vec<String> {
    term.replace('*', "").to_lowercase().split_whitespace().take(WORDS_MAX).map(str::to_owned).collect()
}

/// What is looked for.
struct Wanted<'a> {
    fields: &'a Fields,
    /// The longest word, which is likely the rarest.
    word: String,
    /// All the others.
    others: Vec<String>,
    inactive: bool,
}

type Sql<'a> = QueryBuilder<'a, Postgres>;

pub(super) async fn find(
    pool: &PgPool,
    scope: Scope<'_>,
    term: &str,
    fields: &Fields,
    inactive: bool,
    limit: i64,
) -> sqlx::Result<Vec<User>> {
    let scope = listed(pool, scope).await?;
    let mut others = words(term);
    let longest = (0..others.len()).max_by_key(|n| others[*n].len());
    let Some(longest) = longest else { return everybody(pool, &scope, inactive, limit).await };
    let wanted = Wanted { fields, word: others.swap_remove(longest), others, inactive };
    // A full page of the first users is the page, whatever else there is.
    let page = wanted.walk(pool, &scope, limit).await?;
    if is_full(&page, limit) {
        return Ok(page);
    }
    let most = limit.saturating_mul(GATHERED);
    let page = wanted.gather(pool, &scope, limit, most).await?;
    if is_full(&page, limit) || !wanted.exceeds(pool, most).await? {
        return Ok(page);
    }
    wanted.gather(pool, &scope, limit, i64::MAX).await
}

fn is_full(page: &[User], limit: i64) -> bool {
    i64::try_from(page.len()).is_ok_and(|n| n >= limit)
}

/// Without a word: the first of the scope.
async fn everybody(pool: &PgPool, scope: &Scope<'_>, inactive: bool, limit: i64) -> sqlx::Result<Vec<User>> {
    let mut query = QueryBuilder::new(format!("SELECT {COLUMNS}"));
    push_scope(&mut query, scope);
    push_active(&mut query, "u.", inactive);
    query.push(" ORDER BY ").push(by_name(scope)).push(" LIMIT ").push_bind(limit);
    query.build().fetch_all(pool).await?.iter().map(user).collect()
}

fn push_active(query: &mut Sql<'_>, table: &str, inactive: bool) {
    if !inactive {
        query.push(format!(" AND {table}delete_at = 0"));
    }
}

/// ` AND column begins with word`
fn push_begins(query: &mut Sql<'_>, column: &str, word: &str) {
    query.push(format!(" AND {column} >= ")).push_bind(word.to_owned());
    query.push(format!(" AND {column} < ")).push_bind(format!("{word}{LAST}"));
    if column.contains("search_") {
        // Lets the partial indexes answer.
        query.push(format!(" AND {column} <> ''"));
    }
}

impl Wanted<'_> {
    /// Whether more than `most` names begin with the word; one look at no more entries of each index.
    async fn exceeds(&self, pool: &PgPool, most: i64) -> sqlx::Result<bool> {
        let mut query = QueryBuilder::new("SELECT count(*) > ");
        query.push_bind(most).push(" FROM (");
        for (n, column) in self.fields.names().into_iter().enumerate() {
            query.push(if n > 0 { " UNION ALL " } else { "" }).push("(SELECT 1 FROM users WHERE true");
            push_begins(&mut query, column, &self.word);
            query.push(" LIMIT ").push_bind(most + 1).push(")");
        }
        query.push(") matches");
        query.build_query_scalar().fetch_one(pool).await
    }

    /// ` AND the user has all these words`
    fn push_words(&self, query: &mut Sql<'_>, words: &[String]) {
        for word in words {
            query.push(" AND (false");
            for column in ["username"].into_iter().chain(self.fields.names()) {
                query.push(" OR (true");
                push_begins(query, &format!("u.{column}"), word);
                query.push(")");
            }
            query.push(")");
        }
    }

    /// Of the first [`WALK`] users in the order of usernames those who fit and belong; reading ends with the page.
    async fn walk(&self, pool: &PgPool, scope: &Scope<'_>, limit: i64) -> sqlx::Result<Vec<User>> {
        let mut query = QueryBuilder::new(format!("SELECT {COLUMNS} FROM (SELECT * FROM users ORDER BY username LIMIT "));
        query.push_bind(WALK).push(") u WHERE true");
        push_active(&mut query, "u.", self.inactive);
        self.push_words(&mut query, std::slice::from_ref(&self.word));
        self.push_words(&mut query, &self.others);
        push_belongs(&mut query, "u", scope);
        query.push(" ORDER BY u.username LIMIT ").push_bind(limit);
        query.build().fetch_all(pool).await?.iter().map(user).collect()
    }

    /// Those whose username begins with the word, and of the others who fit, `most` of each kind of name, whoever comes before
    /// the last of those.
    async fn gather(&self, pool: &PgPool, scope: &Scope<'_>, limit: i64, most: i64) -> sqlx::Result<Vec<User>> {
        let name = by_name(scope);
        let mut query = QueryBuilder::new(format!("WITH named AS MATERIALIZED (SELECT {name} AS username, u.id"));
        push_scope(&mut query, scope);
        push_begins(&mut query, name, &self.word);
        push_active(&mut query, "u.", self.inactive);
        self.push_words(&mut query, &self.others);
        query.push(format!(" ORDER BY {name} LIMIT ")).push_bind(limit);
        query.push("), last AS MATERIALIZED (SELECT CASE WHEN count(*) = ").push_bind(limit);
        query.push(" THEN max(username) ELSE ").push_bind(LAST.to_string()).push(" END AS username FROM named) ");
        query
            .push(format!("SELECT {COLUMNS} FROM (SELECT * FROM named UNION SELECT * FROM (SELECT c.username, c.id FROM (SELECT * FROM ("));
        // OFFSET 0 keeps finding from following the order of usernames instead of the word, and both apart from asking who
        // belongs, which ends with the page.
        for (n, column) in self.fields.names().into_iter().enumerate() {
            query.push(if n > 0 { " UNION " } else { "" }).push("(SELECT * FROM (SELECT username, id, has_team FROM users WHERE true");
            push_begins(&mut query, column, &self.word);
            push_active(&mut query, "", self.inactive);
            query.push(" AND username < (SELECT username FROM last) OFFSET 0) kind ORDER BY username LIMIT ").push_bind(most).push(")");
        }
        query.push(") fitting ORDER BY username OFFSET 0) c WHERE true");
        push_belongs(&mut query, "c", scope);
        if !self.others.is_empty() {
            query.push(" AND EXISTS (SELECT 1 FROM users u WHERE u.id = c.id");
            self.push_words(&mut query, &self.others);
            query.push(" OFFSET 0)");
        }
        query.push(" ORDER BY c.username LIMIT ").push_bind(limit).push(") unnamed ORDER BY username LIMIT ").push_bind(limit);
        query.push(") page JOIN users u ON u.id = page.id ORDER BY u.username");
        query.build().fetch_all(pool).await?.iter().map(user).collect()
    }
}

/// ` AND the user of this table is in the scope`, asked by name, like the sorted users: neighbours in the index, which alone
/// answers.
fn push_belongs<'a>(query: &mut Sql<'a>, table: &str, scope: &Scope<'a>) {
    let member = |query: &mut Sql<'a>, group: &'a str, wanted: &str| {
        query.push(format!(
            " AND {wanted} (SELECT 1 FROM group_members g WHERE g.member AND g.username = {table}.username AND g.group_id = "
        ));
        query.push_bind(group).push(" OFFSET 0)");
    };
    match scope {
        Scope::Everybody => {}
        Scope::Without => {
            query.push(format!(" AND NOT {table}.has_team"));
        }
        Scope::In(group) => member(query, group, "EXISTS"),
        Scope::NotIn(group) => member(query, group, "NOT EXISTS"),
        Scope::InBut(group, but) => {
            member(query, group, "EXISTS");
            member(query, but, "NOT EXISTS");
        }
        Scope::Listed(list) => {
            query.push(format!(" AND EXISTS (SELECT 1 FROM outsiders o WHERE o.username = {table}.username AND o.list_id = "));
            query.push_bind(*list).push(" OFFSET 0)");
        }
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
