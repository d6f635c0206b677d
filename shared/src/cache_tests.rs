//! Conditional answers: validators, kept bodies, lists of tags.

use proptest::prelude::*;

use super::*;

const KEPT: CacheClass = CacheClass { kept_s: 60, ..CacheClass::private("Authorization") };

fn conditional(uri: &str, if_none_match: Option<&str>, store: &Store) -> Conditional {
    let mut request = http::Request::get(uri);
    if let Some(tags) = if_none_match {
        request = request.header(header::IF_NONE_MATCH, tags);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let now = Instant::from_seconds(1_768_900_000);
    Conditional::new(KEPT, &parts, None, now).in_store(store.clone())
}

fn outcome(response: &Response) -> &str {
    response.headers()["x-cache"].to_str().unwrap()
}

#[test]
fn miss_then_hit_then_304_then_miss_after_a_change() {
    let store = Store::default();
    let first = conditional("/a?x=1&y=2", None, &store);
    let tag = first.validator(&["v1"]);
    assert!(first.known(&tag).is_none());
    assert_eq!(outcome(&first.fresh(&tag, &serde_json::json!({ "n": 1 })).unwrap()), "MISS");
    let again = conditional("/a?y=2&x=1", None, &store);
    assert_eq!(outcome(&again.known(&again.validator(&["v1"])).unwrap()), "HIT");
    let matching = conditional("/a?x=1&y=2", Some(&format!("\"other\", W/{}", tag.0)), &store);
    let response = matching.known(&tag).unwrap();
    assert_eq!((response.status(), outcome(&response)), (StatusCode::NOT_MODIFIED, "HIT-304"));
    assert!(matching.known(&matching.validator(&["v2"])).is_none());
}

#[test]
fn classes_say_who_may_keep_an_answer_and_how_long() {
    assert_eq!(CacheClass::public(60).control(true), "public, max-age=60");
    assert_eq!(CacheClass::private("Authorization").control(false), "private, no-cache");
    let both = CacheClass { scope: Scope::BySubject, ..CacheClass::public(300) };
    assert_eq!(both.control(true), "private, max-age=300");
    assert_eq!(both.control(false), "public, max-age=300");
    let response = conditional("/a", None, &Store::default()).by_body(&1, &[]).unwrap();
    assert_eq!(response.headers()[header::VARY], "Authorization");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "private, no-cache");
}

#[test]
fn a_body_validates_itself() {
    let store = Store::default();
    let ask = |tags: Option<&str>, body: &str, total: &str| {
        conditional("/a", tags, &store).by_body(&body, &[total]).unwrap()
    };
    let first = ask(None, "one", "1");
    let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(ask(Some(&tag), "one", "1").status(), StatusCode::NOT_MODIFIED);
    assert_eq!(ask(Some(&tag), "two", "1").status(), StatusCode::OK);
    assert_eq!(ask(Some(&tag), "one", "2").status(), StatusCode::OK);
    assert_eq!(outcome(&ask(None, "one", "1")), "MISS", "nothing is kept");
}

#[test]
fn a_star_matches_whatever_there_is() {
    let any = conditional("/a", Some("*"), &Store::default());
    assert_eq!(any.known(&any.validator(&["v"])).unwrap().status(), 304);
}

#[test]
fn over_age_bodies_are_not_served() {
    let store = Store::default();
    let first = conditional("/a", None, &store);
    let tag = first.validator(&["v1"]);
    first.fresh(&tag, &serde_json::json!({})).unwrap();
    let later = Conditional { now: first.now + SignedDuration::from_secs(60), ..first };
    assert!(later.known(&tag).is_none());
}

#[test]
fn a_full_store_keeps_what_changes_and_forgets_the_oldest() {
    let store = Store::default();
    let ask = |n: usize, version: &str, second: i64| {
        let ask = conditional(&format!("/a?n={n}"), None, &store);
        let ask = Conditional { now: ask.now + SignedDuration::from_secs(second), ..ask };
        let tag = ask.validator(&[version]);
        let response = ask.known(&tag).unwrap_or_else(|| ask.fresh(&tag, &n).unwrap());
        outcome(&response).to_owned()
    };
    for n in 0..KEPT_MAX {
        assert_eq!(ask(n, "v1", i64::from(n > 0)), "MISS");
    }
    assert_eq!([ask(7, "v2", 2), ask(7, "v2", 2)], ["MISS", "HIT"], "a known request's change");
    assert_eq!([ask(KEPT_MAX, "v1", 3), ask(KEPT_MAX, "v1", 3)], ["MISS", "HIT"], "a new one");
    assert_eq!([ask(1, "v1", 3), ask(7, "v2", 3)], ["HIT", "HIT"], "whatever is younger stays");
    assert_eq!(ask(0, "v1", 3), "MISS", "the oldest had to go");
    assert!(store.0.lock().unwrap().len() <= KEPT_MAX);
}

proptest! {
    #[test]
    fn a_tag_is_found_in_any_list(
        others in proptest::collection::vec("[ -!#-~]{0,8}", 0..4), at in 0_usize..4, weak: bool,
    ) {
        let plain = conditional("/a", None, &Store::default());
        let tag = plain.validator(&["v"]);
        let mut tags: Vec<String> = others.iter().map(|other| format!("\"{other}\"")).collect();
        let shown = if weak { format!("W/{}", tag.0) } else { tag.0.clone() };
        tags.insert(at.min(tags.len()), shown);
        let request = conditional("/a", Some(&tags.join(" , ")), &Store::default());
        prop_assert!(request.known(&tag).is_some());
        prop_assert!(request.known(&request.validator(&["w"])).is_none());
    }

    #[test]
    fn no_list_panics(list in ".*") {
        split_tags(&list);
    }
}
