//! The end of what nobody has spent in time.

use jiff::SignedDuration;
use shared::lease::Lease;
use shared::table::Write;

use super::*;
use crate::admin;
use crate::testing::ADMIN_JOBS;

const DAY: u64 = 86_400;

async fn earn(world: &World, tg_id: i64, n: u32, amount: u32) {
    store::award(world.table(), tg_id, &pay(n, amount), world.now()).await.unwrap();
}

async fn spent(world: &World, n: u32, amount: u32) {
    store::spend(world.table(), ANNA, &refund(n, amount), world.now()).await.unwrap();
}

async fn run(world: &World) -> Value {
    world.tick(expire()).await.unwrap()
}

fn ran(expired: u64, energies: u64, spent: u64) -> Value {
    json!({
        "lease_held": false, "expired": expired, "energies": energies, "spent": spent,
        "failed": 0, "complete": true,
    })
}

#[tokio::test]
async fn earned_spent_earned_and_the_first_expires() {
    let world = World::new().await;
    world.member(ANNA).await;
    earn(&world, ANNA, 1, 100).await;
    spent(&world, 1, 100).await;
    world.pass(Duration::from_secs(60 * DAY));
    earn(&world, ANNA, 2, 100).await;
    // Six months after the 31st of January is the 31st of July.
    world.pass(Duration::from_secs((181 - 60) * DAY));
    assert_eq!(run(&world).await, ran(0, 0, 1));
    assert_eq!(run(&world).await, ran(0, 0, 0));
    let (member, entries) = holds(&world, ANNA).await;
    assert_eq!((member.balance, entries.len()), (100, 3));
    assert!(entries.iter().all(|entry| !entry.expired));
}

#[tokio::test]
async fn the_rest_goes_with_an_entry_of_its_own_once() {
    let world = World::new().await;
    let member = world.member(ANNA).await;
    let token = world.token(&member).await;
    earn(&world, ANNA, 1, 100).await;
    earn(&world, ANNA, 2, 50).await;
    world.pass(Duration::from_secs(DAY));
    earn(&world, ANNA, 3, 70).await;
    spent(&world, 1, 30).await;
    world.pass(Duration::from_secs(180 * DAY - 1));
    assert_eq!(run(&world).await, ran(0, 0, 0));
    // What is over can be spent until the job comes.
    world.pass(Duration::from_secs(1));
    let balance = world.call(history(), Request::get("/api/v1/energies/history").token(&token));
    let lines = balance.await.body["transactions"].clone();
    assert!(lines.as_array().unwrap().iter().all(|line| line["isExpired"] == false));
    assert_eq!(run(&world).await, ran(2, 120, 0));
    for _ in 0..2 {
        assert_eq!(run(&world).await, ran(0, 0, 0));
    }
    let (member, entries) = holds(&world, ANNA).await;
    assert_eq!((member.balance, entries.len()), (70, 6));
    let lines = world.call(history(), Request::get("/api/v1/energies/history").token(&token)).await;
    let lines = lines.body["transactions"].clone();
    let line =
        |id: &str| lines.as_array().unwrap().iter().find(|line| line["id"] == id).unwrap().clone();
    let first = line("expire:payment:p1");
    assert_eq!((&first["amount"], &first["reason"]), (&json!(-70), &json!("Сгорание энергий")));
    assert_eq!((&first["type"], &first["kind"]), (&json!("expense"), &json!("expiry")));
    assert_eq!(line("expire:payment:p2")["amount"], -50);
    for (id, expired, left) in
        [("payment:p1", true, 0), ("payment:p2", true, 0), ("payment:p3", false, 70)]
    {
        let line = line(id);
        assert_eq!(
            (&line["isExpired"], &line["remaining"]),
            (&json!(expired), &json!(left)),
            "{id}"
        );
    }
    world.pass(Duration::from_secs(DAY));
    assert_eq!(run(&world).await, ran(1, 70, 0));
    assert_eq!(holds(&world, ANNA).await.0.balance, 0);
}

#[tokio::test]
async fn lots_that_end_at_once_go_in_the_order_in_which_they_came() {
    let world = World::new().await;
    world.member(ANNA).await;
    // The 29th of August to the 31st: all end on the last of February, at the hour of the first.
    world.pass(Duration::from_secs(210 * DAY + 6 * 3_600));
    for n in 1..=12 {
        earn(&world, ANNA, n, 10).await;
        world.pass(Duration::from_secs(3_600));
    }
    spent(&world, 1, 25).await;
    world.pass(Duration::from_secs(190 * DAY));
    assert_eq!(run(&world).await, ran(10, 95, 2));
    let (member, entries) = holds(&world, ANNA).await;
    assert_eq!((member.balance, entries.len()), (0, 12 + 1 + 10));
    let third = entries.iter().find(|entry| entry.key == "expire:payment:p3").unwrap();
    assert_eq!(third.delta, -5);
}

