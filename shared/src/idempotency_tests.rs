//! Keys, and calls that stand for themselves.

use futures::future::join_all;

use super::*;
use crate::table::{Table, testing};

fn keyed(request: &str) -> Idempotency {
    let (id, request) = ("k".to_owned(), request.to_owned());
    Idempotency(Some(Keyed { id, request, kept: Kept::Once(TTL) }))
}

fn at(hours: i64) -> Instant {
    Instant::from_seconds(1_768_900_000 + hours * 3_600)
}

async fn count(table: &Table, key: &Idempotency, now: Instant) -> Result<Option<Outcome>> {
    let mut writes: Vec<_> = key.saving(StatusCode::OK, "{}", now).into_iter().collect();
    writes.push(Write::update("effect", Key::new("COUNT", "COUNT")).add("n", 1));
    match table.transact(writes).await {
        Ok(()) => Ok(None),
        Err(error) => key.replay_refusal(&error.refusal()?, now),
    }
}

async fn counted(table: &Table) -> Option<i64> {
    table.get_item(&Key::new("COUNT", "COUNT")).await.unwrap().and_then(|item| item.integer("n"))
}

#[tokio::test]
async fn sixty_four_calls_have_one_effect_and_one_answer() {
    let table = testing::table().await;
    let key = keyed("same");
    let outcomes = join_all((0..64).map(|_| count(&table, &key, at(0)))).await;
    let first = outcomes.iter().filter(|outcome| outcome.as_ref().unwrap().is_none()).count();
    assert_eq!((first, counted(&table).await), (1, Some(1)));
}

#[tokio::test]
async fn another_body_is_refused_and_an_old_key_is_free() {
    let table = testing::table().await;
    count(&table, &keyed("one"), at(0)).await.unwrap();
    let other = count(&table, &keyed("two"), at(1)).await.unwrap_err();
    assert_eq!(
        (other.status(), other.code()),
        (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_mismatch")
    );
    assert_eq!(count(&table, &keyed("two"), at(24)).await.unwrap(), None);
    assert_eq!(counted(&table).await, Some(2));
}

#[tokio::test]
async fn a_failed_entity_makes_way_for_one_other() {
    let table = testing::table().await;
    let key = keyed("same");
    let tie = |entity: &'static str, replaced| {
        table.transact(key.naming(entity, replaced, at(0)).into_iter().collect())
    };
    tie("first", None).await.unwrap();
    assert!(tie("second", None).await.is_err());
    tie("second", Some("first")).await.unwrap();
    assert!(tie("third", Some("first")).await.is_err());
}

#[test]
fn keys_are_of_the_service_s_alphabet_and_of_a_bounded_length() {
    let takes = |byte: u8| byte.is_ascii_alphanumeric();
    let rules = KeyRules { takes, says: "", scope: KeyScope::Path };
    assert!(is_key("aZ9", rules) && is_key(&"x".repeat(255), rules));
    for bad in ["", "a b", "ключ", "a\u{0}", &"x".repeat(256)] {
        assert!(!is_key(bad, rules), "{bad}");
    }
}

async fn read(rules: KeyRules, uri: &str, body: &[u8]) -> Keyed {
    let request = http::Request::post(uri).header("idempotency-key", "k").body(()).unwrap();
    let (mut parts, ()) = request.into_parts();
    let context = KeyContext { rules, route: "/orders/{id}", merges: None, body: digest_of(body) };
    parts.extensions.insert(context);
    Idempotency::from_request_parts(&mut parts, &()).await.unwrap().0.unwrap()
}

#[tokio::test]
async fn a_key_is_bound_to_a_path_or_to_a_route() {
    let rules = |scope| KeyRules { takes: |_| true, says: "", scope };
    for (scope, same_key) in [(KeyScope::Path, false), (KeyScope::Route, true)] {
        let one = read(rules(scope), "/orders/1", b"{}").await;
        let other = read(rules(scope), "/orders/2", b"{}").await;
        assert_eq!(one.id == other.id, same_key);
        // Another path is either another key or another request under the same one.
        assert_eq!(one.request != other.request, same_key);
        let body = read(rules(scope), "/orders/1", b"").await;
        assert!(one.id == body.id && one.request != body.request);
    }
}

const MERGED: SignedDuration = SignedDuration::from_secs(45);

