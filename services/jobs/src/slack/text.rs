//! Slack's markup as Markdown.

use std::collections::HashMap;

/// Names by Slack id.
#[derive(Default)]
pub struct Names {
    pub users: HashMap<String, String>,
    pub channels: HashMap<String, String>,
}

/// `<@ID>`, `<#ID>`, `<!channel>` and links become what they mean here; `*bold*` and `~struck~` double their marks.
pub fn markdown(text: &str, names: &Names) -> String {
    let text = doubled(&doubled(text, '*'), '~');
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        let inner = &rest[open + 1..];
        match inner.find(['>', '<']).filter(|end| inner.as_bytes()[*end] == b'>') {
            Some(end) => {
                reference(&inner[..end], names, &mut out);
                rest = &inner[end + 1..];
            }
            None => {
                out.push('<');
                rest = inner;
            }
        }
    }
    out.push_str(rest);
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn reference(inner: &str, names: &Names, out: &mut String) {
    let (target, label) = inner.split_once('|').map_or((inner, None), |(target, label)| (target, Some(label)));
    if let Some(id) = target.strip_prefix('@') {
        out.push('@');
        out.push_str(names.users.get(id).map(String::as_str).or(label).unwrap_or(id));
    } else if let Some(id) = target.strip_prefix('#') {
        out.push('~');
        out.push_str(names.channels.get(id).map(String::as_str).or(label).unwrap_or(id));
    } else if let Some(command) = target.strip_prefix('!') {
        match command {
            "channel" | "group" => out.push_str("@channel"),
            "everyone" => out.push_str("@all"),
            "here" => out.push_str("@here"),
            _ => out.push_str(label.unwrap_or(command)),
        }
    } else {
        match label {
            Some(label) => {
                out.push('[');
                out.push_str(label);
                out.push_str("](");
                out.push_str(target);
                out.push(')');
            }
            None => out.push_str(target),
        }
    }
}

/// Doubles the marks around what they embrace on one line, outside of `<…>`.
fn doubled(text: &str, mark: char) -> String {
    if !text.contains(mark) {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let mut marked = vec![false; chars.len()];
    let (mut opened, mut in_reference) = (None, false);
    for (at, c) in chars.iter().enumerate() {
        match c {
            '<' => in_reference = true,
            '>' => in_reference = false,
            '\n' => opened = None,
            c if *c == mark && !in_reference => {
                let before = at.checked_sub(1).map(|i| chars[i]);
                let after = chars.get(at + 1).copied();
                let is_outside = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != mark);
                let is_inside = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace() && c != mark);
                match opened {
                    Some(start) if is_inside(before) && is_outside(after) => {
                        marked[start] = true;
                        marked[at] = true;
                        opened = None;
                    }
                    _ if is_outside(before) && is_inside(after) => opened = Some(at),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    let mut out = String::with_capacity(text.len() + 8);
    for (c, marked) in chars.into_iter().zip(marked) {
        out.push(c);
        if marked {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup() {
        let pairs = |list: &[(&str, &str)]| list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let names = Names { users: pairs(&[("U1", "ada")]), channels: pairs(&[("C1", "general")]) };
        for (slack, expected) in [
            ("hello <@U1> in <#C1|old>", "hello @ada in ~general"),
            ("<@U9|bob> <@U9> <#C9|x>", "@bob @U9 ~x"),
            ("<!channel> <!everyone> <!here|@here> <!here>", "@channel @all @here @here"),
            ("<https://a.b/*c*|text> <https://a.b>", "[text](https://a.b/*c*) https://a.b"),
            ("*bold* and ~gone~, 2*3*4 ~", "**bold** and ~~gone~~, 2*3*4 ~"),
            ("*<https://a|b>*", "**[b](https://a)**"),
            ("*a\nb*", "*a\nb*"),
            ("&gt; quoted &amp; &lt;b&gt;", "> quoted & <b>"),
            ("a < b <unclosed", "a < b <unclosed"),
            ("", ""),
        ] {
            assert_eq!(markdown(slack, &names), expected, "{slack}");
        }
    }
}
