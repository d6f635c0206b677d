//! Awards, expenses, histories and the audit.

use std::collections::HashMap;

use engine::{CrashMode, CrashPlan};
use http::StatusCode;
use jiff::SignedDuration;
use proptest::prelude::*;
use shared::table::{Entity as _, Write};

use super::*;
use crate::auth;

#[tokio::test]
async fn a_payment_earns_500_and_a_leaders_1000_once() {
    let world = World::new().await;
    world.member(1).await;
    let leader = Member { is_team_leader: true, ..world.member(2).await };
    world.put(&leader).await;
    for (tg_id, amount) in [(1, 500), (2, 1_000)] {
        let moved = award(world.table(), tg_id, &Award::payment("x"), world.now()).await.unwrap();
        let balance = i64::try_from(amount).unwrap();
        assert_eq!(moved, Moved { awarded: true, amount, balance });
        let again = award(world.table(), tg_id, &Award::payment("x"), world.now()).await.unwrap();
        assert_eq!(again, Moved { awarded: false, ..moved });
        let (_, entries) = holds(&world, tg_id).await;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].expires_at, Some(expiry(world.now(), None)));
    }
    assert_eq!(holds(&world, 2).await.1[0].metadata["originalAmount"], 500);
}

#[tokio::test]
async fn income_commits_with_the_change_of_the_member() {
    let world = World::new().await;
    let member = world.member(1).await;
    let earned = income(&member, &Award::payment("x"), world.now());
    let update = earned.on(auth::change(&member, world.now()));
    world.table().transact(vec![update, earned.entry]).await.unwrap();
    assert_eq!(holds(&world, 1).await.0.balance, 500);
    let earned = income(&member, &Award::payment("x"), world.now());
    let stale = earned.on(auth::change(&member, world.now()));
    let refusal =
        world.table().transact(vec![earned.entry, stale]).await.unwrap_err().refusal().unwrap();
    assert!(refusal.name() == "entry" && refusal.has("member"));
}

#[tokio::test]
async fn spending_more_than_there_is_writes_nothing() {
    let world = World::new().await;
    world.member(1).await;
    award(world.table(), 1, &pay(1, 99), world.now()).await.unwrap();
    let before = account(&world, 1).await;
    let refused = spend(world.table(), 1, &refund(1, 100), world.now()).await.unwrap_err();
    assert_eq!((refused.status(), refused.code()), (StatusCode::CONFLICT, "insufficient_energies"));
    assert_eq!(account(&world, 1).await, before);
    spend(world.table(), 1, &refund(2, 99), world.now()).await.unwrap();
    let again = spend(world.table(), 1, &refund(2, 99), world.now()).await.unwrap();
    assert_eq!(again, Moved { awarded: false, amount: 99, balance: 0 });
    let unknown = spend(world.table(), 9, &refund(2, 99), world.now()).await.unwrap_err();
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn lots_are_spent_oldest_first() {
    let world = World::new().await;
    world.member(1).await;
    for (n, spent) in [(1, true), (2, false)] {
        award(world.table(), 1, &pay(n, 100), world.now()).await.unwrap();
        if spent {
            spend(world.table(), 1, &refund(n, 100), world.now()).await.unwrap();
        }
    }
    let (member, entries) = holds(&world, 1).await;
    let left = |key: &str| {
        let lot = entries.iter().find(|entry| entry.key == key).unwrap();
        lot.remaining(member.consumed_total)
    };
    assert_eq!((left("payment:p1"), left("payment:p2"), member.balance), (Some(0), Some(100), 100));
    assert_eq!(left("refund:p:r1"), None);
}

#[tokio::test]
async fn a_later_lot_does_not_expire_before_an_older_one() {
    let world = World::new().await;
    world.member(1).await;
    let mut expiries = Vec::new();
    for (n, at) in [(1, "2026-08-29T18:00:00Z"), (2, "2026-08-30T22:00:00Z")] {
        let at: shared::clock::Instant = at.parse().unwrap();
        award(world.table(), 1, &pay(n, 5), at).await.unwrap();
        let (_, entries) = account(&world, 1).await;
        expiries.extend(entries.iter().filter(|e| e.created_at == at).filter_map(|e| e.expires_at));
    }
    assert_eq!(expiries[0], expiries[1]);
}

#[tokio::test]
async fn twenty_at_once_under_one_key_are_one_entry() {
    let world = World::new().await;
    world.member(1).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (table, now) = (world.table().clone(), world.now());
        tasks.spawn(async move { award(&table, 1, &Award::payment("x"), now).await });
    }
    let outcomes = tasks.join_all().await;
    let made = outcomes.iter().filter(|moved| moved.as_ref().is_ok_and(|moved| moved.awarded));
    assert_eq!(made.count(), 1);
    assert_eq!(holds(&world, 1).await.0.balance, 500);
}

