//! What CloudPayments says, field by field. No I/O.
//!
//! Notifications come as a form or as JSON, answers as JSON. Numbers are kept as they were
//! written: as a float an amount could round to the price. The names of fields are those of
//! <https://developers.cloudpayments.ru>.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::payments::delivery::is_provider_id;
use crate::payments::model::{Attempt, Said, Success, telegram_id};
use crate::payments::providers::Provider;

/// The longest that is kept of a text that somebody else wrote, in characters.
const KEPT: usize = 64;

/// The fields of one notification or of one object of an answer. What was null or empty is not
/// there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(BTreeMap<String, String>);

/// The attempt that some fields name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempts {
    /// This one.
    One(String),
    /// Two different ones.
    Two,
    /// None.
    None,
}

/// What an operation moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// Money of the payer to us.
    Payment,
    /// Money back to the payer.
    Refund,
    /// Anything else.
    Other,
}

impl Fields {
    /// Reads the body of a notification, a form or JSON; `None` when it is neither, or says one
    /// thing twice.
    #[must_use]
    pub fn of_body(body: &[u8]) -> Option<Self> {
        match body.trim_ascii_start().starts_with(b"{") {
            true => Self::of_json(body),
            false => Self::of_form(body),
        }
    }

    /// Reads a JSON object; `None` when it is none, or says one thing twice.
    #[must_use]
    pub fn of_json(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    fn of_form(form: &[u8]) -> Option<Self> {
        let mut fields = BTreeMap::new();
        for pair in form.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let mut text = || String::from_utf8(decoded(parts.next().unwrap_or_default()));
            let (name, value) = (text().ok()?, text().ok()?);
            if fields.insert(name, value).is_some() {
                return None;
            }
        }
        fields.retain(|_, value| !value.is_empty());
        Some(Self(fields))
    }

    /// The text of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The text of a field, as far as it is fit to be kept and shown.
    #[must_use]
    pub fn kept(&self, name: &str) -> Option<String> {
        let text = self.get(name)?;
        Some(text.chars().filter(|c| !c.is_control()).take(KEPT).collect())
    }

    /// The number of an operation.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<&str> {
        let digits = |text: &&str| {
            (1..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        self.get(name).filter(digits)
    }

    /// The number of the operation itself.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        self.number("TransactionId")
    }

    /// The attempt that it names: in what travels along with an order, or as the order's number.
    #[must_use]
    pub fn attempts(&self) -> Attempts {
        let along = self.get("Data").or_else(|| self.get("JsonData"));
        let along = along.and_then(|json| Self::of_json(json.as_bytes()));
        let along = along.as_ref().and_then(|fields| fields.get("attempt_id"));
        let is_id = |id: &&str| Attempt::is_id(id);
        match (along.filter(is_id), self.get("InvoiceId").filter(is_id)) {
            (Some(one), Some(other)) if one != other => Attempts::Two,
            (Some(id), _) | (None, Some(id)) => Attempts::One(id.to_owned()),
            (None, None) => Attempts::None,
        }
    }

    /// The standing subscription that it belongs to.
    #[must_use]
    pub fn subscription(&self) -> Option<&str> {
        self.get("SubscriptionId").filter(|id| is_provider_id(id))
    }

    /// The payer's Telegram id; 0, which is nobody's, where it says none.
    #[must_use]
    pub fn payer(&self) -> i64 {
        self.get("AccountId").and_then(telegram_id).unwrap_or_default()
    }

    /// The sum. One that is not told is empty, and so agrees with no price.
    #[must_use]
    pub fn said(&self) -> Said {
        let text = |name| Some(self.kept(name).unwrap_or_default());
        Said { amount: text("Amount"), currency: text("Currency") }
    }

    /// The sum of a refund, which is told without its currency where the payment has one.
    #[must_use]
    pub fn said_back(&self) -> Said {
        Said { amount: self.said().amount, currency: self.kept("Currency") }
    }

