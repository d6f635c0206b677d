//! Balances against the embedded engine.

use std::sync::Arc;

use serde_json::{Value, json};
use shared::table::{Item, Key};

use super::{Change, Entry, Kind, Kopecks, Reason, balance, recharge, transactions};
use crate::testing::{Person, Reply, Request, World};

/// The caller of these tests.
const CALLER: i64 = 5_000_000_002;

struct Purse {
    world: Arc<World>,
}

impl Purse {
    async fn with(settings: &[(&str, &str)]) -> Self {
        Self { world: Arc::new(World::with(settings).await) }
    }

    fn by(&self, id: i64, request: Request) -> Request {
        request.by(&self.world.sign_in(&Person::new(id, "Пётр")))
    }

    fn wish(&self, body: Value) -> Request {
        self.by(CALLER, Request::post("/api/balance/recharge", body))
    }

    async fn recharge(&self, body: Value) -> Reply {
        self.world.call(recharge(), self.wish(body)).await
    }

    async fn balance(&self) -> Reply {
        let request = self.by(CALLER, Request::get("/api/balance"));
        self.world.call(balance(), request).await
    }

    async fn page(&self, query: &str) -> Reply {
        self.page_of(CALLER, query).await
    }

    async fn page_of(&self, id: i64, query: &str) -> Reply {
        let request = self.by(id, Request::get(&format!("/api/balance/transactions{query}")));
        self.world.call(transactions(), request).await
    }

    async fn entries(&self) -> Vec<Entry> {
        let mut found = Vec::new();
        for item in self.world.items("LedgerEntry").await {
            let text = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
            let item: Option<Item> = self.world.item(&Key::new(text("pk"), text("sk"))).await;
            found.push(item.unwrap().read().unwrap());
        }
        found
    }

    /// Takes from the balance what a contact costs, for an order of this name.
    async fn spend(&self, order: &str) {
        let user = self.world.user(CALLER).await;
        let reason = Reason {
            kind: Kind::OrderTake,
            cause: order.to_owned(),
            order_id: Some(order.to_owned()),
            payment_method: None,
            description: Some(format!("Took order {order}")),
        };
        let change = Change::of(&user, Kopecks(-200), reason, self.world.now()).unwrap();
        self.world.table().transact(vec![change.balance(), change.line()]).await.unwrap();
    }
}

#[tokio::test]
async fn a_recharge_is_a_line_of_the_ledger() {
    let purse = Purse::with(&[]).await;
    assert_eq!(purse.balance().await.body, json!({ "balance": 0 }));
    let reply = purse.recharge(json!({ "amount": 100, "method": "card" })).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let id = reply.body["transaction_id"].as_i64().unwrap();
    assert_eq!(reply.body, json!({ "success": true, "new_balance": 100, "transaction_id": id }));
    assert_eq!((reply.cost.requests, reply.cost.items), (1, 2));
    let balance = purse.balance().await;
    assert_eq!((&balance.body, balance.cost.requests), (&json!({ "balance": 100 }), 0));
    // A client that knows it already gets no body.
    let tag = balance.headers["etag"].as_str().unwrap();
    let request = || purse.by(CALLER, Request::get("/api/balance")).header("if-none-match", tag);
    assert_eq!(purse.world.call(super::balance(), request()).await.status, 304);
    purse.recharge(json!({ "amount": "5", "method": "  " })).await;
    assert_eq!(purse.world.call(super::balance(), request()).await.status, 200);
    let page = purse.page("").await;
    assert_eq!(page.cost.requests, 1);
    let first = &page.body["transactions"][1];
    assert_eq!(
        *first,
        json!({
            "id": id, "type": "recharge", "amount": 100, "balance_after": 100, "order_id": null,
            "payment_method": "card", "description": "Balance recharge via card",
            "created_at": "2026-11-22T12:00:00.000000Z",
        })
    );
    let second = &page.body["transactions"][0];
    assert_eq!(second["description"], "Balance recharge via telegram_stars");
    assert_eq!((&second["balance_after"], &page.body["next_cursor"]), (&json!(105), &Value::Null));
}

