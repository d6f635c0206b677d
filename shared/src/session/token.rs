//! Access tokens: JSON Web Tokens, HS256 and nothing else.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::problem::{Problem, Result};
use crate::settings::Secret;

/// The claims of an access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The member's opaque id.
    #[serde(rename = "sub")]
    pub member_id: String,
    /// The member's Telegram id.
    #[serde(rename = "telegramId")]
    pub telegram_id: i64,
    /// The login family.
    #[serde(rename = "fam")]
    pub family: String,
    /// The token's own id.
    #[serde(rename = "jti")]
    pub token_id: String,
    /// When it was issued, in epoch seconds.
    #[serde(rename = "iat")]
    pub issued_at_s: i64,
    /// When it is over, in epoch seconds.
    #[serde(rename = "exp")]
    pub expires_at_s: i64,
}

/// Signs the claims.
pub(super) fn write(claims: &Claims, secret: &Secret) -> Result<String> {
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).map_err(Problem::bug)
}

/// The claims of a token that we signed, whether over or not: its age is judged by our own clock.
pub(super) fn read(token: &str, secret: &Secret) -> Option<Claims> {
    let key = DecodingKey::from_secret(secret.expose().as_bytes());
    let mut rules = Validation::new(Algorithm::HS256);
    rules.validate_exp = false;
    rules.validate_aud = false;
    jsonwebtoken::decode(token, &key, &rules).ok().map(|data| data.claims)
}