    /// What the operation moves: notifications say it in words, answers by number, and a payment
    /// may say nothing.
    #[must_use]
    pub fn moves(&self) -> Moves {
        match self.get("OperationType").or_else(|| self.get("Type")) {
            None | Some("Payment" | "0") => Moves::Payment,
            Some("Refund" | "1") => Moves::Refund,
            Some(_) => Moves::Other,
        }
    }

    /// Did the operation end well? Money that is only authorized has not come.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.get("Status") == Some("Completed")
    }

    /// The word that money came, for the attempt that it was found to be for; `None` where it has
    /// no number.
    #[must_use]
    pub fn success(&self, attempt_id: String) -> Option<Success> {
        let contract_id = self.subscription().map(str::to_owned);
        Some(Success {
            provider: Provider::Cloudpayments,
            attempt_id,
            external_id: self.operation()?.to_owned(),
            said: self.said(),
            payer: Some(self.payer()),
            recurs: contract_id.is_some(),
            contract_id,
        })
    }
}

/// One pass: `+` is a space, `%XX` a byte, anything else itself.
pub(super) fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        out.push(match first {
            b'+' => b' ',
            b'%' => {
                match after.split_at_checked(2).and_then(|(hex, left)| Some((byte(hex)?, left))) {
                    Some((byte, left)) => {
                        rest = left;
                        byte
                    }
                    None => b'%',
                }
            }
            other => *other,
        });
    }
    out
}

fn byte(hex: &[u8]) -> Option<u8> {
    let plain = hex.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(hex).ok().filter(|_| plain)?;
    u8::from_str_radix(text, 16).ok()
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            let text = text(&value).ok_or_else(|| A::Error::custom("an unreadable text"))?;
            if fields.insert(name, text).is_some() {
                return Err(A::Error::custom("a field is there twice"));
            }
        }
        fields.retain(|_, value| !value.is_empty());
        Ok(Fields(fields))
    }
}