#[tokio::test]
async fn what_is_refused() {
    let purse = Purse::with(&[("BALANCE_LIMIT_RUB", "1000")]).await;
    for body in [
        json!({}),
        json!({ "amount": 0 }),
        json!({ "amount": 100_001 }),
        json!({ "amount": "1.5" }),
        json!({ "amount": 1, "method": "x".repeat(51) }),
        json!({ "amount": 1, "method": 7 }),
    ] {
        assert_eq!(purse.recharge(body.clone()).await.refusal().0, 422, "{body}");
    }
    assert_eq!(purse.recharge(json!({ "amount": 1, "method": "я".repeat(50) })).await.status, 200);
    let refused = purse.recharge(json!({ "amount": 1_000 })).await;
    assert_eq!(refused.refusal(), (409, "balance_limit", "Balance limit reached"));
    assert_eq!(purse.recharge(json!({ "amount": 999 })).await.status, 200);
    for query in [
        "?limit=0",
        "?limit=101",
        "?limit=x",
        "?type=gift",
        "?type=",
        "?cursor=x",
        "?cursor=",
        "?limit=1&limit=2",
    ] {
        assert_eq!(purse.page(query).await.refusal().0, 422, "{query}");
    }
    assert_eq!(purse.page("?cursor=x").await.refusal().2, "Invalid cursor");
}

