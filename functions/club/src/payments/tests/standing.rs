//! What a payment is to standing subscriptions, and payments that meet the end of theirs.

use shared::clock::days;

use super::contracts::{lava, lava_handle};
use super::rules::attempt;
use super::*;
use crate::payments::Provider;
use crate::payments::contracts::{ContractHandle, RecurringContract, Standing, closed};
use crate::payments::offers::Purpose;
use crate::payments::settlement::settle;

fn handle(id: &str) -> ContractHandle {
    ContractHandle { provider: Provider::Lavatop, contract_id: id.to_owned() }
}

fn renews(id: &str, live: bool) -> Standing {
    Standing::Renews { contract_id: id.to_owned(), live }
}

#[test]
fn a_payment_belongs_to_the_contract_it_names_or_to_its_attempts_own() {
    let fresh = Attempt { provider: Provider::Lavatop, recurs: true, ..attempt(Status::Pending) };
    let began = Attempt { contract: Some("own".to_owned()), ..fresh.clone() };
    let over = Attempt { contract_over: true, ..began.clone() };
    let begins = |id: &str| Standing::Begins(id.to_owned());
    let (nameless, named) = (lava("att_1", "x", None), lava("att_1", "x", Some("told")));
    for (attempt, success, expected) in [
        (&fresh, &nameless, Standing::Single),
        (&fresh, &named, begins("told")),
        (&began, &nameless, renews("own", true)),
        (&over, &nameless, renews("own", false)),
        (&began, &named, begins("told")),
    ] {
        assert_eq!(Standing::of(attempt, success, None), expected, "{success:?}");
    }
    let stored = RecurringContract {
        provider: Provider::Lavatop,
        contract_id: "told".to_owned(),
        attempt_id: "att_1".to_owned(),
        payer: 1,
        email: None,
        offer: fresh.offer.clone(),
        days: 30,
        price: fresh.price,
        newest: "told".to_owned(),
        paid_from: None,
        paid_until: None,
        live: false,
        started_at: fresh.created_at,
        updated_at: fresh.created_at,
    };
    assert_eq!(Standing::of(&began, &named, Some(&stored)), renews("told", false));
    // Telegram knows a subscription by its first charge.
    let stars = Attempt { provider: Provider::Stars, ..fresh.clone() };
    let charge = crate::payments::Success { provider: Provider::Stars, ..nameless.clone() };
    assert_eq!(Standing::of(&stars, &charge, None), begins("x"));
    // Gifts, and links that are paid once, have none.
    for none in [
        Attempt { purpose: Purpose::Gift, ..fresh.clone() },
        Attempt { recurs: false, ..fresh.clone() },
    ] {
        assert_eq!(Standing::of(&none, &named, None), Standing::Single);
    }
}

#[test]
fn a_member_is_renewed_by_one_contract() {
    let now = attempt(Status::Pending).created_at;
    let member = |contract: Option<&str>, auto_renewal| Member {
        contract: contract.map(handle),
        auto_renewal,
        ..Member::new(1, None, None, now)
    };
    let begins = Standing::Begins("new".to_owned());
    let (some, none) = (|id: &str| Some(handle(id)), None::<ContractHandle>);
    for (standing, member, becomes, ends) in [
        (&Standing::Single, member(Some("old"), true), none.clone(), none.clone()),
        (&begins, member(None, false), some("new"), none.clone()),
        (&begins, member(Some("old"), true), some("new"), some("old")),
        // That one has ended, or its end is under way.
        (&begins, member(Some("old"), false), some("new"), none.clone()),
        (&begins, member(Some("new"), true), some("new"), none.clone()),
        (&renews("own", true), member(None, false), some("own"), none.clone()),
        // It was to end, and took money all the same.
        (&renews("own", true), member(Some("own"), false), none.clone(), some("own")),
        (&renews("own", true), member(Some("own"), true), none.clone(), none.clone()),
        (&renews("older", true), member(Some("own"), true), none.clone(), some("older")),
        (&renews("own", false), member(None, false), none.clone(), none.clone()),
        (&renews("older", false), member(Some("own"), true), none.clone(), none.clone()),
    ] {
        let follows = standing.follow(Provider::Lavatop, &member);
        assert_eq!(follows, (becomes, ends), "{standing:?} {:?}", member.contract);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_renewal_that_meets_the_end_of_its_contract_counts_and_renews_nothing() {
    for _ in 0..8 {
        let shop = Shop::open().await;
        shop.lava_attempt("att_lava").await;
        shop.settle(&lava("att_lava", "first", Some("first"))).await;
        let until = shop.payer().await.subscription_expires.unwrap();
        let mut work = tokio::task::JoinSet::new();
        for n in 0..12 {
            let world = Arc::clone(&shop.world);
            work.spawn(async move {
                let (app, now) = (&world.app, world.now());
                let renewal = lava("", "second", Some("first"));
                let done = match n % 2 {
                    0 => settle(app, &renewal, None, now).await.map(|_| ()),
                    _ => closed(app, &lava_handle(), None, now).await.map(|_| ()),
                };
                // Whoever is outrun too often is told to come again.
                done.or_else(|problem| match problem.code() {
                    "conflict_retry" => Ok(()),
                    _ => Err(problem),
                })
            });
        }
        for done in work.join_all().await {
            done.unwrap();
        }
        shop.settle(&lava("", "second", Some("first"))).await;
        shop.close(None).await;
        let payer = shop.payer().await;
        assert_eq!(payer.subscription_expires, Some(until + days(30)));
        assert_eq!((payer.balance, payer.auto_renewal), (1_000, false));
        let contract = shop.contract().await;
        assert_eq!((contract.newest.as_str(), contract.live), ("second", false));
        assert!(shop.attempt("att_lava").await.contract_over);
        assert_eq!(shop.count("Payment").await, 2);
    }
}
