//! The check of `initData` of a bot whose token one does not have: Telegram's own Ed25519
//! signature over the bot's id and the fields.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use jiff::Timestamp;

use super::init_data::{Fields, InitData, InitDataError, Rules};

/// `e7bf03a2fa4602af4580703d88dda5bb59f32ed8b02a56c187fe7d34caed242d`
const PRODUCTION: [u8; 32] = [
    0xe7, 0xbf, 0x03, 0xa2, 0xfa, 0x46, 0x02, 0xaf, 0x45, 0x80, 0x70, 0x3d, 0x88, 0xdd, 0xa5, 0xbb,
    0x59, 0xf3, 0x2e, 0xd8, 0xb0, 0x2a, 0x56, 0xc1, 0x87, 0xfe, 0x7d, 0x34, 0xca, 0xed, 0x24, 0x2d,
];

/// `40055058a4ee38156a06562e52eece92a771bcd8346a8c4615cb7376eddf72ec`
const TEST: [u8; 32] = [
    0x40, 0x05, 0x50, 0x58, 0xa4, 0xee, 0x38, 0x15, 0x6a, 0x06, 0x56, 0x2e, 0x52, 0xee, 0xce, 0x92,
    0xa7, 0x71, 0xbc, 0xd8, 0x34, 0x6a, 0x8c, 0x46, 0x15, 0xcb, 0x73, 0x76, 0xed, 0xdf, 0x72, 0xec,
];

/// Which of Telegram's two worlds signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// The one people use.
    Production,
    /// Telegram's test servers.
    Test,
}

impl Environment {
    /// Telegram's public key.
    #[must_use]
    pub const fn public_key(self) -> [u8; 32] {
        match self {
            Self::Production => PRODUCTION,
            Self::Test => TEST,
        }
    }
}

/// A verifier for users of one bot of another owner.
#[derive(Clone)]
pub struct ThirdParty {
    prefix: String,
    key: VerifyingKey,
}

/// The settings name no bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the third party's bot id must be positive")]
pub struct ThirdPartyError;

impl ThirdParty {
    /// A verifier for the bot with this id. Telegram signs the id, too: data of another bot fails.
    ///
    /// # Errors
    /// When the id is not positive.
    pub fn new(bot_id: i64, environment: Environment) -> Result<Self, ThirdPartyError> {
        Self::with_public_key(bot_id, &environment.public_key())
    }

    /// Private: a caller that could choose the key could choose who is believed.
    pub(super) fn with_public_key(bot_id: i64, key: &[u8; 32]) -> Result<Self, ThirdPartyError> {
        if bot_id < 1 {
            return Err(ThirdPartyError);
        }
        let key = VerifyingKey::from_bytes(key).map_err(|_| ThirdPartyError)?;
        Ok(Self { prefix: format!("{bot_id}:WebAppData\n"), key })
    }

    /// Verifies `initData` of that bot; `hash` is not looked at.
    ///
    /// # Errors
    /// [`InitDataError`]; an age is reported only for data whose signature matches.
    pub fn verify(
        &self,
        raw: &str,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<InitData, InitDataError> {
        let fields = Fields::parse(raw)?;
        let signature = fields.get("signature").ok_or(InitDataError::SignatureMissing)?;
        let signature = decode(signature).ok_or(InitDataError::SignatureMalformed)?;
        let message = fields.check_string(&self.prefix, &["hash", "signature"]);
        self.key
            .verify_strict(message.as_bytes(), &signature)
            .map_err(|_| InitDataError::SignatureMismatch)?;
        fields.read(now, rules)
    }
}

impl fmt::Debug for ThirdParty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThirdParty").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// 64 bytes in base64url without padding.
fn decode(text: &str) -> Option<Signature> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    Some(Signature::from_bytes(&bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer as _, SigningKey};

    const BOT: i64 = 1_000_000_001;
    const NOW: i64 = 1_768_900_000;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn verifier(bot: i64) -> ThirdParty {
        ThirdParty::with_public_key(bot, key().verifying_key().as_bytes()).unwrap()
    }

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    /// `hash` and `signature` in the middle, fields out of order.
    fn signed(auth_date: i64) -> String {
        let message = format!("{BOT}:WebAppData\nauth_date={auth_date}\nuser={{\"id\":5}}");
        let signature = URL_SAFE_NO_PAD.encode(key().sign(message.as_bytes()).to_bytes());
        format!("user=%7B%22id%22%3A5%7D&signature={signature}&hash=ab&auth_date={auth_date}")
    }

    fn check(raw: &str) -> Result<InitData, InitDataError> {
        verifier(BOT).verify(raw, now(), &Rules::default())
    }

    #[test]
    fn carries_the_published_keys() {
        assert_eq!(
            hex(&Environment::Production.public_key()),
            "e7bf03a2fa4602af4580703d88dda5bb59f32ed8b02a56c187fe7d34caed242d"
        );
        assert_eq!(
            hex(&Environment::Test.public_key()),
            "40055058a4ee38156a06562e52eece92a771bcd8346a8c4615cb7376eddf72ec"
        );
        for environment in [Environment::Production, Environment::Test] {
            assert!(ThirdParty::new(BOT, environment).is_ok());
            assert!(ThirdParty::new(0, environment).is_err());
            let real = ThirdParty::new(BOT, environment).unwrap();
            assert_eq!(
                real.verify(&signed(NOW), now(), &Rules::default()),
                Err(InitDataError::SignatureMismatch)
            );
        }
    }

    #[test]
    fn accepts_what_was_signed_for_this_bot() {
        assert_eq!(check(&signed(NOW)).unwrap().user.id.get(), 5);
        assert_eq!(check(&signed(NOW - 86_400)).unwrap().user.id.get(), 5);
        let other = verifier(BOT + 1).verify(&signed(NOW), now(), &Rules::default());
        assert_eq!(other, Err(InitDataError::SignatureMismatch));
    }

    #[test]
    fn refuses_every_trap() {
        let good = signed(NOW);
        let signature = good.split("signature=").nth(1).unwrap().split('&').next().unwrap();
        let rows = [
            (signed(NOW - 86_401), InitDataError::Expired),
            (signed(NOW + 61), InitDataError::Future),
            (good.replace("A5%7D", "A6%7D"), InitDataError::SignatureMismatch),
            (good.replace("signature=", "sig="), InitDataError::SignatureMissing),
            (good.replace(signature, ""), InitDataError::SignatureMalformed),
            (
                good.replace(signature, &format!("{signature}%3D%3D")),
                InitDataError::SignatureMalformed,
            ),
            (good.replace(signature, &signature[..80]), InitDataError::SignatureMalformed),
            (format!("{good}&extra=1"), InitDataError::SignatureMismatch),
            (format!("{good}&auth_date=1"), InitDataError::DuplicateKey),
            (format!("{good}&x=%"), InitDataError::Malformed),
            (format!("{good}&x={}", "a".repeat(8192)), InitDataError::TooLong),
        ];
        for (raw, expected) in rows {
            assert_eq!(check(&raw), Err(expected), "{raw}");
        }
        // The hash is outside of this signature.
        assert!(check(&good.replace("hash=ab", "hash=cd")).is_ok());
    }
}
