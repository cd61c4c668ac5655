//! Whether a text is an LDAP search filter (RFC 4515).

/// Levels of nesting a filter may have; deeper ones are refused before they cost stack.
const MAX_DEPTH: usize = 100;

/// Whether `filter` is one complete filter such as `(&(objectClass=person)(!(cn=x*)))`.
pub fn is_valid(filter: &str) -> bool {
    matches!(parse(filter.trim(), 0), Some(""))
}

/// Parses one filter and returns what follows it.
fn parse(text: &str, depth: usize) -> Option<&str> {
    if depth > MAX_DEPTH {
        return None;
    }
    let inner = text.strip_prefix('(')?;
    let rest = match inner.chars().next()? {
        '&' | '|' => {
            let mut rest = parse(&inner[1..], depth + 1)?;
            while rest.starts_with('(') {
                rest = parse(rest, depth + 1)?;
            }
            rest
        }
        '!' => parse(&inner[1..], depth + 1)?,
        _ => comparison(inner)?,
    };
    rest.strip_prefix(')')
}

/// `attribute=value`, also with `~=`, `>=`, `<=` and `:rule:=`. Stops at the closing parenthesis.
fn comparison(text: &str) -> Option<&str> {
    let end = text.find([')', '('])?;
    let (attribute, value) = text[..end].split_once('=')?;
    let attribute = attribute.trim_end_matches(['~', '>', '<']);
    let named = !attribute.is_empty() && attribute.chars().all(|c| c.is_ascii_alphanumeric() || "-.;:_".contains(c));
    (named && escapes_are_hex(value)).then(|| &text[end..])
}

fn escapes_are_hex(value: &str) -> bool {
    value.split('\\').skip(1).all(|after| after.len() >= 2 && after.bytes().take(2).all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        for good in ["(cn=x)", "(cn=*)", "(&(a=b)(|(c>=1)(!(d=e*))))", "(memberOf:1.2.840:=cn=x,dc=y)", r"(cn=\28x\29)", " (cn=x) "] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "cn=x", "(cn=x", "(cn)", "(&)", "(cn=x))", "(a=b)(c=d)", "((a=b))", r"(cn=\2)", "(=x)", "(!(a=b)(c=d))"] {
            assert!(!is_valid(bad), "{bad}");
        }
        assert!(!is_valid(&format!("{}(a=b){}", "(!".repeat(5000), ")".repeat(5000))));
    }
}
