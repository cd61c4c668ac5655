//! JSON as Mattermost writes it: `<`, `>` and `&` inside strings are escaped.

use serde::Serialize;
use serde_json::ser::Formatter;
use std::io::{self, Write};

/// The JSON of an entity, escaped as Go's encoder does.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(512);
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, GoFormatter))?;
    Ok(out)
}

/// Like [`to_vec`], as a string (event data often nests JSON in a JSON string).
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    String::from_utf8(to_vec(value)?).map_err(serde::ser::Error::custom)
}

struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        escape_html(writer, fragment)
    }

    fn write_raw_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Raw JSON may hold these characters inside strings only, so escaping them is safe.
        escape_html(writer, fragment)
    }
}

fn escape_html<W: ?Sized + Write>(writer: &mut W, fragment: &str) -> io::Result<()> {
    let bytes = fragment.as_bytes();
    let mut start = 0;
    for (i, b) in bytes.iter().enumerate() {
        let escape: &[u8] = match b {
            b'<' => b"\\u003c",
            b'>' => b"\\u003e",
            b'&' => b"\\u0026",
            _ => continue,
        };
        writer.write_all(&bytes[start..i])?;
        writer.write_all(escape)?;
        start = i + 1;
    }
    writer.write_all(&bytes[start..])
}

#[cfg(test)]
mod tests {
    #[test]
    fn escapes_inside_strings_and_raw_values() {
        let post = crate::model::Post { message: "a<b>&c".into(), props: r#"{"k":"<"}"#.into(), ..Default::default() };
        let json = super::to_string(&post).expect("encodes");
        assert!(json.contains(r#""message":"a\u003cb\u003e\u0026c""#), "{json}");
        assert!(json.contains(r#""props":{"k":"\u003c"}"#), "{json}");
    }
}
