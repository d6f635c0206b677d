//! What LavaTop delivers, and how it is read. No I/O.

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::clock::Instant;
use shared::http::read_json;
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use crate::payments::delivery::{PROVIDER_ID, is_provider_id};
use crate::payments::matching::Named;
use crate::payments::model::Success;
use crate::payments::providers::Provider;
use crate::payments::providers::lavatop::{Utm, said};

/// LavaTop's word of one contract, as it calls a purchase.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// `payment.success`, `payment.failed`, `subscription.recurring.payment.success`,
    /// `subscription.recurring.payment.failed` or `subscription.cancelled`; any other changes
    /// nothing.
    event_type: Option<String>,
    /// LavaTop's id of the payment, 1 to 128 of `[A-Za-z0-9_.-]`.
    contract_id: Option<String>,
    /// The first payment of the subscription, where this is a later one.
    parent_contract_id: Option<String>,
    /// A number, taken as it is written.
    #[schema(value_type = Option<String>)]
    amount: Option<Box<RawValue>>,
    /// RUB, USD or EUR.
    currency: Option<String>,
    /// Where the payment stands.
    status: Option<String>,
    /// What the invoice was marked with.
    client_utm: Option<Utm>,
    /// Of a cancelled subscription: until when it is paid.
    will_expire_at: Option<String>,
}

/// What a delivery says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Money came.
    Success,
    /// A link will not be paid, as it stands.
    Failure,
    /// A subscription was not renewed this time.
    RenewalFailure,
    /// A subscription is over.
    Cancelled {
        /// Until when it is paid, where LavaTop says so.
        until: Option<Instant>,
    },
    /// Nothing that concerns the club.
    Other,
}

impl Delivery {
    /// Reads the body of a delivery.
    ///
    /// # Errors
    /// 400 `parse_error` when it is not JSON, `validation_failed` with the field that is missing,
    /// mistyped or out of its limits.
    pub fn read(body: &[u8]) -> Result<Self> {
        let delivery: Self = read_json(body)?;
        delivery.check()?;
        Ok(delivery)
    }

    fn check(&self) -> Result<()> {
        if !is_provider_id(self.contract_id()) {
            return Err(Problem::invalid("contractId", PROVIDER_ID));
        }
        if self.parent().is_some_and(|id| !is_provider_id(id)) {
            return Err(Problem::invalid("parentContractId", PROVIDER_ID));
        }
        if self.currency.as_deref().is_some_and(|code| code.len() > 16) {
            return Err(Problem::invalid("currency", "16 bytes at most"));
        }
        if self.amount.as_ref().is_some_and(|amount| amount.get().len() > 64) {
            return Err(Problem::invalid("amount", "a decimal number"));
        }
        Ok(())
    }

    /// LavaTop's id of the payment.
    #[must_use]
    pub fn contract_id(&self) -> &str {
        self.contract_id.as_deref().unwrap_or_default()
    }

    fn parent(&self) -> Option<&str> {
        self.parent_contract_id.as_deref().filter(|id| !id.is_empty())
    }

    /// The first payment's id: LavaTop's id of the subscription, if it is one, and of the invoice
    /// that a link leads to.
    #[must_use]
    pub fn root(&self) -> &str {
        self.parent().unwrap_or(self.contract_id())
    }

    /// What it says. Money has come only when both the event and the status say so.
    #[must_use]
    pub fn word(&self) -> Word {
        let came = matches!(self.status.as_deref(), Some("completed" | "subscription-active"));
        match self.event_type.as_deref().unwrap_or_default() {
            "payment.success" if came => Word::Success,
            "subscription.recurring.payment.success" if came || self.status.is_none() => {
                Word::Success
            }
            "payment.failed" if self.parent().is_none() => Word::Failure,
            "payment.failed" | "subscription.recurring.payment.failed" => Word::RenewalFailure,
            "subscription.cancelled" => {
                let until = self.will_expire_at.as_deref().and_then(|text| text.parse().ok());
                Word::Cancelled { until }
            }
            _ => Word::Other,
        }
    }

