//! What a search asks for (reference: posts and real time, section 4; exclusions, phrases and dates are ours). Pure.

use super::text::{self, Kind};
use muster_domain::{posts::hashtag, time::DAY_MS};

/// Bytes of the terms that are looked at.
const TERMS_MAX: usize = 4_096;
/// Words that are looked for.
const WORDS_MAX: usize = 64;

/// The terms, taken apart; nothing is resolved yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Terms {
    pub words: Vec<Term>,
    pub without: Vec<Term>,
    /// Folded, with `#`.
    pub hashtags: Vec<String>,
    pub without_hashtags: Vec<String>,
    /// Usernames.
    pub from: Vec<String>,
    pub not_from: Vec<String>,
    /// Channel names.
    pub channels: Vec<String>,
    pub not_channels: Vec<String>,
    /// ms; inclusive.
    pub since: Option<i64>,
    /// ms; exclusive.
    pub until: Option<i64>,
    /// A date that is none: nothing is found.
    pub impossible: bool,
}

/// What one word or phrase of the terms looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// A word alone: its other English forms are found too.
    Word(String),
    /// Words that begin with it.
    Prefix(String),
    /// Pieces with their distance from the first, in this order.
    Sequence(Vec<(u32, Piece)>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Exact(String),
    Prefix(String),
}

impl Terms {
    /// `offset_seconds` is the asker's time zone, east positive: dates are days there.
    pub fn parse(terms: &str, offset_seconds: i64) -> Self {
        let terms = muster_domain::text::cut_bytes(terms, TERMS_MAX);
        let mut parsed = Self::default();
        // No message holds it, and PostgreSQL takes none.
        let terms = terms.replace('\0', " ");
        let mut words = Words { rest: &terms };
        while let Some(word) = words.next() {
            parsed.take(word, &mut words, offset_seconds);
        }
        for list in [&mut parsed.words, &mut parsed.without] {
            list.truncate(WORDS_MAX);
        }
        parsed.hashtags.truncate(WORDS_MAX);
        parsed
    }

    /// Whether there is anything to look for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default() || self.impossible
    }

    fn take(&mut self, word: Word<'_>, words: &mut Words<'_>, offset_seconds: i64) {
        let Word { text, negated, quoted } = word;
        if quoted {
            return self.add(term(text, true, false), negated);
        }
        if let Some((flag, value)) = text.split_once(':')
            && let Some(flag) = Flag::parse(flag)
        {
            let value = if value.is_empty() { words.next().map(|next| next.text).unwrap_or_default() } else { value };
            return self.filter(flag, value, negated, offset_seconds);
        }
        let is_prefix = text.ends_with('*');
        if !is_prefix && let Some(tag) = hashtag(text) {
            let list = if negated { &mut self.without_hashtags } else { &mut self.hashtags };
            list.push(text::fold(tag));
            return;
        }
        self.add(term(text, false, is_prefix), negated);
    }

    fn add(&mut self, term: Option<Term>, negated: bool) {
        if negated { self.without.extend(term) } else { self.words.extend(term) }
    }

    fn filter(&mut self, flag: Flag, value: &str, negated: bool, offset_seconds: i64) {
        let name = value.trim_matches('"').trim_start_matches(['@', '~']).to_lowercase();
        if name.is_empty() {
            return;
        }
        match flag {
            Flag::From if negated => self.not_from.push(name),
            Flag::From => self.from.push(name),
            Flag::In if negated => self.not_channels.push(name),
            Flag::In => self.channels.push(name),
            Flag::Before | Flag::After | Flag::On => {
                let Some(start) = day(&name).map(|start| start - offset_seconds * 1_000) else {
                    self.impossible = true;
                    return;
                };
                let (since, until) = match flag {
                    Flag::Before => (None, Some(start)),
                    Flag::After => (Some(start + DAY_MS), None),
                    _ => (Some(start), Some(start + DAY_MS)),
                };
                self.since = self.since.max(since);
                self.until = [self.until, until].into_iter().flatten().min();
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Flag {
    From,
    In,
    Before,
    After,
    On,
}

impl Flag {
    fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "from" => Self::From,
            "in" | "channel" => Self::In,
            "before" => Self::Before,
            "after" => Self::After,
            "on" => Self::On,
            _ => return None,
        })
    }
}

struct Word<'a> {
    text: &'a str,
    negated: bool,
    quoted: bool,
}

/// Words separated by white space; what stands in quotes is one.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<Word<'a>> {
        const QUOTES: [char; 4] = ['"', '\u{201c}', '\u{201d}', '\u{201e}'];
        let start = self.rest.trim_start();
        let unsigned = start.strip_prefix('-').filter(|rest| rest.starts_with(|c: char| !c.is_whitespace()));
        let (negated, start) = (unsigned.is_some(), unsigned.unwrap_or(start));
        if let Some(inside) = start.strip_prefix(QUOTES) {
            let (text, rest) = inside.split_once(QUOTES).unwrap_or((inside, ""));
            self.rest = rest;
            return Some(Word { text, negated, quoted: true });
        }
        if start.is_empty() {
            return None;
        }
        let end = start.find(char::is_whitespace).unwrap_or(start.len());
        self.rest = &start[end..];
        Some(Word { text: &start[..end], negated, quoted: false })
    }
}

