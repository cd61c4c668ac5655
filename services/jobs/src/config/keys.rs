//! The key that signs error pages: ECDSA over P-256.

use base64::{Engine, engine::general_purpose::STANDARD};
use muster_error::AppError;
use p256::{SecretKey, pkcs8::EncodePublicKey};
use rand::RngExt;

/// Draws until the bytes are a valid scalar; nearly every draw is.
const DRAWS: usize = 16;

/// A new key: the scalar and the DER form of the public key, both base64.
pub fn generate() -> Result<(String, String), AppError> {
    let key = (0..DRAWS)
        .find_map(|_| SecretKey::from_slice(&rand::rng().random::<[u8; 32]>()).ok())
        .ok_or_else(|| AppError::internal("no P-256 key could be drawn"))?;
    let public = key.public_key().to_public_key_der().map_err(AppError::internal)?;
    Ok((STANDARD.encode(key.to_bytes()), STANDARD.encode(public.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::{PublicKey, pkcs8::DecodePublicKey};

    #[test]
    fn the_public_key_belongs_to_the_private_one() {
        let (key, public) = generate().expect("a key");
        let key = SecretKey::from_slice(&STANDARD.decode(key).expect("base64")).expect("a scalar");
        let public = PublicKey::from_public_key_der(&STANDARD.decode(public).expect("base64")).expect("DER");
        assert_eq!(key.public_key(), public);
    }
}
