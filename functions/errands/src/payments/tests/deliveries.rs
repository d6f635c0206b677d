//! Replays the corpus of the fuzz target `crypto_bot`, so that what was once found stays found.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;
use shared::clock::Instant;

use super::*;
use crate::money::Kopecks;
use crate::payments::proof::{Verdict, judge};
use crate::payments::{Provider, Word};

/// A word that the provider would give for the payment that the corpus is about.
const WORD: &str = r#"{"update_id":1,"update_type":"invoice_paid","request_date":"2026-11-22T00:51:47Z","payload":{"invoice_id":4294967297,"status":"paid","currency_type":"fiat","fiat":"RUB","amount":"100","paid_asset":"USDT","payload":"er1.42"}}"#;

/// A hundred rubles, asked for and not paid.
fn payment() -> Payment {
    let now: Instant = "2026-11-22T00:50:00Z".parse().unwrap();
    Payment {
        id: 42,
        user_id: PAYER,
        provider: Provider::CryptoBot,
        status: Status::Pending,
        kopecks: Kopecks(10_000),
        stars: None,
        created_at: now,
        expires_at: now,
        paid_at: None,
        invoice_id: Some("4294967297".to_owned()),
        pay_url: None,
        mini_app_url: None,
        checks_done: 0,
        look_at: None,
    }
}

/// What a body comes to.
fn comes_to(body: &[u8]) -> &'static str {
    let assets = ["USDT", "TON"].map(str::to_owned);
    match Word::read(body) {
        Word::Unreadable => "unreadable",
        Word::Other => "ignored",
        Word::Paid(proof) => match judge(Some(&payment()), None, &proof, &assets) {
            Verdict::Credit => "credited",
            Verdict::Quarantine(_) => "put aside",
            Verdict::Repeat => "repeated",
        },
    }
}

/// What an input's name says will come of it.
fn expected(name: &str) -> &'static str {
    let kinds = [
        ("credited_", "credited"),
        ("aside_", "put aside"),
        ("ignored_", "ignored"),
        ("bad_", "unreadable"),
    ];
    let kind = kinds.into_iter().find(|(prefix, _)| name.starts_with(prefix));
    kind.unwrap_or_else(|| panic!("{name} says nothing")).1
}

/// The inputs by their names.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/crypto_bot");
    let mut corpus = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        // The fuzzer calls its own finds by their hashes.
        if name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            continue;
        }
        corpus.push((name, fs::read(&path).unwrap()));
    }
    assert!(corpus.len() >= 70, "{} inputs in {}", corpus.len(), folder.display());
    corpus
}

#[test]
fn the_corpus_reads_as_its_names_say() {
    let came = corpus().into_iter().map(|(name, body)| (comes_to(&body), name));
    let wrong: Vec<_> = came.filter(|(came, name)| *came != expected(name)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn every_input_of_the_corpus_is_answered_as_documented() {
    let till = Till::open().await;
    let instance = till.world.start(crypto_bot()).await;
    let known = corpus().into_iter().filter_map(|(name, body)| {
        // Header and body are text here; the bytes that are none are read above.
        Some((name, String::from_utf8(body).ok()?))
    });
    for (name, body) in known {
        let reply = till.world.send(&instance, delivery(&body)).await;
        let understood = json!({ "ok": !name.starts_with("bad_") });
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &understood), "{name}");
        let forged = delivery(&body).header("crypto-pay-api-signature", &"0".repeat(64));
        let reply = till.world.send(&instance, forged).await;
        let refused = json!({ "ok": false });
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &refused), "{name}");
    }
    // No payment was ever made here: whatever was understood is put aside.
    assert_eq!((till.count("LedgerEntry").await, till.count("ProviderReceipt").await), (0, 0));
    assert!(till.count("UnmatchedEvent").await > 0);
}

/// What another reader finds at a path of the body.
fn found<'a>(body: &'a Value, field: &str) -> Option<&'a str> {
    body["payload"][field].as_str()
}

proptest! {
    #[test]
    fn nothing_is_credited_but_what_anybody_would_read_so(
        place in 0..WORD.len(),
        cut in 0..12_usize,
        put in proptest::collection::vec(any::<u8>(), 0..12),
    ) {
        let mut body = WORD.as_bytes().to_vec();
        body.splice(place..(place + cut).min(WORD.len()), put);
        let came = comes_to(&body);
        prop_assert!(["unreadable", "ignored", "put aside", "credited"].contains(&came));
        if came == "credited" {
            // Half a surrogate pair or a huge number where nobody looks: all that this refuses.
            let Ok(value) = serde_json::from_slice::<Value>(&body) else { return Ok(()) };
            prop_assert_eq!(&value["update_type"], "invoice_paid");
            prop_assert_eq!(found(&value, "payload").unwrap_or("er1.42"), "er1.42");
            prop_assert_eq!((found(&value, "status"), found(&value, "fiat")), (Some("paid"), Some("RUB")));
            let amount = &value["payload"]["amount"];
            let amount = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
            prop_assert_eq!(amount.parse::<f64>().ok(), Some(100.0));
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_ne!(comes_to(&body), "credited");
    }
}
