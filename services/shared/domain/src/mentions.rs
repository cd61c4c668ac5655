//! Who is mentioned in a message: keywords are looked up by the words of the text, so the cost follows the message, not
//! the number of members.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    ops::Range,
};

const ALL: &str = "@all";
const CHANNEL: &str = "@channel";
const HERE: &str = "@here";

/// The parts of a message in which mentions count: all of it but code and the destinations of links. Emphasis is left as
/// it is written, which is why `_@bob_` mentions nobody.
pub fn examined(message: &str) -> Vec<Range<usize>> {
    if !may_hold_code_or_links(message) {
        return std::iter::once(0..message.len()).collect();
    }
    let mut hidden: Vec<Range<usize>> = Vec::new();
    // For every open link or image: where its text ends so far.
    let mut open_links: Vec<usize> = Vec::new();
    let mut events = Parser::new(message).into_offset_iter();
    for (event, range) in events.by_ref() {
        match event {
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => open_links.push(range.start),
            Event::End(TagEnd::Link | TagEnd::Image) => {
                let text_end = open_links.pop().unwrap_or(range.start);
                hidden.push(text_end..range.end);
                if let Some(outer) = open_links.last_mut() {
                    *outer = range.end;
                }
            }
            Event::Code(_) | Event::Start(Tag::CodeBlock(_)) => {
                if let Some(link) = open_links.last_mut() {
                    *link = range.end;
                }
                hidden.push(range);
            }
            _ => {
                if let Some(link) = open_links.last_mut() {
                    *link = range.end.max(*link);
                }
            }
        }
    }
    hidden.extend(events.reference_definitions().iter().map(|(_, definition)| definition.span.clone()));
    hidden.sort_unstable_by_key(|range| range.start);

    let mut shown = Vec::with_capacity(hidden.len() + 1);
    let mut at = 0;
    for range in hidden {
        if range.start > at {
            shown.push(at..range.start);
        }
        at = at.max(range.end);
    }
    if at < message.len() {
        shown.push(at..message.len());
    }
    shown
}

/// Most messages hold neither, and need no Markdown parser.
fn may_hold_code_or_links(message: &str) -> bool {
    message.contains(['`', ']', '\t']) || message.contains("    ") || message.contains("~~~")
}

/// The pieces that may be mentions, as written. `:word:` is an emoji, not a piece.
pub fn tokens(message: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    for_each_token(message, |piece| pieces.push(piece));
    pieces
}

fn for_each_token<'a>(message: &'a str, mut each: impl FnMut(&'a str)) {
    for range in examined(message) {
        message[range]
            .split(|c: char| !(c.is_alphanumeric() || matches!(c, ':' | '.' | '-' | '_' | '@')))
            .filter(|piece| !(piece.is_empty() || (piece.starts_with(':') && piece.ends_with(':'))))
            .for_each(&mut each);
    }
}

/// The words that mention members of a channel. Members are numbers of the caller's choosing.
#[derive(Debug, Clone, Default)]
pub struct KeywordIndex {
    /// By the lower-cased word.
    words: HashMap<String, Vec<u32>>,
    /// By the first name as written.
    first_names: HashMap<String, Vec<u32>>,
    /// Who is mentioned by `@all`, `@channel` and (while online) `@here`.
    channel_wide: Vec<u32>,
}

/// What of a member's settings decides about mentions.
#[derive(Debug, Clone, Copy)]
pub struct Mentionable<'a> {
    pub username: &'a str,
    pub first_name: &'a str,
    /// `notify_props.mention_keys`: comma separated, not trimmed.
    pub mention_keys: &'a str,
    /// `notify_props.first_name` is `"true"`.
    pub by_first_name: bool,
    /// `notify_props.channel` is `"true"`.
    pub by_channel: bool,
}

/// What a message calls; nothing in it is repeated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found<'a> {
    /// By name or keyword, ascending; the author is not left out here.
    pub users: Vec<u32>,
    pub all: bool,
    pub channel: bool,
    pub here: bool,
    /// Usernames as written, without `@`, that nobody in the channel has: perhaps somebody of the team.
    pub possible_outside: Vec<&'a str>,
}