    /// What it names.
    #[must_use]
    pub fn named(&self) -> Named<'_> {
        Named {
            attempt_id: self.client_utm.as_ref().and_then(Utm::attempt_id),
            invoice_id: Some(self.root()),
            contract_id: Some(self.root()),
        }
    }

    /// The money that came, as that of this attempt. Whether the link is one of a subscription, the
    /// attempt knows.
    #[must_use]
    pub fn success(&self, attempt_id: &str) -> Success {
        Success {
            provider: Provider::Lavatop,
            attempt_id: attempt_id.to_owned(),
            external_id: self.contract_id().to_owned(),
            said: said(self.amount.as_deref(), self.currency.as_deref()),
            payer: None,
            recurs: true,
            contract_id: Some(self.root().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use shared::money::{Currency, Money};

    use super::*;

    const FIRST: &str = "7ea82675-0000-4000-8000-a6efbaf165cc";
    const NEXT: &str = "d41db415-0000-4000-8000-27eefee91e66";

    fn body(fields: Value) -> Value {
        let mut body = json!({
            "eventType": "payment.success",
            "product": { "id": "836b9fc5-0000-4000-8000-592bc44072b7", "title": "Клуб" },
            "buyer": { "email": "anna@example.com" },
            "contractId": FIRST,
            "amount": 2000.00,
            "currency": "RUB",
            "timestamp": "2026-02-05T09:38:27.33277Z",
            "status": "completed",
            "errorMessage": "",
        });
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    fn read(fields: Value) -> Delivery {
        Delivery::read(body(fields).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn money_has_come_when_event_and_status_say_so() {
        let renewed = "subscription.recurring.payment.success";
        for (event, status, word) in [
            ("payment.success", json!("completed"), Word::Success),
            ("payment.success", json!("subscription-active"), Word::Success),
            ("payment.success", json!("in-progress"), Word::Other),
            ("payment.success", json!("failed"), Word::Other),
            ("payment.success", json!(null), Word::Other),
            (renewed, json!("subscription-active"), Word::Success),
            (renewed, json!(null), Word::Success),
            (renewed, json!("subscription-failed"), Word::Other),
            ("payment.failed", json!("failed"), Word::Failure),
            ("payment.failed", json!("completed"), Word::Failure),
            (
                "subscription.recurring.payment.failed",
                json!("subscription-failed"),
                Word::RenewalFailure,
            ),
            ("payment.refunded", json!("completed"), Word::Other),
            ("", json!("completed"), Word::Other),
        ] {
            let delivery = read(json!({ "eventType": event, "status": status }));
            assert_eq!(delivery.word(), word, "{event} {status}");
        }
    }

    #[test]
    fn a_failure_with_a_parent_is_a_renewal_that_failed() {
        let delivery = read(json!({ "eventType": "payment.failed", "parentContractId": FIRST }));
        assert_eq!(delivery.word(), Word::RenewalFailure);
    }

    #[test]
    fn a_cancelled_subscription_says_until_when_it_is_paid_if_it_can_be_read() {
        for (until, read_as) in [
            (json!("2026-03-06T08:44:49.123Z"), Some("2026-03-06T08:44:49.123Z")),
            (json!("2026-03-06T11:44:49.123+03:00"), Some("2026-03-06T08:44:49.123Z")),
            (json!("soon"), None),
            (json!(null), None),
        ] {
            let fields = json!({ "eventType": "subscription.cancelled", "willExpireAt": until });
            let expected = read_as.map(|text| text.parse().unwrap());
            assert_eq!(read(fields).word(), Word::Cancelled { until: expected }, "{until}");
        }
    }

    #[test]
    fn a_renewal_names_the_first_payment() {
        let first = read(json!({}));
        assert_eq!((first.root(), first.contract_id()), (FIRST, FIRST));
        let next = read(json!({ "contractId": NEXT, "parentContractId": FIRST }));
        assert_eq!((next.root(), next.contract_id()), (FIRST, NEXT));
        let success = next.success("att");
        assert_eq!((success.external_id.as_str(), success.attempt_id.as_str()), (NEXT, "att"));
        assert_eq!(success.contract_id.as_deref(), Some(FIRST));
        assert!(read(json!({ "parentContractId": "" })).parent().is_none());
    }

    #[test]
    fn the_mark_names_an_attempt_or_nothing() {
        let id = format!("att_{}", "1".repeat(26));
        let marked = read(json!({ "clientUtm": { "utm_source": "x", "utm_term": id } }));
        assert_eq!(marked.named().attempt_id, Some(id.as_str()));
        for utm in [json!(null), json!({}), json!({ "utm_term": "running_shoes" })] {
            assert_eq!(read(json!({ "clientUtm": utm })).named().attempt_id, None, "{utm}");
        }
    }

    #[test]
    fn the_amount_is_exact() {
        let price = Money::new(204_985, Currency::Rub);
        for (amount, agrees) in
            [("2049.85", true), ("2049.850", true), ("2049.8500000000001", false), ("2049", false)]
        {
            let text = body(json!({})).to_string().replace("2000.0", amount);
            let delivery = Delivery::read(text.as_bytes()).unwrap();
            assert_eq!(delivery.success("att").said.agrees(price), agrees, "{amount}");
        }
    }

    #[test]
    fn what_is_not_said_agrees_with_no_price() {
        let price = Money::new(200_000, Currency::Rub);
        assert!(read(json!({})).success("att").said.agrees(price));
        for fields in [json!({ "amount": null }), json!({ "currency": null })] {
            assert!(!read(fields.clone()).success("att").said.agrees(price), "{fields}");
        }
    }

    #[test]
    fn a_delivery_without_its_contract_is_refused() {
        for (fields, named) in [
            (json!({ "contractId": null }), "contractId"),
            (json!({ "contractId": "" }), "contractId"),
            (json!({ "contractId": 7 }), "contractId"),
            (json!({ "contractId": "a#b" }), "contractId"),
            (json!({ "contractId": "x".repeat(129) }), "contractId"),
            (json!({ "parentContractId": "a b" }), "parentContractId"),
            (json!({ "currency": "R".repeat(17) }), "currency"),
            (json!({ "amount": "1".repeat(65) }), "amount"),
            (json!({ "eventType": 1 }), "eventType"),
        ] {
            let refused = Delivery::read(body(fields.clone()).to_string().as_bytes()).unwrap_err();
            assert_eq!(refused.code(), "validation_failed", "{fields}");
            assert_eq!(refused.fields()[0].name, named, "{fields}");
        }
        for bytes in [&b"{"[..], b"\xff", b"{} x"] {
            assert_eq!(Delivery::read(bytes).unwrap_err().code(), "parse_error");
        }
        for bytes in [&b""[..], b"{}", b"[]", b"7", b"null"] {
            assert_eq!(Delivery::read(bytes).unwrap_err().code(), "validation_failed");
        }
    }

    /// Text of the shape of a delivery, so that the properties reach beyond the parser.
    fn almost() -> impl Strategy<Value = String> {
        let field = prop_oneof![
            Just("eventType"),
            Just("contractId"),
            Just("parentContractId"),
            Just("amount"),
            Just("currency"),
            Just("status"),
            Just("clientUtm"),
            Just("willExpireAt"),
        ];
        let value = prop_oneof![
            Just("\"payment.success\"".to_owned()),
            Just("\"subscription.cancelled\"".to_owned()),
            Just("\"subscription-active\"".to_owned()),
            Just("\"RUB\"".to_owned()),
            Just("null".to_owned()),
            Just("{\"utm_term\":\"x\"}".to_owned()),
            Just("[]".to_owned()),
            "[0-9]{1,40}(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?",
            "\"[ -~]{0,40}\"",
            "\"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\"",
        ];
        proptest::collection::vec((field, value), 0..8).prop_map(|fields| {
            let fields: Vec<_> =
                fields.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            format!("{{\"contractId\":\"c\",{}}}", fields.join(","))
        })
    }

    fn use_up(bytes: &[u8]) {
        if let Ok(delivery) = Delivery::read(bytes) {
            let _ = (delivery.word(), delivery.named().attempt_id, delivery.success("att"));
            let price = Money::new(1, Currency::Rub);
            let _ = delivery.success("att").said.agrees(price);
            assert!(is_provider_id(delivery.contract_id()) && is_provider_id(delivery.root()));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            use_up(&bytes);
        }

        #[test]
        fn anything_like_a_delivery_is_read_or_refused(text in almost()) {
            use_up(text.as_bytes());
        }
    }
}
