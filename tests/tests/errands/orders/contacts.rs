//! One contact has one active order, however it is written.

use serde_json::json;
use tests::{Person, World, at_once, job};

use crate::scene::{busy, count, leap, rich, stop, takes};

const BUSY: &str = "This contact already has an active order";

/// Spellings of one contact in each line.
const SAME: [&[&str]; 8] = [
    &["@Ivan_123", "ivan_123", "https://t.me/IVAN_123", " t.me/ivan_123 ", "HTTP://T.ME/ivan_123"],
    &[
        "+7 (900) 000-00-00",
        "8 900 000 00 00",
        "89000000000",
        "9000000000",
        "+7.900.000.00.00",
        "8\u{a0}900\u{a0}000\u{2013}00\u{2013}00",
    ],
    &["+84 900 000 000", "+84900000000"],
    &["84900000000", "4900000000"],
    &["Viber:  099", "viber: 099", " VIBER:\t099 "],
    &["@1van", "@1VAN"],
    &["@abcd", "@ABCD"],
    &["Кабинет 5", "кабинет   5"],
];

async fn clash(world: &World, first: &str, second: &str) -> bool {
    let (one, two) = (world.person(1, "Иван").await, world.person(2, "Пётр").await);
    let order = one.posts(&job(first)).await;
    let answer = two.post("/api/orders", &job(second)).await;
    let busy = answer.status == 409;
    if busy {
        answer.detail(409, "contact_busy", BUSY);
    } else {
        let other = answer.is(201).json()["id"].as_str().unwrap().to_owned();
        two.delete(&format!("/api/orders/{other}")).await.is(204);
    }
    one.delete(&format!("/api/orders/{order}")).await.is(204);
    busy
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_spellings_of_one_contact_are_busy() {
    let world = busy!();
    for line in SAME {
        for spelling in line {
            assert!(clash(&world, line[0], spelling).await, "{} and {spelling}", line[0]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_other_contacts_are_free() {
    let world = busy!();
    for (index, line) in SAME.iter().enumerate() {
        for other in SAME.iter().skip(index + 1) {
            assert!(!clash(&world, line[0], other[0]).await, "{} and {}", line[0], other[0]);
        }
    }
    for (one, two) in [("ivan_123", "ivan_1234"), ("9000000000", "900000000"), ("abcd", "abcde")] {
        assert!(!clash(&world, one, two).await, "{one} and {two}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_contacts_are_classified_and_never_refused() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    let long = format!("a{}", "b".repeat(31));
    let too_long = format!("a{}", "b".repeat(32));
    for (contact, kind) in [
        ("@ivan_123", "telegram"),
        ("t.me/ivan_123", "telegram"),
        ("ivanov", "telegram"),
        ("HTTPS://T.ME/Ivan_123", "telegram"),
        (long.as_str(), "telegram"),
        (too_long.as_str(), "other"),
        ("@abcd", "other"),
        ("_ivan_123", "other"),
        ("@иванов", "other"),
        ("https://t.me/ivan_123/5", "other"),
        ("https://t.me/", "other"),
        ("+7 (900) 000-00-00", "phone"),
        ("9000000000", "phone"),
        ("1234567890", "phone"),
        ("123456789012345", "phone"),
        ("123456789", "other"),
        ("1234567890123456", "other"),
        ("++79000000000", "other"),
        ("8 900 000 00 00 доб. 5", "other"),
        ("Viber: 099…", "other"),
        ("ivan@example.com", "other"),
        ("<script>alert(1)</script>", "other"),
    ] {
        let made = client.post("/api/orders", &job(contact)).await.is(201).json();
        assert_eq!(made["contact_kind"], kind, "{contact}");
        assert_eq!(made["contact"], contact);
        let order = made["id"].as_str().unwrap();
        client.delete(&format!("/api/orders/{order}")).await.is(204);
    }
}

/// Ends an order so that its contact is to be free; nothing of the clock runs on the way.
async fn ends(world: &World, client: &Person, executor: &Person, order: &str, how: &str) {
    match how {
        "delete" => {
            client.delete(&format!("/api/orders/{order}")).await.is(204);
        }
        "complete" => {
            takes(executor, order).await;
            client.act(order, "complete").await.is(200);
        }
        "close" => {
            takes(executor, order).await;
            client.act(order, "close").await.is(204);
        }
        "silence" => {
            takes(executor, order).await;
            leap(world, 15 * 60).await;
        }
        _ => leap(world, 60 * 60).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_a_contact_is_free_after_every_end_before_a_sweep_ran() {
    let world = busy!("CLOCK" => "2026-01-20T12:00:30Z");
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 11).await);
    let other = world.person(2, "Пётр").await;
    for function in ["errands-orders-sweep", "errands-orders-deadline"] {
        stop(&world, function).await;
    }
    for (n, how) in ["delete", "complete", "close", "silence", "expiry"].into_iter().enumerate() {
        let number = format!("+7900000000{n}");
        let order = client.posts(&job(&number)).await;
        let spelling = format!("8 (900) 000-00-0{n}");
        let early = other.post("/api/orders", &job(&spelling)).await;
        early.detail(409, "contact_busy", BUSY);
        ends(&world, &client, &executor, &order, how).await;
        let next = other.posts(&job(&spelling)).await;
        client.post("/api/orders", &job(&number)).await.problem(409, "contact_busy");
        assert_ne!(client.sees(&order).await["status"], "active", "{how}");
        let me = client.me().await;
        assert_eq!(me["active_orders"], 0, "settled by the one who came: {how} {me}");
        other.delete(&format!("/api/orders/{next}")).await.is(204);
    }
    world.heal().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_of_many_spellings_at_once_one_wins() {
    let world = busy!();
    let mut people = Vec::new();
    for id in 1..11 {
        people.push(world.person(id, "Иван").await);
    }
    let spellings = ["@Ivan_123", "ivan_123", "https://t.me/IVAN_123", " t.me/ivan_123 "];
    let answers =
        at_once(10, |n| people[n].post("/api/orders", &job(spellings[n % spellings.len()]))).await;
    assert_eq!((count(&answers, 201), count(&answers, 409)), (1, 9), "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status == 409) {
        answer.detail(409, "contact_busy", BUSY);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_an_edit_moves_the_lock_and_stops_at_a_foreign_one() {
    let world = busy!();
    let (client, other) = (world.person(1, "Иван").await, world.person(2, "Пётр").await);
    let order = client.posts(&job("@ivan_123")).await;
    other.posts(&job("@petr_123")).await;
    let path = format!("/api/orders/{order}");
    let taken = client.put(&path, &json!({"contact": "t.me/PETR_123"})).await;
    taken.detail(409, "contact_busy", BUSY);
    assert_eq!(client.sees(&order).await["contact"], "@ivan_123");
    let respelled = client.put(&path, &json!({"contact": "https://t.me/Ivan_123"})).await;
    assert_eq!(respelled.is(200).json()["contact"], "https://t.me/Ivan_123");
    other.post("/api/orders", &job("ivan_123")).await.problem(409, "contact_busy");
    client.put(&path, &json!({"contact": "@ivan_new"})).await.is(200);
    other.posts(&job("ivan_123")).await;
    other.post("/api/orders", &job("IVAN_NEW")).await.problem(409, "contact_busy");
    client.put(&path, &json!({"contact": "ivan_123"})).await.problem(409, "contact_busy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_an_edit_settles_a_due_holder_first() {
    let world = busy!("CLOCK" => "2026-01-20T12:00:30Z");
    let (client, other) = (world.person(1, "Иван").await, world.person(2, "Пётр").await);
    let old = other.posts(&job("@petr_123")).await;
    leap(&world, 30 * 60).await;
    let order = client.posts(&job("@ivan_123")).await;
    leap(&world, 30 * 60).await;
    let path = format!("/api/orders/{order}");
    client.put(&path, &json!({"contact": "petr_123"})).await.is(200);
    assert_eq!(other.sees(&old).await["status"], "expired");
    assert_eq!(other.me().await["active_orders"], 0);
}
