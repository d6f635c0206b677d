//! The process dies at every call to the table while a subscription is renewed, closed, ended or
//! looked up in the books, and while what follows a payment is asked for; what comes after heals it.

use engine::{CrashMode, CrashPlan};
use http::StatusCode;
use shared::clock::days;

use super::contracts::lava;
use super::stars::{NOW_S, star_shop};
use super::updates::recurring;
use super::*;
use crate::bot::update;
use crate::payments::contracts::closed;
use crate::payments::reconcile;
use crate::testing::UPDATES;

const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

/// Dies at the call `at` of a function, unless it makes fewer.
fn dies(shop: &Shop, function: &str, at: u64, mode: CrashMode) {
    let caller = Some(format!("local-{function}"));
    shop.world.engine.faults().crash(CrashPlan { caller, at, mode });
}

/// Lives again. Had it died?
fn lives(shop: &Shop) -> bool {
    let died = shop.world.engine.faults().crashed();
    shop.world.engine.faults().clear();
    died
}

#[tokio::test]
async fn a_renewal_that_dies_anywhere_renews_once() {
    for mode in MODES {
        for at in 0.. {
            let (shop, _bot) = star_shop(&[]).await;
            let id = shop.star_linked().await;
            shop.hear(recurring(1, &id, "first", true)).await;
            let until = shop.payer().await.subscription_expires.unwrap();
            dies(&shop, "club-bot-update", at, mode);
            shop.hear(recurring(2, &id, "second", false)).await;
            let died = lives(&shop);
            shop.check_invariants().await;
            shop.pass(180);
            shop.world.deliver(update(), UPDATES).await;
            shop.hear(recurring(3, &id, "second", false)).await;
            let payer = shop.payer().await;
            assert_eq!(payer.subscription_expires, Some(until + days(30)), "{mode:?} at {at}");
            assert_eq!((payer.balance, payer.auto_renewal), (1_000, true));
            assert_eq!(
                (shop.contract().await.newest.as_str(), shop.count("Payment").await),
                ("second", 2)
            );
            shop.check_invariants().await;
            if !died {
                assert!(at >= 2, "{at}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn what_follows_a_payment_is_asked_for_once_wherever_its_delivery_dies() {
    for mode in MODES {
        for at in 0.. {
            let (shop, bot) = star_shop(&[("PROTECTED_CHAT_IDS", "-100,-200")]).await;
            let id = shop.linked().await;
            shop.succeed(&id).await;
            dies(&shop, "club-outbox-deliver", at, mode);
            shop.perform_all().await;
            let died = lives(&shop);
            for _ in 0..3 {
                shop.pass(61);
                shop.perform_all().await;
            }
            let rows: Vec<Entry> = shop.read("Outbox").await;
            let ids: std::collections::BTreeSet<_> =
                rows.iter().map(|row| row.id.clone()).collect();
            let cause = format!("sandbox:sbx_{id}");
            let expected = [
                format!("settled:{cause}"),
                format!("congrats:{id}"),
                format!("unban:{cause}:-100"),
                format!("unban:{cause}:-200"),
            ];
            assert_eq!(ids, expected.into_iter().collect(), "{mode:?} at {at}");
            assert_eq!(shop.count("Onboarding").await, 1);
            let told = bot.called("sendMessage").len();
            assert!(told <= 1, "{mode:?} at {at}: {told}");
            for row in rows {
                let done = row.state == State::Sent
                    || row.id.starts_with("congrats") && row.state == State::Unconfirmed;
                assert!(done, "{mode:?} at {at}: {row:?}");
            }
            if !died {
                assert!(at >= 9 && told == 1, "{at}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_close_that_dies_anywhere_closes_once() {
    for mode in MODES {
        for at in 0.. {
            let shop = Shop::open().await;
            shop.lava_attempt("att_lava").await;
            shop.settle(&lava("att_lava", "first", Some("first"))).await;
            let until = shop.world.now() + days(10);
            let handle = super::contracts::lava_handle();
            dies(&shop, "test", at, mode);
            let _ = closed(&shop.world.app, &handle, Some(until), shop.world.now()).await;
            let died = lives(&shop);
            // All or nothing.
            let (payer, live) = (shop.payer().await, shop.contract().await.live);
            assert_eq!(
                (payer.auto_renewal, payer.subscription_expires == Some(until)),
                (live, !live)
            );
            assert_eq!(shop.attempt("att_lava").await.contract_over, !live);
            shop.close(Some(until)).await;
            let payer = shop.payer().await;
            assert_eq!((payer.auto_renewal, payer.subscription_expires), (false, Some(until)));
            assert_eq!(shop.count("SubscriptionEvent").await, 2, "{mode:?} at {at}");
            if !died {
                assert!(at >= 3, "{at}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn an_end_that_dies_anywhere_is_healed_by_asking_again() {
    let path = "/api/v1/users/cancel-subscription";
    for mode in MODES {
        for at in 0.. {
            let (shop, _bot) = star_shop(&[]).await;
            let id = shop.star_linked().await;
            shop.hear(recurring(1, &id, "first", true)).await;
            dies(&shop, "club-users-cancel-subscription", at, mode);
            let reply = shop.cancel(path, json!({})).await;
            let died = lives(&shop);
            let (payer, live) = (shop.payer().await, shop.contract().await.live);
            assert_eq!(payer.auto_renewal, live, "all or nothing: {mode:?} at {at}");
            assert!(reply.status != StatusCode::OK || !live, "{mode:?} at {at}");
            let again = shop.cancel(path, json!({})).await;
            assert_eq!(again.status, StatusCode::OK, "{mode:?} at {at}: {}", again.body);
            let payer = shop.payer().await;
            let until = Some(shop.world.now() + days(30));
            assert_eq!((payer.auto_renewal, payer.subscription_expires), (false, until));
            assert!(!shop.contract().await.live && shop.attempt(&id).await.contract_over);
            assert_eq!(shop.count("SubscriptionEvent").await, 2, "{mode:?} at {at}");
            if !died {
                assert!(at >= 5, "{at}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_walk_through_the_books_that_dies_anywhere_settles_once() {
    for mode in MODES {
        for at in 0.. {
            let (shop, bot) = star_shop(&[]).await;
            let id = shop.star_linked().await;
            let payer = json!({
                "type": "user", "transaction_type": "invoice_payment", "invoice_payload": id,
                "user": { "id": PAYER, "is_bot": false, "first_name": "Анна" },
            });
            let mut paid =
                json!({ "id": "charge", "amount": 1_500, "date": NOW_S, "source": payer });
            let mut rows = vec![paid.clone()];
            paid["id"] = json!("given");
            rows.push(paid.clone());
            paid["receiver"] = paid["source"].take();
            paid.as_object_mut().unwrap().remove("source");
            rows.push(paid);
            bot.books().transactions = rows;
            dies(&shop, "club-payments-reconcile", at, mode);
            let _ = shop.world.tick(reconcile()).await;
            let died = lives(&shop);
            shop.check_invariants().await;
            // The lease of a run that died ends by itself.
            shop.pass(120);
            let ran = shop.world.tick(reconcile()).await.unwrap();
            let said = (&ran["lease_held"], &ran["failed"], &ran["complete"]);
            assert_eq!(said, (&json!(false), &json!(0), &json!(true)), "{mode:?} at {at}");
            assert_eq!((shop.count("Payment").await, shop.count("Refund").await), (2, 1));
            assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Paid, 500));
            shop.check_invariants().await;
            if !died {
                assert!(at >= 10, "{at}");
                break;
            }
        }
    }
}
