//! Queries of every kind: refused with the field's name, or ignored.

use serde_json::json;
use tests::{Answer, job};

use super::routes;
use crate::scene::{busy, ids, invalid, rich};

#[track_caller]
fn no_failure(answer: &Answer) {
    assert!(answer.status < 500, "{answer}");
    if answer.status >= 400 {
        answer.refusal();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_strange_values_of_every_parameter_fail_nothing() {
    let world = busy!();
    let anna = rich(&world, 42).await;
    let long = "x".repeat(4_000);
    let values = [
        "",
        "0",
        "-1",
        "1.5",
        "abc",
        "%00",
        "1%00",
        "%ff",
        "%F0%9F%92%A9",
        "--1",
        "0x10",
        "1_0",
        "1180591620717411303424",
        "NaN",
        "null",
        "true",
        "[]",
        "%7B%7D",
        "a%26b",
        "%25",
        "%",
        "%D1%8B%0A",
        "AAAAAAAAAAAA",
        "'%20or%20''='",
        long.as_str(),
    ];
    let mut asked = 0;
    for route in routes(&world).await.iter().filter(|route| route.method == "GET") {
        for name in &route.query {
            for value in values {
                let path = format!("{}?{name}={value}", route.path());
                no_failure(&anna.get(&path).await);
                no_failure(&anna.get(&format!("{path}&{name}={value}")).await);
                asked += 1;
            }
        }
        for query in ["a&b&c", "=", "%00=1", "%ff", "&&&", "unknown=1", "?", "limit", "a=b=c"] {
            no_failure(&anna.get(&format!("{}?{query}", route.path())).await);
        }
    }
    assert!(asked > 400, "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_limits_offsets_and_statuses_have_bounds() {
    let world = busy!();
    let anna = rich(&world, 42).await;
    for path in ["/api/orders", "/api/reviews", "/api/balance/transactions"] {
        for limit in ["0", "101", "-1", "abc", "1.5", "1180591620717411303424"] {
            invalid(&anna.get(&format!("{path}?limit={limit}")).await, "limit");
        }
        for limit in ["1", "100", "10.0"] {
            anna.get(&format!("{path}?limit={limit}")).await.is(200);
        }
    }
    for offset in ["-1", "1001", "1180591620717411303424", "abc"] {
        invalid(&anna.get(&format!("/api/orders?offset={offset}")).await, "offset");
    }
    let deep = anna.get("/api/orders?offset=1001").await.problem(422, "validation_failed");
    assert_eq!(deep["detail"], "offset: use cursor for deep paging");
    anna.get("/api/orders?offset=1000").await.is(200);
    for status in ["foo", "Active", "ACTIVE", "pending"] {
        invalid(&anna.get(&format!("/api/orders?status={status}")).await, "status");
    }
    for rating in ["0", "6", "abc", "2.5"] {
        invalid(&anna.get(&format!("/api/reviews?rating={rating}")).await, "rating");
    }
    let both = anna.get("/api/orders?limit=0&offset=-1&status=foo").await;
    let problem = both.problem(422, "validation_failed");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 3, "{both}");
    assert_eq!(problem["detail"].as_str().unwrap().matches("; ").count(), 2, "{both}");
    anna.get("/api/reviews/check").await.problem(422, "validation_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_unknown_values_of_filters_are_empty_pages() {
    let world = busy!();
    let anna = rich(&world, 42).await;
    anna.posts(&job("@anna_bond")).await;
    for query in ["category=Такси", "city=Нигде", "category=сантехника", "city=%D0%BC"]
    {
        let list = world.get(&format!("/api/orders?{query}")).await.is(200).json();
        assert_eq!((ids(&list).len(), &list["next_cursor"]), (0, &json!(null)), "{query}");
    }
    for query in ["status=deleted", "status=closed_no_response", "status=all", "status=active"] {
        let list = world.get(&format!("/api/orders?{query}")).await.is(200).json();
        assert_eq!(ids(&list).len(), 1, "{query} is silently active");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_cursors_that_nobody_was_given_are_refused() {
    let world = busy!();
    let anna = rich(&world, 42).await;
    for n in 0..3 {
        anna.posts(&job(&format!("@anna_{n}_x"))).await;
    }
    let page = anna.get("/api/orders?limit=1").await.is(200).json();
    let cursor = page["next_cursor"].as_str().unwrap().to_owned();
    let mut altered = cursor.clone().into_bytes();
    let middle = altered.len() / 2;
    altered[middle] = if altered[middle] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).unwrap();
    let cut = cursor[..cursor.len() - 1].to_owned();
    let foreign = ["x".to_owned(), "A".repeat(64), altered, cut, "%00".into(), "%ff".into()];
    for wrong in &foreign {
        for path in ["/api/orders", "/api/orders?mine=true", "/api/reviews"] {
            let sign = if path.contains('?') { '&' } else { '?' };
            let answer = anna.get(&format!("{path}{sign}cursor={wrong}")).await;
            let problem = answer.is(422).refusal();
            assert_eq!(problem["detail"], "Invalid cursor", "{answer}");
        }
    }
    for mismatch in [
        format!("/api/orders?cursor={cursor}&category=Другое"),
        format!("/api/orders?cursor={cursor}&city=Омск"),
        format!("/api/orders?cursor={cursor}&status=expired"),
        format!("/api/orders?cursor={cursor}&mine=true"),
        format!("/api/reviews?cursor={cursor}"),
        format!("/api/balance/transactions?cursor={cursor}"),
    ] {
        let answer = anna.get(&mismatch).await;
        assert_eq!(answer.is(422).refusal()["detail"], "Invalid cursor", "{answer}");
    }
    anna.get(&format!("/api/orders?cursor={cursor}&offset=1")).await.is(422).refusal();
    anna.get(&format!("/api/orders?cursor={cursor}&offset=0&limit=2")).await.is(200);
}