/// `None` when nothing of the text can be looked for.
fn term(source: &str, quoted: bool, is_prefix: bool) -> Option<Term> {
    let mut tokens = text::tokens(source);
    // The last character of a run is there for whoever looks for it alone; here the pair before it holds it.
    let alone = tokens.len() == 1;
    for at in (1..tokens.len()).rev() {
        if tokens[at].kind == Kind::Single && tokens[at - 1].kind == Kind::Pair {
            tokens.remove(at);
        }
    }
    if alone && tokens.len() == 1 {
        let token = tokens.remove(0);
        return Some(match token.kind {
            Kind::Word if is_prefix => Term::Prefix(token.text),
            Kind::Word if !quoted => Term::Word(token.text),
            Kind::Word | Kind::Pair => Term::Sequence(vec![(0, Piece::Exact(token.text))]),
            // It begins the pairs it stands in.
            Kind::Single => Term::Prefix(token.text),
        });
    }
    let first = tokens.first()?.position;
    let last = tokens.len() - 1;
    let pieces = tokens.into_iter().enumerate().map(|(at, token)| {
        let begins = token.kind == Kind::Single || (is_prefix && at == last && token.kind == Kind::Word);
        (token.position - first, if begins { Piece::Prefix(token.text) } else { Piece::Exact(token.text) })
    });
    Some(Term::Sequence(pieces.collect()))
}

/// The start of a day `YYYY-MM-DD` in UTC, ms.
fn day(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-').map(|part| part.parse::<i64>().ok().filter(|n| *n >= 0));
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1970..=9999).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    // Days since 1970, counting years from March (H. Hinnant, "chrono-compatible low-level date algorithms").
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(days * DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Term {
        Term::Word(text.into())
    }

    fn phrase(words: &[&str]) -> Term {
        Term::Sequence(words.iter().zip(0..).map(|(w, at)| (at, Piece::Exact((*w).to_owned()))).collect())
    }

    #[test]
    fn words_phrases_prefixes_and_exclusions() {
        for (terms, words, without) in [
            ("Hello world", vec![word("hello"), word("world")], vec![]),
            ("\"hello  World\" x", vec![phrase(&["hello", "world"]), word("x")], vec![]),
            ("\u{201c}smart quotes\u{201d}", vec![phrase(&["smart", "quotes"])], vec![]),
            ("\"open end", vec![phrase(&["open", "end"])], vec![]),
            ("\"running\"", vec![phrase(&["running"])], vec![]),
            ("dep* , (really) *", vec![Term::Prefix("dep".into()), word("really")], vec![]),
            ("foo-bar", vec![phrase(&["foo", "bar"])], vec![]),
            ("a -b -\"c d\" - e", vec![word("a"), word("e")], vec![word("b"), phrase(&["c", "d"])]),
            ("#tag*", vec![Term::Prefix("tag".into())], vec![]),
            ("http://x", vec![phrase(&["http", "x"])], vec![]),
            ("<script> & | ! ' \\", vec![word("script")], vec![]),
        ] {
            let parsed = Terms::parse(terms, 0);
            assert_eq!((parsed.words, parsed.without), (words, without), "{terms}");
        }
        for nothing in ["", "  ", "*", "- . !", "from:", "in: "] {
            assert!(Terms::parse(nothing, 0).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn unspaced_scripts_are_found_by_any_part() {
        let one = |terms| Terms::parse(terms, 0).words.remove(0);
        assert_eq!(one("京"), Term::Prefix("京".into()));
        assert_eq!(one("東京"), phrase(&["東京"]));
        assert_eq!(one("東京都"), phrase(&["東京", "京都"]));
        let mixed = vec![(0, Piece::Exact("iphone".into())), (1, Piece::Exact("を買".into())), (2, Piece::Exact("買う".into()))];
        assert_eq!(one("iPhoneを買う"), Term::Sequence(mixed));
        let split = vec![(0, Piece::Exact("東京".into())), (2, Piece::Exact("x".into()))];
        assert_eq!(one("東京x"), Term::Sequence(split));
    }

    #[test]
    fn filters() {
        let parsed = Terms::parse("From:Bob from: @eve in:~town-square channel:off-topic -from:Mallory -in:noise #Deploy -#old x", 0);
        assert_eq!(parsed.from, ["bob", "eve"]);
        assert_eq!(parsed.not_from, ["mallory"]);
        assert_eq!(parsed.channels, ["town-square", "off-topic"]);
        assert_eq!(parsed.not_channels, ["noise"]);
        assert_eq!((parsed.hashtags, parsed.without_hashtags), (vec!["#deploy".to_owned()], vec!["#old".to_owned()]));
        assert_eq!(parsed.words, [word("x")]);
    }

    #[test]
    fn dates_are_days_of_the_asker() {
        assert_eq!((day("1970-01-01"), day("2018-08-01"), day("2000-02-29")), (Some(0), Some(1_533_081_600_000), Some(951_782_400_000)));
        for none in ["2018-02-29", "2018-13-01", "2018-01-00", "18-1-1x", "2018", "-2018-01-01", "1900-01-01"] {
            assert_eq!(day(none), None, "{none}");
        }
        let times = |terms, offset| {
            let parsed = Terms::parse(terms, offset);
            (parsed.since, parsed.until, parsed.impossible)
        };
        let start = 1_533_081_600_000;
        assert_eq!(times("on:2018-08-01", 0), (Some(start), Some(start + DAY_MS), false));
        assert_eq!(times("before: 2018-08-01", 7_200), (None, Some(start - 7_200_000), false));
        assert_eq!(times("after:2018-08-01 before:2018-08-05", 0), (Some(start + DAY_MS), Some(start + 4 * DAY_MS), false));
        assert_eq!(times("on:yesterday", 0), (None, None, true));
    }
}
