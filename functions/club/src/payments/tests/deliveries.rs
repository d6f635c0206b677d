//! Replays the corpus of the fuzz target `delivery`, so that what was once found stays found.

use std::fs;
use std::path::Path;

use serde_json::Value;
use shared::money::{Currency, Money};

use crate::payments::Delivery;

/// What the agreed price is here.
const PRICE: Money = Money::new(200_000, Currency::Rub);

/// What an input's name says will come of it.
fn expected(name: &str) -> &'static str {
    let kinds = [
        ("agreed_", "agreed"),
        ("other_sum_", "another sum"),
        ("bad_json_", "parse_error"),
        ("bad_", "validation_failed"),
    ];
    let kind = kinds.into_iter().find(|(prefix, _)| name.starts_with(prefix));
    kind.unwrap_or_else(|| panic!("{name} says nothing")).1
}

#[test]
fn the_corpus_reads_as_its_names_say() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/delivery");
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(&corpus).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        // The fuzzer calls its own finds by their hashes.
        if name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            continue;
        }
        let came = match Delivery::read(&fs::read(&path).unwrap()) {
            Ok(delivery) if delivery.said().agrees(PRICE) => "agreed",
            Ok(_) => "another sum",
            Err(problem) => problem.code(),
        };
        if came != expected(name) {
            wrong.push(format!("{name}: {came}"));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count >= 50, "{count} inputs in {}", corpus.display());
}

#[test]
fn an_amount_is_read_as_it_is_written() {
    for (written, read) in [
        ("\"2000.00\"", Some("2000.00")),
        ("2000.00", Some("2000.00")),
        ("2000.000000000000001", Some("2000.000000000000001")),
        ("18446744073709551616", Some("18446744073709551616")),
        ("2e3", Some("2e3")),
        ("null", None),
        ("[2000]", Some("[2000]")),
    ] {
        let body = format!(r#"{{"attempt_id":"a","event":"success","amount":{written}}}"#);
        let said = Delivery::read(body.as_bytes()).unwrap().said();
        assert_eq!(said.amount.as_deref(), read, "{written}");
    }
}

#[test]
fn what_is_read_is_what_anybody_would_read() {
    let body = br#"{"attempt_id":"a","external_id":"e","event":"refund","refund_id":"r"}"#;
    let delivery = Delivery::read(body).unwrap();
    let value: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(value["attempt_id"], delivery.attempt_id);
    assert_eq!(value["external_id"], delivery.external_id());
    assert_eq!(value["refund_id"], delivery.refund_id());
}