impl KeywordIndex {
    /// Adds a member; each only once.
    pub fn insert(&mut self, user: u32, member: Mentionable<'_>) {
        let mut add = |word: String| {
            let users = self.words.entry(word).or_default();
            if users.last() != Some(&user) {
                users.push(user);
            }
        };
        add(format!("@{}", member.username.to_lowercase()));
        member.mention_keys.split(',').filter(|key| !key.is_empty()).for_each(|key| add(key.to_lowercase()));
        if member.by_first_name && !member.first_name.is_empty() {
            self.first_names.entry(member.first_name.to_owned()).or_default().push(user);
        }
        if member.by_channel {
            self.channel_wide.push(user);
        }
    }

    /// The members `@all` and `@channel` mention, and of whom `@here` mentions those online.
    pub fn channel_wide(&self) -> &[u32] {
        &self.channel_wide
    }

    /// Everything the message calls.
    pub fn find<'a>(&self, message: &'a str) -> Found<'a> {
        let mut hits = Hits::default();
        for_each_token(message, |piece| self.examine(piece, &mut hits));
        let Hits { mut found, lists, .. } = hits;
        found.users = lists.concat();
        found.users.sort_unstable();
        found.users.dedup();
        found
    }

    fn examine<'a, 'i>(&'i self, piece: &'a str, found: &mut Hits<'a, 'i>) {
        if self.hit(piece, found) {
            return;
        }
        let mut rest = piece;
        for suffix in ['.', ':'] {
            while let Some(shorter) = rest.strip_suffix(suffix) {
                rest = shorter;
                if self.hit(rest, found) {
                    return;
                }
            }
        }
        if rest.starts_with('@') {
            found.note_possible(rest);
        } else if rest.contains(['.', '-', ':']) {
            for part in rest.split(['.', '-', ':']).filter(|part| !part.is_empty()) {
                if !self.hit(part, found) {
                    found.note_possible(part);
                }
            }
        }
    }

    fn hit<'a, 'i>(&'i self, piece: &'a str, hits: &mut Hits<'a, 'i>) -> bool {
        let lower: Cow<str> =
            if piece.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) { piece.to_lowercase().into() } else { piece.into() };
        let wide = match lower.as_ref() {
            ALL => Some(&mut hits.found.all),
            CHANNEL => Some(&mut hits.found.channel),
            HERE => Some(&mut hits.found.here),
            _ => None,
        };
        let mut hit = wide.is_some();
        if let Some(flag) = wide {
            *flag = true;
        }
        for users in [self.words.get(lower.as_ref()), self.first_names.get(piece)].into_iter().flatten() {
            hits.note(users);
            hit = true;
        }
        hit
    }
}

/// What is collected while a message is read; sets keep a message that repeats itself as cheap as any other.
#[derive(Default)]
struct Hits<'a, 'i> {
    found: Found<'a>,
    lists: Vec<&'i [u32]>,
    noted: HashSet<*const u32>,
    possible: HashSet<&'a str>,
}

impl<'a, 'i> Hits<'a, 'i> {
    fn note(&mut self, users: &'i [u32]) {
        if self.noted.insert(users.as_ptr()) {
            self.lists.push(users);
        }
    }