#[tokio::test]
async fn spending_side_by_side_never_takes_more_than_there_is() {
    let world = World::new().await;
    world.member(1).await;
    award(world.table(), 1, &pay(1, 500), world.now()).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (table, now) = (world.table().clone(), world.now());
        tasks.spawn(async move { spend(&table, 1, &refund(n, 100), now).await.is_ok() });
    }
    let spent = tasks.join_all().await.into_iter().filter(|spent| *spent).count();
    let (member, entries) = holds(&world, 1).await;
    assert!((1..=5).contains(&spent));
    assert_eq!(
        (entries.len(), member.balance),
        (spent + 1, 500 - 100 * i64::try_from(spent).unwrap())
    );
}

#[tokio::test]
async fn death_at_any_call_and_a_repeat_move_once() {
    for mode in [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer] {
        for at in 0..2 {
            let world = World::new().await;
            world.member(1).await;
            award(world.table(), 1, &pay(1, 100), world.now()).await.unwrap();
            let caller = Some("local-test".to_owned());
            world.engine.faults().crash(CrashPlan { caller, at, mode });
            let _ = spend(world.table(), 1, &refund(1, 40), world.now()).await;
            world.engine.faults().clear();
            spend(world.table(), 1, &refund(1, 40), world.now()).await.unwrap();
            assert_eq!(holds(&world, 1).await.0.balance, 60, "{mode:?} {at}");
        }
    }
}

#[tokio::test]
async fn a_movement_is_one_read_and_one_transaction_of_two_items() {
    let world = World::new().await;
    world.member(1).await;
    for awards in [true, false] {
        let meter = shared::meter::Meter::default();
        meter.enter_function();
        let work = async {
            match awards {
                true => award(world.table(), 1, &pay(1, 100), world.now()).await.unwrap(),
                false => spend(world.table(), 1, &refund(1, 40), world.now()).await.unwrap(),
            }
        };
        meter.watch(work).await;
        assert_eq!((meter.function().requests, meter.function().items), (2, 2));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// The store against a sum: awards and expenses under keys that repeat.
    #[test]
    fn any_sequence_keeps_the_account_right(
        moves in proptest::collection::vec((any::<bool>(), 0_u32..15, 1_u32..300, any::<bool>()), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            world.member(1).await;
            let (mut balance, mut seen) = (0_i64, HashMap::new());
            for (income, key, amount, leads) in moves {
                let member = world.member_now(1).await;
                world.put(&Member { is_team_leader: leads, ..member }).await;
                let amount_moved = if income && leads { amount * 2 } else { amount };
                let signed = i64::from(amount_moved) * if income { 1 } else { -1 };
                let outcome = match income {
                    true => award(world.table(), 1, &pay(key, amount), world.now()).await,
                    false => spend(world.table(), 1, &refund(key, amount), world.now()).await,
                };
                if let Some(first) = seen.get(&(income, key)) {
                    let moved = outcome.unwrap();
                    assert_eq!((moved.awarded, moved.amount), (false, *first));
                } else if balance + signed >= 0 {
                    balance += signed;
                    let amount = u64::from(amount_moved);
                    assert_eq!(outcome.unwrap(), Moved { awarded: true, amount, balance });
                    seen.insert((income, key), amount);
                } else {
                    assert_eq!(outcome.unwrap_err().code(), "insufficient_energies");
                }
                world.pass(std::time::Duration::from_secs(17));
            }
            let (member, entries) = holds(&world, 1).await;
            assert_eq!((member.balance, entries.len()), (balance, seen.len()));
        });
    }
}

#[tokio::test]
async fn the_balance_is_one_read_and_an_award_changes_its_tag() {
    let world = World::new().await;
    let member = world.member(1).await;
    let token = world.token(&member).await;
    let instance = world.start(balance()).await;
    let asked = || Request::get("/api/v1/energies/balance").token(&token);
    let miss = world.send(&instance, asked()).await;
    assert_eq!((&miss.headers["x-cache"], &miss.body["balance"]), (&json!("MISS"), &json!(0)));
    assert_eq!(miss.headers["cache-control"], "private, no-cache, max-age=60");
    assert_eq!(miss.cost.requests, 1);
    world.pass(std::time::Duration::from_secs(3));
    let hit = world.send(&instance, asked()).await;
    assert_eq!(
        (&hit.headers["x-cache"], &hit.headers["x-cache-age"]),
        (&json!("HIT"), &json!("3"))
    );
    let etag = miss.headers["etag"].as_str().unwrap();
    let known = world.send(&instance, asked().header("if-none-match", etag)).await;
    assert_eq!(
        (known.status, &known.headers["x-cache"]),
        (StatusCode::NOT_MODIFIED, &json!("HIT-304"))
    );
    assert_eq!((known.cost.requests, known.body), (1, Value::Null));
    award(world.table(), 1, &Award::payment("x"), world.now()).await.unwrap();
    let fresh = world.send(&instance, asked().header("if-none-match", etag)).await;
    assert_eq!((fresh.status, &fresh.body["balance"]), (StatusCode::OK, &json!(500)));
    assert_ne!(fresh.headers["etag"].as_str(), Some(etag));
}

