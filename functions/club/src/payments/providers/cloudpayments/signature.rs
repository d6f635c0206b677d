//! By what a notification shows that it is CloudPayments' own. No I/O.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use sha2::Sha256;
use shared::settings::Secret;

use super::fields::decoded;

/// The header with the HMAC of the body as it is.
const OF_RAW: &str = "content-hmac";
/// The header with the HMAC of the body once its escapes are decoded.
const OF_DECODED: &str = "x-content-hmac";

/// Does one of the two headers hold the HMAC-SHA256 of this body, in base64? Without a secret,
/// never. Takes the same time for every guess.
#[must_use]
pub fn is_genuine(secret: Option<&Secret>, headers: &HeaderMap, body: &[u8]) -> bool {
    let Some(secret) = secret.map(Secret::expose).filter(|secret| !secret.is_empty()) else {
        return false;
    };
    let given = |name| headers.get(name).and_then(|value| STANDARD.decode(value).ok());
    let signs = |message: &[u8], mac: Vec<u8>| {
        let of_message = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
        of_message.is_ok_and(|hmac| hmac.chain_update(message).verify_slice(&mac).is_ok())
    };
    given(OF_RAW).is_some_and(|mac| signs(body, mac))
        // A body of JSON has no escapes of this kind, and is signed as it is.
        || given(OF_DECODED).is_some_and(|mac| signs(&decoded(body), mac.clone()) || signs(body, mac))
}

/// The HMAC of a message, as the headers have it.
#[cfg(test)]
pub(crate) fn sign(secret: &str, message: &[u8]) -> String {
    let hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    STANDARD.encode(hmac.chain_update(message).finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    const SECRET: &str = "synthetic-cp-secret";
    const BODY: &str = "TransactionId=1001&Amount=2000.00&Currency=RUB&Status=Completed\
                        &AccountId=1000000001&Email=test%40example.test";
    const HMAC: &str = "ABNk6MXYcVhCc9AhvIg0wf2CpGlQvsPbwVXkK7YSJn0=";

    fn accepts(secret: &str, header: &'static str, mac: &str, body: &[u8]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(header), HeaderValue::from_str(mac).unwrap());
        is_genuine(Some(&Secret::new(secret)), &headers, body)
    }

    #[test]
    fn the_known_notification_is_genuine_and_none_that_differs_by_a_bit() {
        assert!(accepts(SECRET, OF_RAW, HMAC, BODY.as_bytes()));
        assert_eq!(sign(SECRET, BODY.as_bytes()), HMAC);
        for at in 0..BODY.len() {
            for bit in 0..8 {
                let mut body = BODY.as_bytes().to_vec();
                body[at] ^= 1 << bit;
                assert!(!accepts(SECRET, OF_RAW, HMAC, &body), "byte {at}, bit {bit}");
            }
        }
        for at in 0..HMAC.len() {
            for other in ['A', 'B', 'n', '0', '1', '=', '+'] {
                let mut mac = HMAC.to_owned();
                mac.replace_range(at..=at, &other.to_string());
                assert_eq!(accepts(SECRET, OF_RAW, &mac, BODY.as_bytes()), mac == HMAC, "{mac}");
            }
        }
    }

    #[test]
    fn the_other_header_signs_what_is_decoded() {
        let plain = BODY.replace("%40", "@");
        let mac = sign(SECRET, plain.as_bytes());
        assert!(accepts(SECRET, OF_DECODED, &mac, BODY.as_bytes()));
        assert!(!accepts(SECRET, OF_RAW, &mac, BODY.as_bytes()));
        let json = br#"{"Name":"100%41 + 1"}"#;
        assert!(accepts(SECRET, OF_DECODED, &sign(SECRET, json), json));
        assert!(!accepts(SECRET, OF_DECODED, &mac, b"TransactionId=1002"));
    }

    #[test]
    fn without_a_secret_or_a_header_nothing_is_genuine() {
        assert!(!accepts("", OF_RAW, &sign("", BODY.as_bytes()), BODY.as_bytes()));
        assert!(!accepts("another", OF_RAW, HMAC, BODY.as_bytes()));
        let (secret, none) = (Secret::new(SECRET), HeaderMap::new());
        assert!(!is_genuine(Some(&secret), &none, BODY.as_bytes()));
        assert!(!is_genuine(Some(&secret), &none, b""));
        let mut headers = HeaderMap::new();
        headers.insert(OF_RAW, HeaderValue::from_static(HMAC));
        assert!(!is_genuine(None, &headers, BODY.as_bytes()));
        for short in ["", "AA==", "ABNk6MXYcVhCc9AhvIg0wf2CpGlQvsPbwVXkK7YSJn0"] {
            assert!(!accepts(SECRET, OF_RAW, short, BODY.as_bytes()), "{short}");
        }
    }
}
