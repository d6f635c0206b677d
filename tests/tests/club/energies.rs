//! Balance and history of energies (§3.4, §5.4, §14; acceptance 3).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Member, local};

use crate::{tag, unless};

const BALANCE: &str = "/api/v1/energies/balance";
const HISTORY: &str = "/api/v1/energies/history";

fn is_personal(answer: &tests::Answer) {
    assert_eq!(answer.must("cache-control"), "private, no-cache, max-age=60", "{answer}");
    let vary = answer.list("vary");
    for header in ["authorization", "cookie"] {
        assert!(vary.contains(&header.to_owned()), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_a_miss_then_a_hit_then_not_modified_then_new() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let miss = anna.get(BALANCE).await;
    assert_eq!(miss.ok()["balance"], 0);
    assert_eq!(miss.must("x-cache"), "MISS");
    is_personal(&miss);
    let old = tag(&miss);
    assert!(old.starts_with('"'), "a strong ETag: {old}");
    world.advance(7).await;
    let hit = anna.get(BALANCE).await;
    assert_eq!((hit.ok(), hit.must("x-cache")), (miss.ok(), "HIT"));
    assert_eq!(hit.must("x-cache-age"), "7");
    assert_eq!(tag(&hit), old);
    is_personal(&hit);
    let same = unless(anna.get(BALANCE), &old).await;
    assert!(same.is(304).body.is_empty(), "{same}");
    assert_eq!((same.must("x-cache"), tag(&same)), ("HIT-304", old.clone()));
    anna.pays().await;
    let changed = unless(anna.get(BALANCE), &old).await;
    assert_eq!(changed.ok()["balance"], 500);
    assert_ne!(tag(&changed), old);
}

#[tokio::test(flavor = "multi_thread")]
async fn validators_are_matched_as_http_says() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let own = tag(&anna.get(BALANCE).await);
    for matching in
        ["*".to_owned(), format!("W/{own}"), format!("\"x\", {own}"), format!("\"x,y\",W/{own} ")]
    {
        let answer = unless(anna.get(BALANCE), &matching).await;
        assert_eq!(answer.status, 304, "{matching}: {answer}");
    }
    let bare = own.trim_matches('"').to_owned();
    for other in ["\"x\"".to_owned(), bare, "W/\"x\"".to_owned(), String::new(), "\"".to_owned()] {
        let answer = unless(anna.get(BALANCE), &other).await;
        assert_eq!(answer.status, 200, "{other}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_crosses_members() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    anna.pays().await;
    for path in [BALANCE, HISTORY, "/api/v1/users/me", "/api/v1/ratings/personal"] {
        let hers = anna.get(path).await;
        for _ in 0..3 {
            let his = boris.get(path).await;
            assert_ne!(his.ok(), hers.ok(), "{path}");
            assert_ne!(tag(&his), tag(&hers), "{path}");
            assert_eq!(anna.get(path).await.ok(), hers.ok(), "{path}");
            unless(boris.get(path), &tag(&hers)).await.is(200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_carries_no_credential() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    world.advance(3_601).await;
    let renewing = || anna.get(BALANCE).cookie("refresh_token", &anna.refresh_cookie);
    let miss = renewing().await;
    assert_eq!(miss.is(200).must("x-cache"), "MISS");
    assert!(miss.header("x-access-token").is_some(), "{miss}");
    let fresh = miss.must("x-access-token").to_owned();
    let hit = world.get(BALANCE).bearer(&fresh).await;
    assert_eq!(hit.is(200).must("x-cache"), "HIT");
    assert!(hit.cookies().is_empty() && hit.header("x-access-token").is_none(), "{hit}");
    assert_ne!(hit.header("x-request-id"), miss.header("x-request-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_says_what_it_is() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    let answer = anna.get(HISTORY).await;
    is_personal(&answer);
    let body = answer.ok();
    assert_eq!(body["nextCursor"], Value::Null);
    let entry = &body["transactions"][0];
    let wanted = json!({
        "userId": anna.uuid, "amount": 500, "delta": 500, "absoluteAmount": 500,
        "type": "income", "kind": "payment", "reason": "Продление подписки",
        "expiresAt": "2026-07-20T12:00:00.000Z", "isExpired": false, "remaining": 500,
        "createdAt": "2026-01-20T12:00:00.000Z",
    });
    for (field, value) in wanted.as_object().unwrap() {
        assert_eq!(&entry[field], value, "{field}: {entry}");
    }
    assert!(entry["id"].is_string() && entry.get("metadata").is_some(), "{entry}");
}

async fn pays_five_times(anna: &Member) {
    for _ in 0..5 {
        anna.pays().await;
        anna.user.world.advance(1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn history_comes_in_pages_newest_first() {
    let world = local!("RATE_PAYMENT" => "1000/60");
    let anna = world.member(42, "Анна").await;
    pays_five_times(&anna).await;
    let whole = anna.history().await;
    assert_eq!(whole.len(), 5);
    let times: Vec<&str> = whole.iter().map(|entry| entry["createdAt"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|newer, older| newer > older), "{times:?}");

    let mut paged = Vec::new();
    let mut path = format!("{HISTORY}?limit=2");
    for size in [2, 2, 1] {
        let body = anna.get(&path).await.ok();
        let page = body["transactions"].as_array().unwrap();
        assert_eq!(page.len(), size, "{body}");
        paged.extend_from_slice(page);
        match body["nextCursor"].as_str() {
            Some(cursor) => path = format!("{HISTORY}?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(paged, whole);
    let ids: BTreeSet<String> = paged.iter().map(|entry| entry["id"].to_string()).collect();
    assert_eq!(ids.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_does_not_shift_when_something_new_comes() {
    let world = local!("RATE_PAYMENT" => "1000/60");
    let anna = world.member(42, "Анна").await;
    pays_five_times(&anna).await;
    let whole = anna.history().await;
    let first = anna.get(&format!("{HISTORY}?limit=2")).await.ok();
    anna.pays().await;
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = anna.get(&format!("{HISTORY}?limit=2&cursor={cursor}")).await.ok();
    assert_eq!(second["transactions"].as_array().unwrap()[..], whole[2..4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_are_their_owners_alone() {
    let world = local!("RATE_PAYMENT" => "1000/60");
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    pays_five_times(&anna).await;
    pays_five_times(&boris).await;
    let body = anna.get(&format!("{HISTORY}?limit=2")).await.ok();
    let cursor = body["nextCursor"].as_str().unwrap().to_owned();
    let foreign = boris.get(&format!("{HISTORY}?limit=2&cursor={cursor}")).await;
    foreign.problem(400, "validation_failed");
    let mut flipped = cursor.clone().into_bytes();
    let middle = flipped.len() / 2;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    for broken in [flipped.as_str(), &cursor[1..], "x", "%00", &"A".repeat(3_000)] {
        let answer = anna.get(&format!("{HISTORY}?limit=2&cursor={broken}")).await;
        answer.problem(400, "validation_failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_at_least_one_and_capped() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    for bad in ["0", "-1", "abc", "1.5", "1e3", "%2B1x", "%00", "NaN"] {
        let answer = anna.get(&format!("{HISTORY}?limit={bad}")).await;
        answer.problem(400, "validation_failed");
    }
    for large in ["200", "201", "1000000"] {
        let body = anna.get(&format!("{HISTORY}?limit={large}")).await.ok();
        assert_eq!(body["transactions"].as_array().unwrap().len(), 1);
    }
    let answer = anna.get(&format!("{HISTORY}?limit=99999999999999999999")).await;
    assert!(matches!(answer.status, 200 | 400), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn balance_and_ledger_agree() {
    let world = local!("RATE_PAYMENT" => "1000/60");
    let anna = world.member(42, "Анна").await;
    pays_five_times(&anna).await;
    let whole = anna.history().await;
    let sum = |field: &str| whole.iter().map(|entry| entry[field].as_i64().unwrap()).sum::<i64>();
    assert_eq!((sum("delta"), sum("remaining")), (2_500, 2_500));
    assert_eq!(anna.balance().await, 2_500);
    assert_eq!(anna.me().await["energies"], 2_500);
    world.run("club-energies-audit").await;
    let audit = &world.invocations("club-energies-audit", 1).await[0];
    assert_eq!(audit.outcome, "ok");
}
