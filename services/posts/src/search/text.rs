//! How text becomes what is indexed and looked for: one tokeniser for both sides. Pure.
//!
//! Text is folded (case, accents, width), then cut into words. Scripts written without spaces between words (Chinese,
//! Japanese, Thai and their neighbours) and Korean, whose words carry endings, are cut into pairs of neighbouring
//! characters, so that any part of the text is found.

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Characters of a word that count; encoded data makes longer ones.
const WORD_MAX: usize = 64;
/// The highest position a `tsvector` can hold; what comes after it shares it.
const POSITION_MAX: u32 = 16_383;

/// A piece of text and where it stands, counted in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub position: u32,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Word,
    /// Two neighbouring characters of a script without spaces.
    Pair,
    /// The last character of such a run, or a picture.
    Single,
}

/// Text without differences of case, accents, width and ligatures.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkd().filter(|c| !is_accent(*c)).flat_map(char::to_lowercase).filter(|c| !is_accent(*c)).nfc().fold(
        String::with_capacity(text.len()),
        |mut folded, c| {
            match letter(c) {
                Some(letters) => folded.push_str(letters),
                None => folded.push(c),
            }
            folded
        },
    )
}

/// Letters that no normalisation takes apart.
fn letter(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'ħ' => "h",
        'ı' => "i",
        'þ' => "th",
        'ς' => "σ",
        _ => return None,
    })
}

/// Marks that only decorate a letter: those of Latin, Greek and Cyrillic, Hebrew and Arabic vowel points. Vowel signs of
/// other scripts are letters of their own.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
        | '\u{591}'..='\u{5bd}' | '\u{5bf}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}')
}

/// Scripts that are searched by any part: those without spaces, and Korean.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}'          // Thai, Lao
        | '\u{1000}'..='\u{109f}'      // Myanmar
        | '\u{1100}'..='\u{11ff}'      // Hangul letters
        | '\u{1780}'..='\u{17ff}'      // Khmer
        | '\u{3005}'..='\u{3007}'      // ideographic iteration
        | '\u{3041}'..='\u{30ff}'      // Hiragana, Katakana
        | '\u{3105}'..='\u{318f}'      // Bopomofo, Hangul letters
        | '\u{31a0}'..='\u{31ff}'      // Bopomofo, Katakana extensions
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' // ideographs
        | '\u{ac00}'..='\u{d7ff}'      // Hangul
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
        && c != '\u{30fb}'
}

fn is_picture(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{27bf}' | '\u{1f300}'..='\u{1faff}') && !('\u{1f3fb}'..='\u{1f3ff}').contains(&c)
}

/// The tokens of a text, folded.
pub fn tokens(text: &str) -> Vec<Token> {
    let folded = fold(text);
    let mut tokens = Vec::with_capacity(folded.len() / 5 + 1);
    let mut position = 0;
    let mut word = String::new();
    let mut word_length = 0;
    let mut chars = folded.chars().peekable();
    while let Some(c) = chars.next() {
        let unspaced = is_unspaced(c);
        if !unspaced && (c.is_alphanumeric() || is_combining_mark(c)) {
            word_length += 1;
            if word_length <= WORD_MAX {
                word.push(c);
            }
            continue;
        }
        if !word.is_empty() {
            position += 1;
            tokens.push(Token { text: std::mem::take(&mut word), position, kind: Kind::Word });
            word_length = 0;
        }
        if unspaced {
            position += 1;
            let mut text = String::from(c);
            let pair = chars.peek().copied().filter(|next| is_unspaced(*next));
            text.extend(pair);
            tokens.push(Token { text, position, kind: if pair.is_some() { Kind::Pair } else { Kind::Single } });
        } else if is_picture(c) {
            position += 1;
            tokens.push(Token { text: c.into(), position, kind: Kind::Single });
        }
    }
    if !word.is_empty() {
        tokens.push(Token { text: word, position: position + 1, kind: Kind::Word });
    }
    tokens
}

/// The English stem of an ASCII word, when it is another word.
pub fn stem(word: &str) -> Option<String> {
    if word.len() < 4 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    let stem = Stemmer::create(Algorithm::English).stem(word);
    (stem != word).then(|| stem.into_owned())
}

/// Words so frequent that a search for several words does without them.
pub fn is_stop_word(word: &str) -> bool {
    const STOP_WORDS: [&str; 33] = [
        "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not", "of", "on", "or",
        "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "will", "with",
    ];
    STOP_WORDS.contains(&word)
}

/// Appends `'text':position ` as a `tsvector` reads it.
pub fn write_lexeme(out: &mut String, prefix: &str, text: &str, position: Option<u32>) {
    out.push('\'');
    out.push_str(prefix);
    for c in text.chars() {
        if matches!(c, '\'' | '\\') {
            out.push(c);
        }
        out.push(c);
    }
    out.push('\'');
    if let Some(position) = position {
        out.push(':');
        out.push_str(&position.clamp(1, POSITION_MAX).to_string());
    }
    out.push(' ');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|t| format!("{}{}", t.text, t.position)).collect()
    }

    #[test]
    fn folds_case_accents_width_and_ligatures() {
        for (text, expected) in [
            ("HELLO", "hello"),
            ("Café Ångström", "cafe angstrom"),
            ("Straße", "strasse"),
            ("ＡＢＣ１２", "abc12"),
            ("ﬁle", "file"),
            ("Łódź øre", "lodz ore"),
            ("İstanbul ılık", "istanbul ilik"),
            ("ΟΔΟΣ οδός", "οδοσ οδοσ"),
            ("ガ ｶﾞ が", "ガ ガ が"),
            ("Ёлка йод", "елка иод"),
            ("한국어", "한국어"),
            ("สวัสดี", "สวัสดี"),
            ("हिन्दी", "हिन्दी"),
            ("مُحَمَّد", "محمد"),
        ] {
            assert_eq!(fold(text), expected, "{text}");
        }
    }

    #[test]
    fn words_are_cut_at_everything_else() {
        assert_eq!(
            texts("Hello, world! foo-bar a.b.c snake_case"),
            ["hello1", "world2", "foo3", "bar4", "a5", "b6", "c7", "snake8", "case9"]
        );
        assert_eq!(texts("  "), Vec::<String>::new());
        assert_eq!(texts("हिन्दी में"), ["हिन्दी1", "में2"]);
        assert_eq!(tokens(&"x".repeat(100))[0].text.len(), WORD_MAX);
    }

    #[test]
    fn unspaced_scripts_become_pairs_and_a_last_single() {
        assert_eq!(texts("東京都"), ["東京1", "京都2", "都3"]);
        assert_eq!(texts("iPhoneを買う"), ["iphone1", "を買2", "買う3", "う4"]);
        assert_eq!(texts("中"), ["中1"]);
        assert_eq!(texts("안녕 hi"), ["안녕1", "녕2", "hi3"]);
        assert_eq!(texts("ship it 🚀!"), ["ship1", "it2", "🚀3"]);
    }

    #[test]
    fn stems_are_english() {
        assert_eq!(stem("running").as_deref(), Some("run"));
        assert_eq!(stem("deployed").as_deref(), Some("deploy"));
        assert_eq!((stem("run"), stem("über"), stem("x1234")), (None, None, None));
    }

    #[test]
    fn lexemes_are_quoted() {
        let mut out = String::new();
        write_lexeme(&mut out, "#", r"it's\", Some(99_999));
        assert_eq!(out, r"'#it''s\\':16383 ");
    }
}
