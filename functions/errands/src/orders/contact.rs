//! What contacts are compared by. A contact is free text: the rules say what it looks like and
//! when two are the same, and refuse nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::city::is_dash;

/// What a contact looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContactKind {
    /// A username of Telegram.
    Telegram,
    /// A telephone number.
    Phone,
    /// Anything else.
    Other,
}

impl ContactKind {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Telegram => "telegram",
            Self::Phone => "phone",
            Self::Other => "other",
        }
    }
}

/// A contact without the differences between its spellings. It never leaves this module but
/// hashed: contacts are what executors pay for.
#[derive(Clone, PartialEq, Eq)]
pub struct ContactKey {
    kind: ContactKind,
    text: String,
}

impl ContactKey {
    /// The key of a contact as somebody typed it, by the first rule that fits.
    #[must_use]
    pub fn of(contact: &str) -> Self {
        let contact = contact.trim();
        if let Some(name) = username(contact) {
            return Self { kind: ContactKind::Telegram, text: format!("tg:{name}") };
        }
        if let Some(digits) = phone(contact) {
            return Self { kind: ContactKind::Phone, text: format!("tel:{digits}") };
        }
        let words: Vec<_> = contact.split_whitespace().collect();
        let text = format!("txt:{}", words.join(" ").to_lowercase());
        Self { kind: ContactKind::Other, text }
    }

    /// What it looks like.
    #[must_use]
    pub fn kind(&self) -> ContactKind {
        self.kind
    }

    /// The key as it stands in the table: SHA-256, base64url.
    #[must_use]
    pub fn digest(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.text.as_bytes()))
    }
}

/// Contacts are in no log.
impl std::fmt::Debug for ContactKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContactKey").field("kind", &self.kind).finish_non_exhaustive()
    }
}

const PREFIXES: [&str; 4] = ["https://t.me/", "http://t.me/", "t.me/", "@"];
/// Letters, digits and underscores of a username after its first letter.
const USERNAME_REST: std::ops::RangeInclusive<usize> = 4..=31;
/// Digits of a telephone number.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 10..=15;

/// A username of Telegram in lower case.
fn username(contact: &str) -> Option<String> {
    let lower = contact.to_ascii_lowercase();
    let name = PREFIXES.iter().find_map(|prefix| lower.strip_prefix(prefix)).unwrap_or(&lower);
    let rest = name.strip_prefix(|first: char| first.is_ascii_lowercase())?;
    let fits = rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (fits && USERNAME_REST.contains(&rest.len())).then(|| name.to_owned())
}

/// The digits of a telephone number with the country's code.
fn phone(contact: &str) -> Option<String> {
    let written = |c: &char| !c.is_whitespace() && !is_dash(*c) && !matches!(c, '.' | '(' | ')');
    let number: String = contact.chars().filter(written).collect();
    let digits = number.strip_prefix('+').unwrap_or(&number);
    let are_digits = digits.bytes().all(|b| b.is_ascii_digit());
    if !are_digits || !PHONE_DIGITS.contains(&digits.len()) {
        return None;
    }
    if number.starts_with('+') {
        return Some(digits.to_owned());
    }
    Some(match (digits.len(), digits.split_at_checked(1)) {
        (11, Some(("8", rest))) => format!("7{rest}"),
        (10, Some(("4" | "8" | "9", _))) => format!("7{digits}"),
        _ => digits.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(contact: &str) -> String {
        ContactKey::of(contact).text
    }

    #[test]
    fn a_username_is_the_same_however_it_is_written() {
        for contact in ["@Ivan_123", "ivan_123", "https://t.me/IVAN_123", " t.me/ivan_123 "] {
            assert_eq!(key(contact), "tg:ivan_123");
            assert_eq!(ContactKey::of(contact).kind(), ContactKind::Telegram);
        }
        assert_eq!(key("HTTP://T.ME/Ivan5"), "tg:ivan5");
        for contact in ["@ivan", "@1ivan", "@@ivan_123", "t.me/@ivan_123", "иван_123", "@ivan-123"]
        {
            assert_eq!(ContactKey::of(contact).kind(), ContactKind::Other, "{contact}");
        }
        let longest = format!("a{}", "b".repeat(31));
        assert_eq!(key(&longest), format!("tg:{longest}"));
        assert_eq!(key(&format!("{longest}b")), format!("txt:{longest}b"));
    }

    #[test]
    fn a_number_is_the_same_however_it_is_written() {
        for contact in ["+7 (900) 000-00-00", "8 900 000 00 00", "89000000000", "9000000000"] {
            assert_eq!(key(contact), "tel:79000000000");
            assert_eq!(ContactKey::of(contact).kind(), ContactKind::Phone);
        }
        assert_eq!(key("+84 900 000 000"), "tel:84900000000");
        assert_eq!(key("+8 900 000 00 00"), "tel:89000000000");
        assert_eq!(key("8\u{a0}495\u{2013}000.00.00"), "tel:74950000000");
        assert_eq!(
            (key("5000000000").as_str(), key("123456789012345").len()),
            ("tel:5000000000", 19)
        );
        for contact in
            ["123456789", "1234567890123456", "++79000000000", "7900000000+0", "٩٠٠٠٠٠٠٠٠٠"]
        {
            assert_eq!(ContactKey::of(contact).kind(), ContactKind::Other, "{contact}");
        }
    }

    #[test]
    fn anything_else_is_compared_without_case_and_gaps() {
        assert_eq!(key("Viber:  099"), "txt:viber: 099");
        assert_eq!(key(" viber:\t099\n"), "txt:viber: 099");
        assert_eq!(ContactKey::of("Viber: 099…").kind(), ContactKind::Other);
    }

    #[test]
    fn what_is_stored_does_not_show_the_contact() {
        let key = ContactKey::of("@ivan_123");
        assert_eq!(key.digest(), "86RahLZuWt1UYUDYg383A9zsyaBWSAePNNyBM66RyQ4");
        assert_eq!(format!("{key:?}"), "ContactKey { kind: Telegram, .. }");
    }

    proptest! {
        #[test]
        fn spellings_of_a_username_agree(
            name in "[a-zA-Z][a-zA-Z0-9_]{4,31}", prefix in 0_usize..5, gap in "[ \u{a0}]{0,2}",
        ) {
            let prefix = PREFIXES.get(prefix).copied().unwrap_or_default();
            let spelled = format!("{gap}{prefix}{name}{gap}");
            prop_assert_eq!(key(&spelled), format!("tg:{}", name.to_lowercase()));
        }

        #[test]
        fn spellings_of_a_number_agree(
            digits in "[489][0-9]{9}", gaps in proptest::collection::vec("[ ().\u{a0}-]{0,2}", 11), start in 0_usize..4,
        ) {
            let start = ["+7", "7", "8", ""][start];
            let digits_with_gaps: String =
                digits.chars().zip(&gaps).map(|(digit, gap)| format!("{gap}{digit}")).collect();
            let spelled = format!("{start}{digits_with_gaps}{}", gaps[10]);
            prop_assert_eq!(key(&spelled), format!("tel:7{digits}"), "{}", spelled);
        }

        #[test]
        fn every_contact_has_a_key(contact in "\\PC{0,60}") {
            prop_assert_eq!(ContactKey::of(&contact).digest().len(), 43);
        }

        #[test]
        fn free_text_is_its_own_key(contact in "[а-яёА-ЯЁ][а-яёА-ЯЁ :,]{0,40}") {
            let text = key(&contact).strip_prefix("txt:").unwrap().to_owned();
            prop_assert_eq!(key(&text), format!("txt:{text}"));
        }
    }
}