    fn note_possible(&mut self, piece: &'a str) {
        if let Some(name) = piece.strip_prefix('@')
            && !name.is_empty()
            && self.possible.insert(name)
        {
            self.found.possible_outside.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOB: u32 = 0;
    const ANN: u32 = 1;

    fn index() -> KeywordIndex {
        let mut index = KeywordIndex::default();
        let bob =
            Mentionable { username: "bob", first_name: "Robert", mention_keys: "foo,Bar, spaced,", by_first_name: true, by_channel: true };
        index.insert(BOB, bob);
        let ann = Mentionable { username: "ann", first_name: "Ann", mention_keys: "ann,@ann", by_first_name: false, by_channel: false };
        index.insert(ANN, ann);
        index
    }

    #[test]
    fn who_is_hit() {
        let index = index();
        for (message, users) in [
            ("@bob", vec![BOB]),
            ("@bob.", vec![BOB]),
            ("@bob...", vec![BOB]),
            ("@bob:", vec![BOB]),
            ("@bob.:", vec![]),
            ("(@bob)", vec![BOB]),
            ("@bob's", vec![BOB]),
            ("@BOB", vec![BOB]),
            ("**@bob**", vec![BOB]),
            ("*@bob*", vec![BOB]),
            ("~~@bob~~", vec![BOB]),
            ("> quoted @bob", vec![BOB]),
            ("* listed\n* @bob", vec![BOB]),
            ("1. @bob\n2. @ann", vec![BOB, ANN]),
            ("@bob-", vec![]),
            ("@bob_", vec![]),
            ("_@bob_", vec![]),
            ("x@bob", vec![]),
            ("@@bob", vec![]),
            ("@bob.com", vec![]),
            ("@bob@ann", vec![]),
            ("bob", vec![]),
            ("foo", vec![BOB]),
            ("FOO", vec![BOB]),
            ("bar", vec![BOB]),
            ("spaced", vec![]),
            ("foo-bar", vec![BOB]),
            ("x.foo:y", vec![BOB]),
            (":foo:", vec![]),
            (":foo: foo", vec![BOB]),
            ("foobar", vec![]),
            ("ann and @bob and @bob", vec![BOB, ANN]),
            ("Robert", vec![BOB]),
            ("Robert,", vec![BOB]),
            ("robert", vec![]),
            ("Ann", vec![ANN]),
            ("@everyone", vec![]),
        ] {
            assert_eq!(index.find(message).users, users, "{message}");
        }
    }

    #[test]
    fn code_and_destinations_do_not_count() {
        let index = index();
        for (message, users) in [
            ("`@bob`", vec![]),
            ("`@bob` @ann", vec![ANN]),
            ("``@bob ` x``", vec![]),
            ("lone ` @bob", vec![BOB]),
            ("```\n@bob\n```\n@ann", vec![ANN]),
            ("~~~\n@bob\n~~~", vec![]),
            ("    @bob", vec![]),
            ("\t@bob", vec![]),
            ("text\n    @bob", vec![BOB]),
            ("```\n@bob", vec![]),
            ("[@bob](http://x/@ann)", vec![BOB]),
            ("[**@bob**](http://x/foo \"ann\") ", vec![BOB]),
            ("![@bob](http://x/ann)", vec![BOB]),
            ("[![@bob](http://x/ann)](ann)", vec![BOB]),
            ("[`@bob`](ann)", vec![]),
            ("[@bob][ann]\n\n[ann]: http://x/foo", vec![BOB]),
            ("[](ann) @bob", vec![BOB]),
            ("[x] @bob", vec![BOB]),
            ("> `@bob`\n> @ann", vec![ANN]),
        ] {
            assert_eq!(index.find(message).users, users, "{message}");
        }
    }

    #[test]
    fn channel_wide_words() {
        let index = index();
        assert_eq!(index.channel_wide(), [BOB]);
        let found = index.find("@all @Channel. @HERE: @everyone");
        assert!(found.all && found.channel && found.here && found.users.is_empty());
        assert_eq!(found.possible_outside, ["everyone"]);
        let found = index.find("`@all` all @channels here");
        assert!(!found.all && !found.channel && !found.here);
    }

    #[test]
    fn possible_mentions_outside() {
        let index = index();
        for (message, outside) in [
            ("@eve", vec!["eve"]),
            ("@eve. @eve:", vec!["eve"]),
            ("@bob", vec![]),
            ("@bob-", vec!["bob-"]),
            ("x.@eve", vec!["eve"]),
            ("x@eve @", vec![]),
            ("`@eve`", vec![]),
        ] {
            assert_eq!(index.find(message).possible_outside, outside, "{message}");
        }
    }

    #[test]
    fn any_text_can_be_examined() {
        use rand::{RngExt, SeedableRng, rngs::StdRng};
        const PARTS: &[&str] =
            &["[", "]", "(", ")", "!", "`", "```", "\n", "    ", "> ", "- ", "ä", "@bob", "*", "_", ":", "[a]: /b", "<", "~~~", "\t", "😀"];
        let index = index();
        let mut rng = StdRng::seed_from_u64(7);
        for _ in 0..3_000 {
            let message: String = (0..rng.random_range(0..30)).map(|_| PARTS[rng.random_range(0..PARTS.len())]).collect();
            let ranges = examined(&message);
            assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start), "{message:?}");
            assert!(ranges.iter().all(|range| message.get(range.clone()).is_some()), "{message:?}");
            assert!(index.find(&message).users.iter().all(|user| *user == BOB), "{message:?}");
        }
    }

    #[test]
    fn pieces() {
        assert_eq!(tokens("Hi @bob, it's :smile: a-b"), ["Hi", "@bob", "it", "s", "a-b"]);
    }
}
