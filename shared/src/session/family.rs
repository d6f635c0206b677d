//! Login families and their refresh tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::clock::Instant;
use crate::settings::Secret;
use crate::table::{Entity, Key};

/// All rotations of one refresh token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// 128 random bits in base64url.
    pub id: String,
    /// The member's opaque id.
    pub member_id: String,
    /// The member's Telegram id.
    pub telegram_id: i64,
    /// The number of the newest refresh token.
    pub newest: u64,
    /// When that was issued, which is when its predecessor was used.
    pub rotated_at: Instant,
    /// When the family is over unless it rotates again.
    pub expires_at: Instant,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Instant>,
}

impl Family {
    /// Where the family `id` is stored.
    #[must_use]
    pub fn key_of(id: &str) -> Key {
        Key::new(format!("FAMILY#{id}"), "FAMILY")
    }
}

impl Entity for Family {
    const KIND: &'static str = "Family";

    fn key(&self) -> Key {
        Self::key_of(&self.id)
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.expires_at)
    }
}

/// Refresh token `number` of a family: `<family>.<number>.<mac>`.
pub(super) fn write_token(family: &str, number: u64, secret: &Secret) -> String {
    format!("{family}.{number}.{}", URL_SAFE_NO_PAD.encode(mac(family, number, secret)))
}

/// The family and number of a refresh token that we made.
pub(super) fn read_token(token: &str, secret: &Secret) -> Option<(String, u64)> {
    let (family, rest) = token.split_once('.')?;
    let (number, tag) = rest.split_once('.')?;
    let number: u64 = number.parse().ok().filter(|n: &u64| n.to_string() == number)?;
    let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
    bool::from(mac(family, number, secret).ct_eq(&tag)).then(|| (family.to_owned(), number))
}

fn mac(family: &str, number: u64, secret: &Secret) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
        return Vec::new(); // HMAC takes keys of any length
    };
    mac.update(b"refresh|");
    mac.update(family.as_bytes());
    mac.update(b"|");
    mac.update(&number.to_be_bytes());
    mac.finalize().into_bytes().to_vec()
}