/// A call without a key to an endpoint that merges such calls, or not.
async fn bare(merges: Option<SignedDuration>, method: &str, uri: &str, body: &[u8]) -> Idempotency {
    let request = http::Request::builder().method(method).uri(uri).body(()).unwrap();
    let (mut parts, ()) = request.into_parts();
    let rules = KeyRules { takes: |_| true, says: "", scope: KeyScope::Path };
    let context = KeyContext { rules, route: "/orders", merges, body: digest_of(body) };
    parts.extensions.insert(context);
    Idempotency::from_request_parts(&mut parts, &()).await.unwrap()
}

fn after(seconds: i64) -> Instant {
    at(0) + SignedDuration::from_secs(seconds)
}

/// A whole use case: an effect for each call that is not a duplicate. Was it one?
async fn buy(table: &Table, call: &Idempotency, now: Instant) -> bool {
    let found = table.get(&call.key().unwrap()).await.unwrap();
    let outcome = match call.replay(found.as_ref(), now).unwrap() {
        Some(outcome) => Some(outcome),
        None => count(table, call, now).await.unwrap(),
    };
    let Some(outcome) = outcome else { return false };
    let answer = call.repeated(table, outcome, now).await.unwrap();
    assert_eq!(answer.headers()["idempotency-replayed"], "true");
    true
}

#[tokio::test]
async fn only_endpoints_that_say_so_merge_calls_without_a_key() {
    assert!(bare(None, "POST", "/orders", b"{}").await.key().is_none());
    assert!(bare(Some(MERGED), "POST", "/orders", b"{}").await.key().is_some());
}

#[tokio::test]
async fn each_duplicate_begins_the_time_anew() {
    let table = testing::table().await;
    let call = bare(Some(MERGED), "POST", "/orders", b"{}").await;
    let mut bought = Vec::new();
    for seconds in [0, 0, 40, 80, 124, 170, 171, 215, 260] {
        if !buy(&table, &call, after(seconds)).await {
            bought.push(seconds);
        }
    }
    assert_eq!((bought, counted(&table).await), (vec![0, 170, 260], Some(3)));
    let kept = table.get_item(&call.key().unwrap()).await.unwrap().unwrap();
    assert_eq!(kept.integer(TTL_ATTRIBUTE), Some(after(260 + 45).seconds()));
    assert!(buy(&table, &call, after(261)).await);
    let kept = table.get_item(&call.key().unwrap()).await.unwrap().unwrap();
    assert_eq!(kept.integer(TTL_ATTRIBUTE), Some(after(261 + 45).seconds()));
}

#[tokio::test]
async fn a_late_duplicate_neither_shortens_the_time_nor_wakes_what_is_over() {
    let table = testing::table().await;
    let call = bare(Some(MERGED), "POST", "/orders", b"{}").await;
    buy(&table, &call, after(0)).await;
    let key = call.key().unwrap();
    let expiry = async || table.get::<Record>(&key).await.unwrap().unwrap().expires_at;
    call.prolong(&table, after(30)).await.unwrap();
    call.prolong(&table, after(20)).await.unwrap();
    assert_eq!(expiry().await, after(75));
    call.prolong(&table, after(75)).await.unwrap();
    assert_eq!(expiry().await, after(75));
}

#[tokio::test]
async fn equal_calls_at_once_have_one_effect() {
    let table = testing::table().await;
    let call = bare(Some(MERGED), "POST", "/orders", b"{}").await;
    let repeats = join_all((0..16).map(|_| buy(&table, &call, after(0)))).await;
    let first = repeats.iter().filter(|repeat| !**repeat).count();
    assert_eq!((first, counted(&table).await), (1, Some(1)));
}

#[tokio::test]
async fn another_method_path_query_or_body_is_another_call() {
    let one = bare(Some(MERGED), "POST", "/orders", b"{}").await.key();
    for (method, uri, body) in [
        ("PUT", "/orders", "{}"),
        ("POST", "/orders/1", "{}"),
        ("POST", "/orders?x=1", "{}"),
        ("POST", "/orders", "{ }"),
    ] {
        let other = bare(Some(MERGED), method, uri, body.as_bytes()).await.key();
        assert_ne!(one, other, "{method} {uri} {body}");
    }
    assert_eq!(one, bare(Some(MERGED), "POST", "/orders", b"{}").await.key());
}

#[tokio::test]
async fn a_key_keeps_its_own_time_where_calls_without_one_are_merged() {
    let table = testing::table().await;
    let key = keyed("same");
    assert!(!buy(&table, &key, at(0)).await);
    assert!(buy(&table, &key, at(23)).await);
    assert!(!buy(&table, &key, at(24)).await, "a replay does not prolong a key");
}
