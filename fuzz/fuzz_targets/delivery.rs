//! Deliveries of the sandbox provider: no panic, ids that keys can be made of, and nothing read
//! out of a body that is not in it.
//!
//! `cargo fuzz run -s none delivery`
#![no_main]

use club::payments::Delivery;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use shared::money::{Currency, Money};

fuzz_target!(|data: &[u8]| {
    let Ok(delivery) = Delivery::read(data) else { return };
    let _ = format!("{delivery:?}");
    for id in [delivery.external_id(), delivery.refund_id()] {
        assert!((1..=128).contains(&id.len()), "{id}");
        assert!(id.bytes().all(|byte| byte.is_ascii_graphic() && !b":#/".contains(&byte)), "{id}");
    }
    let said = delivery.said();
    // The sum is agreed as it is written, or not at all.
    let price = Money::new(200_000, Currency::Rub);
    if let (true, Some(amount)) = (said.agrees(price), &said.amount) {
        let digits = amount.trim_start_matches('0').trim_end_matches('0').trim_end_matches('.');
        assert!(["2", "2000"].contains(&digits), "{amount}");
    }
    // Numbers out of the range of floats are the only thing that this reader refuses.
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    assert!(value.is_object() && !has_nul(&value));
    let given = |field: &str| value.get(field).and_then(Value::as_str);
    assert!(given("external_id").is_none_or(|id| id == delivery.external_id()));
    assert!(given("refund_id").is_none_or(|id| id == delivery.refund_id()));
    assert_eq!(given("currency"), said.currency.as_deref());
    assert!(given("amount").is_none_or(|amount| Some(amount) == said.amount.as_deref()));
});

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(fields) => {
            fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value))
        }
        _ => false,
    }
}
