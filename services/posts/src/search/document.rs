//! What is written of a post into the index. Pure.

use super::text::{self, Kind, write_lexeme};
use muster_domain::system_posts::SYSTEM_PREFIX;
use muster_proto::model::Post;

/// Marks the lexemes that are no words: no word begins with it.
const AUTHOR: &str = "=u";
const HASHTAG: &str = "";
const STEM: &str = "~";

/// Spans of time that have a lexeme each, as powers of two of ms (70 minutes, 9 hours, 3 days, 25 days, 199 days): a
/// search of a period needs no other index.
const PERIODS: [(u32, &str); 5] = [(22, "=a"), (25, "=b"), (28, "=c"), (31, "=d"), (34, "=e")];
/// Lexemes that stand for one period of a search. GIN looks for each of them beside every match, so they are few.
const PERIODS_MAX: i64 = 9;

/// One post as the index holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub post_id: String,
    pub channel_id: String,
    /// ms
    pub create_at: i64,
    /// Grows with every change of the post.
    pub version: i64,
    /// A `tsvector`.
    pub words: String,
}

/// `None` for what is never found: deleted posts, revisions, system messages.
pub fn document(post: &Post) -> Option<Document> {
    if post.delete_at > 0 || !post.original_id.is_empty() || post.r#type.starts_with(SYSTEM_PREFIX) {
        return None;
    }
    let mut words = String::with_capacity(post.message.len() * 2 + 96);
    for token in text::tokens(&post.message) {
        write_lexeme(&mut words, "", &token.text, Some(token.position));
        if token.kind == Kind::Word
            && let Some(stem) = text::stem(&token.text)
        {
            write_lexeme(&mut words, STEM, &stem, None);
        }
    }
    for tag in post.hashtags.split_whitespace() {
        write_lexeme(&mut words, HASHTAG, &text::fold(tag), None);
    }
    write_lexeme(&mut words, AUTHOR, &post.user_id, None);
    for (shift, mark) in PERIODS {
        write_lexeme(&mut words, mark, &(post.create_at >> shift).to_string(), None);
    }
    Some(Document {
        post_id: post.id.clone(),
        channel_id: post.channel_id.clone(),
        create_at: post.create_at,
        version: post.update_at,
        words,
    })
}

/// The `tsquery` operand of an author.
pub fn author(user_id: &str) -> String {
    operand(AUTHOR, user_id)
}

/// The operand of a folded hashtag.
pub fn hashtag(tag: &str) -> String {
    operand(HASHTAG, tag)
}

/// The operand of a word's English stem.
pub fn stem(stem: &str) -> String {
    operand(STEM, stem)
}

/// The operand of a word.
pub fn word(text: &str) -> String {
    operand("", text)
}

fn operand(prefix: &str, text: &str) -> String {
    let mut out = String::new();
    write_lexeme(&mut out, prefix, text, None);
    out.truncate(out.trim_end().len());
    out
}

/// The operands of the finest spans that cover `since..until` (ms), and where the first of them begins; `None` when that
/// would be too many.
pub fn period(since: i64, until: i64) -> Option<(Vec<String>, i64)> {
    let last = until.max(since + 1) - 1;
    PERIODS.into_iter().find(|(shift, _)| (last >> shift) - (since >> shift) < PERIODS_MAX).map(|(shift, mark)| {
        let first = since >> shift;
        ((first..=last >> shift).map(|n| operand(mark, &n.to_string())).collect(), first << shift)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_words_stems_tags_author_and_time() {
        let post = Post {
            id: "p".into(),
            channel_id: "c".into(),
            user_id: "u".into(),
            create_at: 1 << 33,
            update_at: 9,
            message: "Running #Fast".into(),
            hashtags: "#Fast".into(),
            ..Post::default()
        };
        let made = document(&post).expect("a document");
        assert_eq!((made.post_id.as_str(), made.version), ("p", 9));
        assert_eq!(made.words, "'running':1 '~run' 'fast':2 '#fast' '=uu' '=a2048' '=b256' '=c32' '=d4' '=e0' ");
        for hidden in [
            Post { delete_at: 1, ..post.clone() },
            Post { original_id: "x".into(), ..post.clone() },
            Post { r#type: "system_join_channel".into(), ..post.clone() },
        ] {
            assert_eq!(document(&hidden), None);
        }
    }

    #[test]
    fn periods_cover_their_time_with_few_spans() {
        let hour = 3_600_000;
        let (spans, start) = period(10 * hour, 12 * hour).expect("short");
        assert!(spans.len() <= 3 && spans[0].starts_with("'=a"), "{spans:?}");
        assert!(start <= 10 * hour);
        let (spans, start) = period(0, 24 * hour * 30).expect("a month");
        assert!(spans[0].starts_with("'=d") && spans.len() == 2, "{spans:?}");
        assert_eq!(start, 0);
        assert!(period(0, i64::MAX / 2).is_none());
        assert_eq!(period(5, 5).map(|(spans, _)| spans.len()), Some(1));
    }
}