#[tokio::test]
async fn outside_the_sandbox_nothing_is_free() {
    let purse = Purse::with(&[("PAYMENTS_SANDBOX", "false")]).await;
    let text = "Recharge is available only in the sandbox";
    for _ in 0..2 {
        let reply = purse.recharge(json!({ "amount": 100 })).await;
        assert_eq!(reply.refusal(), (403, "sandbox_only", text));
    }
    assert_eq!(purse.balance().await.body, json!({ "balance": 0 }));
    assert_eq!(purse.entries().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_recharges_at_once_all_count() {
    let purse = Purse::with(&[]).await;
    let instance = purse.world.start(recharge()).await;
    let wishes = (0..20).map(|_| purse.wish(json!({ "amount": 10 })));
    for reply in purse.world.send_all(&instance, wishes).await {
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    assert_eq!(purse.balance().await.body, json!({ "balance": 200 }));
    // The newest knows the balance, although the clock has not moved.
    let page = purse.page("").await;
    let lines = page.body["transactions"].as_array().unwrap();
    let after: Vec<_> = lines.iter().map(|line| line["balance_after"].as_i64().unwrap()).collect();
    assert_eq!(after, (1..=20).rev().map(|n| n * 10).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_gives_the_same_answer() {
    let purse = Purse::with(&[("BALANCE_LIMIT_RUB", "100")]).await;
    let instance = purse.world.start(recharge()).await;
    let keyed = || purse.wish(json!({ "amount": 100 })).header("idempotency-key", "k!~");
    let replies = purse.world.send_all(&instance, (0..10).map(|_| keyed())).await;
    for reply in &replies {
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &replies[0].body));
    }
    // Also when the balance has no room for another.
    let again = purse.world.send(&instance, keyed()).await;
    assert_eq!(
        (&again.body, &again.headers["idempotency-replayed"]),
        (&replies[0].body, &json!("true"))
    );
    let other = purse.wish(json!({ "amount": 1 })).header("idempotency-key", "k!~");
    let mismatch = purse.world.send(&instance, other).await;
    assert_eq!(mismatch.refusal(), (422, "idempotency_mismatch", "Idempotency key reuse"));
    assert_eq!(
        (purse.entries().await.len(), purse.balance().await.body),
        (1, json!({ "balance": 100 }))
    );
}

#[tokio::test]
async fn pages_lead_to_the_end_without_gap_or_repeat() {
    let purse = Purse::with(&[]).await;
    purse.recharge(json!({ "amount": 1_000 })).await;
    for n in 0..24 {
        purse.world.pass(std::time::Duration::from_micros(n % 3));
        purse.spend(&format!("order{n:02}")).await;
    }
    for (filter, total) in
        [("", 25), ("&type=order_take", 24), ("&type=recharge", 1), ("&type=refund", 0)]
    {
        for limit in [1, 7, 8, 24, 25, 100] {
            let (mut seen, mut cursor) = (Vec::<i64>::new(), String::new());
            loop {
                let page = purse.page(&format!("?limit={limit}{filter}{cursor}")).await;
                assert_eq!((page.status.as_u16(), page.cost.requests), (200, 1), "{}", page.body);
                let lines = page.body["transactions"].as_array().unwrap();
                seen.extend(lines.iter().map(|line| line["id"].as_i64().unwrap()));
                match page.body["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
                assert_eq!(lines.len(), limit, "only the last page is short");
            }
            assert_eq!(seen.len(), total, "{filter} by {limit}");
            assert!(seen.is_sorted_by(|newer, older| newer > older), "{seen:?}");
        }
    }
    let all = purse.page("?limit=100").await;
    let lines = all.body["transactions"].as_array().unwrap();
    let sum: i64 = lines.iter().map(|line| line["amount"].as_i64().unwrap()).sum();
    assert_eq!((sum, purse.balance().await.body), (952, json!({ "balance": 952 })));
    assert_eq!(
        (&lines[0]["balance_after"], &lines[0]["order_id"]),
        (&json!(952), &json!("order23"))
    );
}

#[tokio::test]
async fn a_cursor_is_good_for_its_caller_and_filter_only() {
    let purse = Purse::with(&[]).await;
    for _ in 0..3 {
        purse.recharge(json!({ "amount": 1 })).await;
    }
    let page = purse.page("?limit=1").await;
    let cursor = page.body["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(purse.page(&format!("?limit=2&cursor={cursor}")).await.status, 200);
    let mut altered = cursor.clone();
    altered.replace_range(..1, if cursor.starts_with('A') { "B" } else { "A" });
    for (id, query) in [
        (CALLER + 1, format!("?limit=1&cursor={cursor}")),
        (CALLER, format!("?limit=1&type=recharge&cursor={cursor}")),
        (CALLER, format!("?limit=1&cursor={altered}")),
        (CALLER, format!("?cursor={}", "x".repeat(3_000))),
    ] {
        let reply = purse.page_of(id, &query).await;
        assert_eq!(reply.refusal().0, 422, "{query}");
    }
    let foreign = purse.page_of(CALLER + 1, &format!("?cursor={cursor}")).await;
    assert_eq!(foreign.refusal(), (422, "validation_failed", "Invalid cursor"));
}

#[tokio::test]
async fn a_balance_never_falls_below_nothing() {
    let purse = Purse::with(&[]).await;
    purse.recharge(json!({ "amount": 2 })).await;
    let user = purse.world.user(CALLER).await;
    let reason = |cause: &str| Reason {
        kind: Kind::OrderTake,
        cause: cause.to_owned(),
        order_id: None,
        payment_method: None,
        description: None,
    };
    let now = purse.world.now();
    assert!(Change::of(&user, Kopecks(-201), reason("x"), now).is_none());
    assert!(Change::of(&user, Kopecks(i64::MAX), reason("x"), now).is_none());
    // Two that were decided on one balance: the second is refused.
    let [first, second] =
        ["a", "b"].map(|c| Change::of(&user, Kopecks(-200), reason(c), now).unwrap());
    let table = purse.world.table();
    table.transact(vec![first.balance(), first.line()]).await.unwrap();
    let refused = table.transact(vec![second.balance(), second.line()]).await;
    assert_eq!(refused.unwrap_err().refusal().unwrap().name(), "user");
    // The same cause has one line, whatever the balance.
    let user = purse.world.user(CALLER).await;
    assert_eq!((user.balance, user.earned_total, user.consumed_total), (0, 200, 200));
    let back = Change::of(&user, Kopecks(200), Reason { kind: Kind::Refund, ..reason("a") }, now);
    let back = back.unwrap();
    table.transact(vec![back.balance(), back.line()]).await.unwrap();
    let user = purse.world.user(CALLER).await;
    let again = Change::of(&user, Kopecks(200), Reason { kind: Kind::Refund, ..reason("a") }, now);
    let again = again.unwrap();
    let refused = table.transact(vec![again.balance(), again.line()]).await;
    assert_eq!(refused.unwrap_err().refusal().unwrap().name(), "entry");
}