#[tokio::test]
async fn a_lot_waits_for_the_ones_before_it() {
    let world = World::new().await;
    world.member(ANNA).await;
    earn(&world, ANNA, 1, 10).await;
    earn(&world, ANNA, 2, 20).await;
    world.pass(Duration::from_secs(200 * DAY));
    // The index has lost the first for a while.
    let (_, entries) = account(&world, ANNA).await;
    let first = entries.iter().find(|entry| entry.key == "payment:p1").unwrap();
    let key = shared::table::Entity::key(first);
    let lost = Write::update("test", key).remove("due_pk").remove("due_at");
    world.table().write(lost).await.unwrap();
    let early = run(&world).await;
    assert_eq!(
        (&early["expired"], &early["failed"], &early["complete"]),
        (&json!(0), &json!(1), &json!(false))
    );
    assert_eq!(holds(&world, ANNA).await.0.balance, 30);
    world.put(first).await;
    world.pass(Duration::from_secs(60));
    assert_eq!(world.deliver(admin::go_on(), ADMIN_JOBS).await, (1, 0));
    assert_eq!(world.depth(ADMIN_JOBS), 0);
    assert_eq!(holds(&world, ANNA).await.0.balance, 0);
}

#[tokio::test]
async fn more_than_a_page_of_many_members_goes_in_one_run() {
    let world = World::new().await;
    for tg_id in 1..=30 {
        world.member(tg_id).await;
        for n in 0..15 {
            earn(&world, tg_id, n, 3).await;
        }
    }
    world.pass(Duration::from_secs(181 * DAY));
    assert_eq!(run(&world).await, ran(450, 1_350, 0));
    for tg_id in 1..=30 {
        let (member, entries) = holds(&world, tg_id).await;
        assert_eq!((member.balance, entries.len()), (0, 30));
    }
}

#[tokio::test]
async fn another_run_keeps_this_one_from_its_work() {
    let world = World::new().await;
    world.member(ANNA).await;
    earn(&world, ANNA, 1, 10).await;
    world.pass(Duration::from_secs(181 * DAY));
    let now = world.now();
    let until = now + SignedDuration::from_secs(60);
    let held = Lease::acquire(world.table(), "energies_expire", now, until).await.unwrap();
    assert_eq!(run(&world).await["lease_held"], true);
    assert_eq!(holds(&world, ANNA).await.0.balance, 10);
    // One that was overtaken does not write.
    let (_, entries) = account(&world, ANNA).await;
    let lot = shared::table::Entity::key(&entries[0]);
    held.clone().release(world.table(), now).await.unwrap();
    Lease::acquire(world.table(), "energies_expire", now, until).await.unwrap();
    let refused = lots::expire(world.table(), &lot, &held, now).await.unwrap_err();
    assert_eq!(refused.code(), "lease_lost");
    assert_eq!(holds(&world, ANNA).await.0.balance, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_side_by_side_take_each_once() {
    let world = std::sync::Arc::new(World::new().await);
    world.member(ANNA).await;
    for n in 0..10 {
        earn(&world, ANNA, n, 10).await;
    }
    world.pass(Duration::from_secs(181 * DAY));
    let now = world.now();
    let until = now + SignedDuration::from_secs(600);
    let lease = Lease::acquire(world.table(), "energies_expire", now, until).await.unwrap();
    let (_, mut entries) = account(&world, ANNA).await;
    entries.sort_by_key(|entry| entry.earned_before);
    let lots: Vec<_> = entries.iter().map(shared::table::Entity::key).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (world, lease, lots) = (std::sync::Arc::clone(&world), lease.clone(), lots.clone());
        tasks.spawn(async move {
            for lot in &lots {
                for _ in 0..20 {
                    if lots::expire(world.table(), lot, &lease, now).await.is_ok() {
                        break;
                    }
                }
            }
        });
    }
    tasks.join_all().await;
    let (member, entries) = holds(&world, ANNA).await;
    assert_eq!((member.balance, entries.len()), (0, 20));
}
