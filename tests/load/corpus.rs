//! Messages in many languages whose words are as unevenly frequent as in life, and searches for them.

use rand::RngExt;

/// Words of each made-up vocabulary.
const VOCABULARY: u32 = 20_000;

const ENGLISH: [&str; 96] = [
    "the",
    "to",
    "a",
    "and",
    "of",
    "in",
    "is",
    "for",
    "it",
    "on",
    "that",
    "we",
    "you",
    "this",
    "with",
    "be",
    "have",
    "not",
    "can",
    "are",
    "will",
    "as",
    "at",
    "if",
    "release",
    "server",
    "review",
    "meeting",
    "deploy",
    "team",
    "today",
    "please",
    "thanks",
    "build",
    "test",
    "update",
    "issue",
    "channel",
    "customer",
    "report",
    "tomorrow",
    "branch",
    "merge",
    "version",
    "error",
    "fix",
    "database",
    "question",
    "design",
    "lunch",
    "coffee",
    "ticket",
    "budget",
    "travel",
    "window",
    "garden",
    "running",
    "failed",
    "backup",
    "restart",
    "network",
    "password",
    "invoice",
    "contract",
    "holiday",
    "printer",
    "keyboard",
    "schedule",
    "deadline",
    "feedback",
    "documentation",
    "migration",
    "performance",
    "security",
    "monitoring",
    "dashboard",
    "container",
    "cluster",
    "latency",
    "timeout",
    "retry",
    "cache",
    "index",
    "query",
    "search",
    "notification",
    "mobile",
    "desktop",
    "browser",
    "plugin",
    "webhook",
    "emoji",
    "thread",
    "mention",
    "status",
    "profile",
];
const WESTERN: [&str; 24] = [
    "straße",
    "größe",
    "prüfung",
    "besprechung",
    "übermorgen",
    "müsste",
    "café",
    "réunion",
    "déploiement",
    "élève",
    "être",
    "naïve",
    "mañana",
    "reunión",
    "año",
    "встреча",
    "сервер",
    "завтра",
    "ошибка",
    "обновление",
    "ёлка",
    "zażółć",
    "příklad",
    "göteborg",
];

#[derive(Clone, Copy)]
enum Language {
    English,
    Western,
    Chinese,
    Japanese,
    Korean,
    Thai,
}

/// As frequent as its rank says: word 0 twice as often as word 1.
fn rank(most: u32) -> u32 {
    ((f64::from(most).ln() * rand::random::<f64>()).exp() as u32 - 1) % most
}

fn mixed(n: u32) -> u32 {
    n.wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(0x85eb_ca6b)
}

fn letters(first: u32, count: u32, n: u32, length: u32) -> String {
    (0..length).filter_map(|k| char::from_u32(first + mixed(n * 7 + k) % count)).collect()
}

/// The word of this rank.
fn word(language: Language, n: u32) -> String {
    const SYLLABLES: [&str; 16] = ["ka", "mo", "ter", "li", "son", "de", "ru", "vin", "po", "sta", "gre", "ni", "bal", "cor", "ex", "um"];
    let made = |length: u32| (0..length).map(|k| SYLLABLES[(mixed(n * 11 + k) % 16) as usize]).collect::<String>();
    match language {
        Language::English => ENGLISH.get(n as usize).map_or_else(|| made(2 + n % 3), |w| (*w).to_owned()),
        Language::Western => WESTERN.get(n as usize).map_or_else(|| made(3) + "ü", |w| (*w).to_owned()),
        Language::Chinese => letters(0x4e00, 2_500, n, 1 + n % 2 + u32::from(n > 100)),
        Language::Japanese if n % 2 == 1 => letters(0x3041, 80, n, 1 + n % 3),
        Language::Japanese => letters(0x4e00, 2_000, n + 50_000, 2),
        Language::Korean => letters(0xac00, 2_000, n, 2),
        Language::Thai => letters(0x0e01, 44, n, 3),
    }
}

/// A message of some words.
pub fn message() -> String {
    let language = match rand::random_range(0..100) {
        0..55 => Language::English,
        55..63 => Language::Western,
        63..75 => Language::Chinese,
        75..88 => Language::Japanese,
        88..95 => Language::Korean,
        _ => Language::Thai,
    };
    let separator = if matches!(language, Language::Chinese | Language::Japanese | Language::Thai) { "" } else { " " };
    let length = 3 + rank(28);
    let mut text = (0..length).map(|_| word(language, rank(VOCABULARY))).collect::<Vec<_>>().join(separator);
    if rand::random_ratio(1, 20) {
        text.push_str(&format!(" #{}", word(Language::English, 24 + rank(200))));
    }
    text
}

/// What somebody looks for: mostly a word or two, of any frequency.
pub fn terms(username: &str, channel_name: &str) -> String {
    let mut rng = rand::rng();
    let english = |from: u32| word(Language::English, from + rank(VOCABULARY / 4));
    match rng.random_range(0..100) {
        0..20 => english(0),
        20..35 => format!("{} {}", english(24), english(24)),
        35..43 => format!("\"{} {}\"", ENGLISH[rank(24) as usize], english(0)),
        43..50 => format!("{}*", english(24).chars().take(4).collect::<String>()),
        50..56 => word(Language::Chinese, rank(2_000)),
        56..63 => word(Language::Japanese, rank(2_000)),
        63..67 => word(Language::Korean, rank(2_000)),
        67..70 => word(Language::Thai, rank(2_000)),
        70..74 => word(Language::Western, rank(24)).to_uppercase(),
        74..80 => format!("{} from:{username}", english(0)),
        80..86 => format!("{} in:{channel_name}", english(0)),
        86..91 => format!("#{}", english(24)),
        91..96 => format!("{} -{}", english(24), english(0)),
        _ => format!("{} after:2026-06-01", english(24)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_words_are_frequent_and_messages_differ() {
        let messages: Vec<String> = (0..2_000).map(|_| message()).collect();
        let holding = |needle: &str| messages.iter().filter(|m| m.split(' ').any(|w| w == needle)).count();
        assert!(holding("the") > 5 * holding("cluster"), "{} {}", holding("the"), holding("cluster"));
        let distinct: std::collections::BTreeSet<&String> = messages.iter().collect();
        assert!(distinct.len() > 1_800, "{}", distinct.len());
        assert!(messages.iter().any(|m| m.chars().any(|c| ('\u{ac00}'..'\u{d7a3}').contains(&c))));
    }

    #[test]
    fn searches_are_never_empty() {
        assert!((0..1_000).all(|_| !terms("u", "c").trim().is_empty()));
    }
}
