//! Tokens nobody issued.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use crate::hmac;

/// The claims of a token, unchecked.
#[must_use]
pub fn payload(token: &str) -> Value {
    let middle = token.split('.').nth(1).unwrap_or_default();
    let bytes = BASE64.decode(middle).expect("base64url");
    serde_json::from_slice(&bytes).expect("claims")
}

/// A token with these claims: HS256 by `secret`, or `none` without one.
#[must_use]
pub fn forged(claims: &Value, secret: Option<&[u8]>) -> String {
    let algorithm = if secret.is_some() { "HS256" } else { "none" };
    let header = BASE64.encode(json!({"alg": algorithm, "typ": "JWT"}).to_string());
    let signed = format!("{header}.{}", BASE64.encode(claims.to_string()));
    let signature = secret.map(|secret| BASE64.encode(hmac(secret, signed.as_bytes())));
    format!("{signed}.{}", signature.unwrap_or_default())
}
