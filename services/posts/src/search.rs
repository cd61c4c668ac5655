//! The gRPC service of the search. `query` reads what is asked, `text` is the tokeniser of both sides, `document` what is
//! stored; `postgres` is the back end (`put`, `find`): another one takes its place beside it.

mod document;
pub mod indexer;
mod postgres;
mod query;
mod text;

use crate::posts::{
    lists::PostList,
    store::{COLUMNS, rows},
};
use muster_error::AppError;
use muster_proto::{
    identity::{GetUsersRequest, users_client::UsersClient},
    model::{Channel, Post},
    posts::{PostListReply, SearchPostsRequest, search_server},
    teams::{ChannelsOfUserRequest, channel_directory_client::ChannelDirectoryClient},
};
use muster_runtime::{Caller, Peer, peers::MESSAGE_MAX, postgres::sql_error};
use postgres::Wanted;
use query::{Piece, Term, Terms};
use sqlx::PgPool;
use std::collections::HashMap;
use tonic::{Request, Response, Status};

/// A day, in seconds: no time zone is further away.
const OFFSET_MAX: i64 = 86_400;

pub struct Search {
    pub pool: PgPool,
    pub identity: Peer,
    pub teams: Peer,
}

#[tonic::async_trait]
impl search_server::Search for Search {
    async fn posts(&self, request: Request<SearchPostsRequest>) -> Result<Response<PostListReply>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let terms = Terms::parse(&request.terms, request.time_zone_offset.clamp(-OFFSET_MAX, OFFSET_MAX));
        let list = if terms.is_empty() { PostList::default() } else { self.find(&caller, &request, &terms).await? };
        Ok(Response::new(PostListReply { json: list.to_json()?, ..PostListReply::default() }))
    }
}

impl Search {
    async fn find(&self, caller: &Caller, request: &SearchPostsRequest, terms: &Terms) -> Result<PostList, AppError> {
        let (channels, authors, indexed) =
            tokio::join!(self.channels(caller, &request.team_id), self.authors(caller, terms), indexer::catch_up(&self.pool),);
        if let Err(error) = indexed {
            tracing::warn!(%error, "searching without the newest posts");
        }
        let Some(wanted) = wanted(terms, request.is_or_search, &channels?, &authors?) else { return Ok(PostList::default()) };
        let ids = postgres::find(&self.pool, &wanted).await.map_err(sql_error)?;
        Ok(PostList::ordered(self.undeleted(ids).await?))
    }

    /// Live channels of the team and direct and group channels, of which the caller is a member.
    async fn channels(&self, caller: &Caller, team_id: &str) -> Result<Vec<Channel>, AppError> {
        let request = ChannelsOfUserRequest { user_id: caller.user_id.clone(), team_id: team_id.to_owned() };
        let mut directory = ChannelDirectoryClient::new(self.teams.channel()).max_decoding_message_size(MESSAGE_MAX);
        Ok(directory.of_user(caller.call(request)).await?.into_inner().channels)
    }

    /// Ids by username, of those the terms name.
    async fn authors(&self, caller: &Caller, terms: &Terms) -> Result<HashMap<String, String>, AppError> {
        let usernames: Vec<String> = terms.from.iter().chain(&terms.not_from).cloned().collect();
        if usernames.is_empty() {
            return Ok(HashMap::new());
        }
        let request = GetUsersRequest { ids: Vec::new(), usernames };
        let users = UsersClient::new(self.identity.channel()).get_many(caller.call(request)).await?.into_inner().users;
        Ok(users.into_iter().map(|user| (user.username, user.id)).collect())
    }

    /// The posts in this order, without those deleted meanwhile.
    async fn undeleted(&self, ids: Vec<String>) -> Result<Vec<Post>, AppError> {
        let found = sqlx::query(&format!("SELECT {COLUMNS} FROM posts WHERE id = ANY($1) AND delete_at = 0"))
            .bind(&ids)
            .fetch_all(&self.pool)
            .await
            .map_err(sql_error)?;
        let mut posts: HashMap<String, Post> = rows(found).map_err(sql_error)?.into_iter().map(|p| (p.id.clone(), p)).collect();
        Ok(ids.iter().filter_map(|id| posts.remove(id)).collect())
    }
}

