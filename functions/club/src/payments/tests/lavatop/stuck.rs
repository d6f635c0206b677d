//! An end that LavaTop refuses for good.

use shared::outbox::{Entry, State};

use super::*;
use crate::outbox;

#[tokio::test]
async fn an_end_that_is_refused_for_good_is_told_once_and_given_up() {
    let lava = Lava::open().await;
    let shop = &lava.shop;
    let (_, purchase) = lava.subscribed().await;
    shop.perform_all().await;
    let contract = shop.contract().await;
    assert_eq!(contract.contract_id, purchase);
    lava.server.feel(LavatopMood::Refusing(400));
    for cause in ["one", "two"] {
        let wish = outbox::end(PAYER, &contract.handle(), cause, shop.world.now()).unwrap();
        shop.world.table().write(wish).await.unwrap();
        for _ in 0..2 {
            shop.perform_all().await;
            shop.pass(10 * 60);
        }
    }
    let rows: Vec<Entry> = shop.read("Outbox").await;
    let ends: Vec<_> = rows.iter().filter(|row| row.id.starts_with("end_contract:")).collect();
    assert_eq!(ends.len(), 2);
    assert!(ends.iter().all(|row| row.state == State::Refused), "{ends:?}");
    assert_eq!(shop.messages("admin_alert").await, 1, "once for the contract");
    let asked = lava.server.books().calls.iter().filter(|call| call.starts_with("DELETE")).count();
    assert_eq!(asked, 2, "once for each wish");
    let alert = rows.iter().find(|row| row.id.starts_with("not_ended:")).unwrap();
    assert!(alert.payload.to_string().contains(&purchase), "{alert:?}");
    assert!(shop.contract().await.live && shop.payer().await.auto_renewal);
}

#[tokio::test]
async fn an_end_that_meets_a_renewal_is_asked_for_until_it_is_done() {
    let lava = Lava::open().await;
    let shop = &lava.shop;
    lava.subscribed().await;
    shop.perform_all().await;
    lava.server.feel(LavatopMood::Refusing(409));
    let handle = shop.contract().await.handle();
    let wish = outbox::end(PAYER, &handle, "one", shop.world.now()).unwrap();
    shop.world.table().write(wish).await.unwrap();
    for _ in 0..3 {
        shop.perform_all().await;
        assert!(shop.contract().await.live);
        shop.pass(5 * 60);
    }
    assert_eq!(shop.messages("admin_alert").await, 0);
    // What lasts longer than any renewal somebody is told of, once.
    for _ in 0..2 {
        shop.pass(3_600);
        shop.perform_all().await;
        assert!(shop.contract().await.live);
    }
    assert_eq!(shop.messages("admin_alert").await, 1);
    lava.server.feel(LavatopMood::Fine);
    shop.pass(5 * 60);
    shop.perform_all().await;
    assert!(!shop.contract().await.live && !shop.payer().await.auto_renewal);
}