/// A value as text: a string's own, nothing for null, anything else as it is written.
fn text(value: &RawValue) -> Option<String> {
    match value.get() {
        "null" => Some(String::new()),
        string if string.starts_with('"') => serde_json::from_str(string).ok(),
        other => Some(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "att_01KFD5J3Z0ABCDEFGHJKMNPQRS";
    const OTHER: &str = "att_01KFD5J3Z0ABCDEFGHJKMNPQRT";

    fn read(body: &str) -> Fields {
        Fields::of_body(body.as_bytes()).unwrap()
    }

    #[test]
    fn a_form_and_json_say_the_same() {
        let form = read(&format!(
            "TransactionId=1001&Amount=2000.00&Currency=RUB&InvoiceId={ID}&AccountId=42\
             &Status=Completed&Data=%7B%22attempt_id%22%3A%22{ID}%22%7D&Name=A+B%2B&Empty=&Bare"
        ));
        let object = format!(r#"{{"attempt_id":"{ID}"}}"#);
        let quoted = serde_json::to_string(&object).unwrap();
        for data in [&object, &quoted] {
            let json = read(&format!(
                r#" {{"TransactionId":1001,"Amount":2000.00,"Currency":"RUB","InvoiceId":"{ID}",
                "AccountId":"42","Status":"Completed","Data":{data},"Name":"A B+","Empty":null}}"#
            ));
            assert_eq!(json, form);
        }
        assert_eq!(form.attempts(), Attempts::One(ID.to_owned()));
        let success = form.success(ID.to_owned()).unwrap();
        assert_eq!((success.external_id.as_str(), success.payer), ("1001", Some(42)));
        assert_eq!(success.said.amount.as_deref(), Some("2000.00"));
        assert_eq!((success.recurs, success.contract_id), (false, None));
        assert!(form.is_completed());
    }

    #[test]
    fn what_says_one_thing_twice_or_nothing_readable_is_not_read() {
        for body in [
            "Amount=1&Amount=1",
            "Amount=1&%41mount=2",
            "Name=%ff",
            r#"{"Amount":1,"Amount":2}"#,
            r#"{"Amount":1"#,
            r#"{"Amount":1}x"#,
            r#"{"Name":"\ud800"}"#,
        ] {
            assert_eq!(Fields::of_body(body.as_bytes()), None, "{body}");
        }
        // Neither names a field that anybody asks for.
        for body in ["", "&&", "[1]", "text", "=1"] {
            assert_eq!(read(body).operation(), None, "{body}");
        }
    }

    #[test]
    fn what_an_operation_moves_is_said_in_words_or_by_number() {
        for (body, moves) in [
            ("", Moves::Payment),
            ("OperationType=Payment", Moves::Payment),
            (r#"{"Type":0}"#, Moves::Payment),
            ("OperationType=Refund", Moves::Refund),
            (r#"{"Type":1}"#, Moves::Refund),
            ("OperationType=CardPayout", Moves::Other),
            (r#"{"Type":2}"#, Moves::Other),
        ] {
            assert_eq!(read(body).moves(), moves, "{body}");
        }
    }

    #[test]
    fn an_attempt_goes_by_what_travels_along_or_by_the_orders_number() {
        let along = |id: &str| format!("Data=%7B%22attempt_id%22:%22{id}%22%7D");
        let one = |id: &str| Attempts::One(id.to_owned());
        for (body, expected) in [
            (along(ID), one(ID)),
            (format!("InvoiceId={ID}"), one(ID)),
            (format!("InvoiceId={ID}&{}", along(ID)), one(ID)),
            (format!("InvoiceId=7&{}", along(ID)), one(ID)),
            (format!("InvoiceId={ID}&{}", along("7")), one(ID)),
            (format!("InvoiceId={ID}&Data=no+json"), one(ID)),
            (format!("InvoiceId={ID}&{}", along(OTHER)), Attempts::Two),
            ("InvoiceId=7".to_owned(), Attempts::None),
            (format!("Email={ID}"), Attempts::None),
        ] {
            assert_eq!(read(&body).attempts(), expected, "{body}");
        }
    }

    #[test]
    fn what_is_not_told_agrees_with_nothing() {
        let fields = read("TransactionId=1");
        let price = shared::money::Money::new(200_000, shared::money::Currency::Rub);
        assert!(!fields.said().agrees(price));
        assert!(!read("Amount=2000.00").said().agrees(price));
        assert!(!read("Currency=RUB").said().agrees(price));
        assert!(!read("Amount=2e3&Currency=RUB").said().agrees(price));
        assert!(read("Amount=2000.0000&Currency=RUB").said().agrees(price));
        assert_eq!(fields.payer(), 0);
        for account in ["-1", "+1", "1.0", "anna", "99999999999999999999"] {
            assert_eq!(read(&format!("AccountId={account}")).payer(), 0, "{account}");
        }
        for number in ["-1", "1.5", "12345678901234567890", "a"] {
            assert_eq!(read(&format!("TransactionId={number}")).operation(), None, "{number}");
        }
        assert_eq!(read("SubscriptionId=sc_1%23x").subscription(), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(fields) = Fields::of_body(&body) {
                let _ = (fields.attempts(), fields.said(), fields.payer(), fields.moves());
                let _ = fields.success(String::new());
            }
            let _ = decoded(&body);
        }

        #[test]
        fn no_json_panics(text in r#"\{("[A-Za-z]{0,4}":("[^"]{0,8}"|[0-9.eE+-]{1,6}|null|\{\}|\[\])?,?){0,5}\}?"#) {
            let _ = Fields::of_body(text.as_bytes());
        }

        #[test]
        fn what_is_written_as_a_form_is_read_again(
            written in proptest::collection::btree_map("[A-Z][a-zA-Z]{0,8}", "\\PC{1,12}", 0..6),
        ) {
            let escape = |text: &str| {
                text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>()
            };
            let form: Vec<_> =
                written.iter().map(|(name, text)| format!("{name}={}", escape(text))).collect();
            prop_assert_eq!(read(&form.join("&")), Fields(written.clone()));
            let json = serde_json::to_vec(&written).unwrap();
            prop_assert_eq!(Fields::of_json(&json), Some(Fields(written)));
        }
    }
}
