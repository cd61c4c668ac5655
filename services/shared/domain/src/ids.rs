//! Identifiers in Mattermost's form: 26 characters of z-base-32 over 16 bytes.

use rand::RngExt;

const ALPHABET: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";

/// Characters of an id, a session token, a request id.
pub const ID_LENGTH: usize = 26;
/// Characters of a mailed one-time code.
pub const CODE_LENGTH: usize = 64;

/// A new entity id: a UUIDv7, so that ids created one after another are neighbours in an index.
pub fn new_id() -> String {
    let mut bytes: [u8; 16] = rand::rng().random();
    let ms = crate::time::now_ms() as u64;
    bytes[..6].copy_from_slice(&ms.to_be_bytes()[2..]);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    encode(&bytes)
}

/// A new secret: fully random (session tokens, access tokens, invite ids).
pub fn new_token() -> String {
    encode(&rand::rng().random::<[u8; 16]>())
}

/// A new mailed one-time code: 64 random characters.
pub fn new_code() -> String {
    let mut rng = rand::rng();
    (0..CODE_LENGTH).map(|_| ALPHABET[rng.random_range(0..32)] as char).collect()
}

/// Whether this can be an id: foreign ids are taken as they are, so only the form counts.
pub fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The id made of these bytes: where the same thing must always get the same id.
pub fn of_bytes(bytes: &[u8; 16]) -> String {
    encode(bytes)
}

fn encode(bytes: &[u8; 16]) -> String {
    let mut out = String::with_capacity(ID_LENGTH);
    let (mut buffer, mut bits) = (0u32, 0u32);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(ALPHABET[(buffer >> bits) as usize & 31] as char);
        }
    }
    out.push(ALPHABET[(buffer << (5 - bits)) as usize & 31] as char);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_form_and_do_not_repeat() {
        let ids: std::collections::HashSet<String> = (0..10_000).map(|_| new_id()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| is_id(id)));
        assert!(is_id(&new_token()));
        assert_eq!(new_code().len(), CODE_LENGTH);
    }

    #[test]
    fn encodes_as_z_base_32() {
        assert_eq!(encode(&[0; 16]), "y".repeat(26));
        assert_eq!(encode(&[0xff; 16]), format!("{}{}", "9".repeat(25), "h"));
    }
}
