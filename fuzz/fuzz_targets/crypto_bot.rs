//! Deliveries of Crypto Bot: no panic, ids that keys can be made of, and nothing read out of a body
//! that is not in it.
//!
//! `cargo fuzz run -s none crypto_bot`
#![no_main]

use errands::payments::Word;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Word::Paid(proof) = Word::read(data) else { return };
    let _ = format!("{proof:?}");
    let id = &proof.receipt_id;
    assert!((1..=64).contains(&id.len()), "{id}");
    assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    assert_eq!(proof.invoice_id.as_ref(), Some(id));
    assert!(proof.payment_id().is_none_or(|id| (1..1_i64 << 53).contains(&id)));
    // Numbers out of the range of floats are the only thing that this reader refuses.
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    assert_eq!(value.get("update_type").and_then(Value::as_str), Some("invoice_paid"));
    let invoice = value.get("payload").expect("an invoice");
    let given = |field: &str| invoice.get(field).and_then(Value::as_str);
    let said = &proof.said;
    assert_eq!(given("payload"), said.reference.as_deref());
    assert_eq!(given("status"), said.status.as_deref());
    assert_eq!(given("fiat"), said.currency.as_deref());
    assert_eq!(given("paid_asset"), said.asset.as_deref());
    assert!(given("amount").is_none_or(|amount| said.amount.as_deref() == Some(amount)));
    assert!(given("invoice_id").is_none_or(|given| given == id));
});