#[tokio::test]
async fn the_history_is_newest_first_page_after_page() {
    let world = World::new().await;
    let member = world.member(1).await;
    let token = world.token(&member).await;
    for n in 0..7 {
        award(world.table(), 1, &pay(n, 100), world.now()).await.unwrap();
    }
    spend(world.table(), 1, &refund(0, 150), world.now()).await.unwrap();
    let instance = world.start(history()).await;
    let asked =
        |query: &str| Request::get(&format!("/api/v1/energies/history{query}")).token(&token);
    let all = world.send(&instance, asked("")).await;
    assert_eq!((all.cost.requests, all.body["nextCursor"].clone()), (2, Value::Null));
    let lines = all.body["transactions"].as_array().unwrap();
    let ids: Vec<_> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ids[0], ids[1], ids[7]), (8, "refund:p:r0", "payment:p6", "payment:p0"));
    let expense = json!({
        "id": "refund:p:r0", "userId": member.id, "amount": -150, "delta": -150,
        "absoluteAmount": 150, "type": "expense", "kind": "refund", "reason": "Возврат платежа",
        "metadata": {}, "expiresAt": null, "isExpired": false, "remaining": null,
        "createdAt": world.now(),
    });
    assert_eq!(lines[0], expense);
    let left: Vec<_> = lines.iter().skip(1).map(|line| line["remaining"].clone()).collect();
    assert_eq!(left, [100, 100, 100, 100, 100, 50, 0]);
    let (mut paged, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let page = world.send(&instance, asked(&query)).await;
        let lines = page.body["transactions"].as_array().unwrap();
        paged.extend(lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page.body["nextCursor"].as_str() else { break };
        query = format!("?limit=3&cursor={cursor}");
    }
    assert_eq!(paged, ids);
    let other = world.token(&world.member(2).await).await;
    let path = format!("/api/v1/energies/history{query}");
    let foreign = world.send(&instance, Request::get(&path).token(&other)).await;
    assert_eq!(foreign.status, StatusCode::BAD_REQUEST);
    for bad in ["?limit=0", "?limit=x", "?cursor=abc"] {
        let refused = world.send(&instance, asked(bad)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn the_audit_passes_what_is_right_and_tells_what_is_not() {
    let world = World::new().await;
    for tg_id in 1..=40 {
        world.member(tg_id).await;
        award(world.table(), tg_id, &pay(1, 100), world.now()).await.unwrap();
    }
    let right = world.tick(audit()).await.unwrap();
    let expected = json!({
        "lease_held": false, "members": 40, "violations": 0, "complete": true,
    });
    assert_eq!(right, expected);
    let drift = Write::update("drift", member_key(3)).add("balance", 7);
    world.table().write(drift).await.unwrap();
    let (_, entries) = account(&world, 5).await;
    world.table().write(Write::delete("lost", entries[0].key())).await.unwrap();
    world.pass(std::time::Duration::from_secs(900));
    let wrong = world.tick(audit()).await.unwrap();
    // Two of the sum and the lots for the one; these, and the earned total, for the other.
    assert_eq!((&wrong["members"], &wrong["violations"]), (&json!(40), &json!(5)));
}

#[tokio::test]
async fn awards_meanwhile_are_no_false_alarm() {
    let world = World::new().await;
    world.member(1).await;
    let (table, now) = (world.table().clone(), world.now());
    let busy = tokio::spawn(async move {
        for n in 0..60 {
            award(&table, 1, &pay(n, 10), now).await.unwrap();
        }
    });
    let mut runs = 0;
    while !busy.is_finished() {
        let run = world.tick(audit()).await.unwrap();
        assert_eq!(run["violations"], 0);
        world.pass(std::time::Duration::from_secs(900));
        runs += 1;
        tokio::task::yield_now().await;
    }
    busy.await.unwrap();
    assert!(runs > 0);
    assert_eq!(holds(&world, 1).await.0.balance, 600);
}

#[tokio::test]
async fn an_audit_without_time_goes_on_where_it_stopped() {
    let world = World::new().await;
    for tg_id in 1..=60 {
        world.member(tg_id).await;
    }
    let mut seen = 0;
    for run in 1..=20 {
        let lease = shared::lease::Lease::acquire(
            world.table(),
            "energies_audit",
            world.now(),
            world.now() + SignedDuration::from_secs(60),
        );
        let lease = lease.await.unwrap();
        let part = jobs::pass(&world.app, &lease, std::time::Duration::ZERO).await.unwrap();
        world.pass(std::time::Duration::from_secs(60));
        seen += part.members;
        if part.complete {
            assert_eq!((seen, run), (60, 16));
            return;
        }
    }
    panic!("never complete");
}