/// What the back end looks for; `None` when nothing can match. Pure.
fn wanted(terms: &Terms, any: bool, channels: &[Channel], authors: &HashMap<String, String>) -> Option<Wanted> {
    let named = |names: &[String], channel: &Channel| names.contains(&channel.name);
    let channels: Vec<String> = channels
        .iter()
        .filter(|c| (terms.channels.is_empty() || named(&terms.channels, c)) && !named(&terms.not_channels, c))
        .map(|c| c.id.clone())
        .collect();
    let ids = |names: &[String]| names.iter().filter_map(|name| authors.get(name)).map(|id| document::author(id)).collect::<Vec<_>>();
    let from = ids(&terms.from);
    if channels.is_empty() || (from.is_empty() && !terms.from.is_empty()) {
        return None;
    }
    let words = words_for(&terms.words, any);
    let joined = |parts: Vec<String>| parts.join(if any { " | " } else { " & " });
    let tags = joined(terms.hashtags.iter().map(|tag| document::hashtag(tag)).collect());
    // Words and hashtags are two halves, and a post of either is found, as in the original.
    let halves: Vec<String> = [joined(words), tags].into_iter().filter(|half| !half.is_empty()).map(|half| format!("({half})")).collect();
    let mut parts = Vec::new();
    if !halves.is_empty() {
        parts.push(format!("({})", halves.join(" | ")));
    }
    if !from.is_empty() {
        parts.push(format!("({})", from.join(" | ")));
    }
    let positive = !parts.is_empty();
    let without = terms.without.iter().map(operand).chain(terms.without_hashtags.iter().map(|tag| document::hashtag(tag)));
    parts.extend(without.chain(ids(&terms.not_from)).map(|part| format!("!({part})")));
    Some(Wanted {
        query: parts.join(" & "),
        positive,
        prefixes: terms.words.iter().any(has_prefix),
        channels,
        since: terms.since.unwrap_or(i64::MIN),
        until: terms.until.unwrap_or(i64::MAX),
    })
}

/// The operands of the words. Of several that must all be there, the most frequent of the language need not.
fn words_for(words: &[Term], any: bool) -> Vec<String> {
    let is_stop = |term: &&Term| matches!(term, Term::Word(word) if text::is_stop_word(word));
    let telling: Vec<String> = words.iter().filter(|term| !is_stop(term)).map(operand).collect();
    if any || telling.is_empty() { words.iter().map(operand).collect() } else { telling }
}

fn has_prefix(term: &Term) -> bool {
    match term {
        Term::Word(_) => false,
        Term::Prefix(_) => true,
        Term::Sequence(pieces) => pieces.iter().any(|(_, piece)| matches!(piece, Piece::Prefix(_))),
    }
}

/// The term as part of a `tsquery`.
fn operand(term: &Term) -> String {
    match term {
        Term::Word(word) => {
            let plain = document::word(word);
            match text::stem(word) {
                Some(stem) => format!("({plain} | {} | {})", document::word(&stem), document::stem(&stem)),
                None => format!("({plain} | {})", document::stem(word)),
            }
        }
        Term::Prefix(word) => format!("{}:*", document::word(word)),
        Term::Sequence(pieces) => {
            let mut sequence = String::new();
            let mut before = 0;
            for (at, (offset, piece)) in pieces.iter().enumerate() {
                if at > 0 {
                    sequence.push_str(&format!(" <{}> ", offset - before));
                }
                before = *offset;
                match piece {
                    Piece::Exact(word) => sequence.push_str(&document::word(word)),
                    Piece::Prefix(word) => sequence.push_str(&format!("{}:*", document::word(word))),
                }
            }
            format!("({sequence})")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(id: &str, name: &str) -> Channel {
        Channel { id: id.into(), name: name.into(), ..Channel::default() }
    }

    fn query(terms: &str, any: bool) -> Option<(String, Vec<String>)> {
        let channels = [channel("c1", "one"), channel("c2", "two")];
        let authors = HashMap::from([("bob".to_owned(), "ub".to_owned())]);
        wanted(&Terms::parse(terms, 0), any, &channels, &authors).map(|w| (w.query, w.channels))
    }

    #[test]
    fn queries() {
        let both = || vec!["c1".to_owned(), "c2".to_owned()];
        for (terms, any, expected) in [
            ("über", false, "((('uber' | '~uber')))"),
            ("running \"a b\"", false, "((('running' | 'run' | '~run') & ('a' <1> 'b')))"),
            ("x y", true, "((('x' | '~x') | ('y' | '~y')))"),
            ("the x", false, "((('x' | '~x')))"),
            ("the", false, "((('the' | '~the')))"),
            ("x #Tag", false, "((('x' | '~x')) | ('#tag'))"),
            ("dep*", false, "(('dep':*))"),
            ("x -y* from:bob -from:bob", false, "((('x' | '~x'))) & ('=uub') & !('y':*) & !('=uub')"),
            ("東京x", false, "((('東京' <2> 'x')))"),
        ] {
            assert_eq!(query(terms, any), Some((expected.to_owned(), both())), "{terms}");
        }
    }

    #[test]
    fn names_nobody_knows_find_nothing_unless_excluded() {
        assert_eq!(query("x in:three", false), None);
        assert_eq!(query("x from:nobody", false), None);
        assert_eq!(query("in:two", false), Some((String::new(), vec!["c2".into()])));
        assert_eq!(query("-in:two -from:nobody", false), Some((String::new(), vec!["c1".into()])));
    }
}
