//! Standing subscriptions: how they are renewed and how they end, and the webhook that production
//! does not start without.

use shared::clock::{Instant, days};

use super::rules::attempt;
use super::stars::star_shop;
use super::updates::{recurring, refunded};
use super::*;
use crate::bot::{update, webhook};
use crate::payments::contracts::{Closed, ContractHandle, RecurringContract, closed};
use crate::payments::settlement::{Settled, settle};
use crate::payments::{Provider, Said, Success};
use crate::subscriptions::SubscriptionEvent;
use crate::testing::{BotMood, WEBHOOK_SECRET};

/// A success of LavaTop, which names what it is told to.
pub(super) fn lava(attempt_id: &str, external_id: &str, contract_id: Option<&str>) -> Success {
    Success {
        provider: Provider::Lavatop,
        attempt_id: attempt_id.to_owned(),
        external_id: external_id.to_owned(),
        said: Said::default(),
        payer: None,
        recurs: false,
        contract_id: contract_id.map(str::to_owned),
    }
}

pub(super) fn lava_handle() -> ContractHandle {
    ContractHandle { provider: Provider::Lavatop, contract_id: "first".to_owned() }
}

impl Shop {
    /// An attempt at LavaTop whose link recurs.
    pub(super) async fn lava_attempt(&self, id: &str) {
        let (provider, now) = (Provider::Lavatop, self.world.now());
        let attempt = Attempt {
            id: id.to_owned(),
            payer: PAYER,
            provider,
            recurs: true,
            email: Some("anna@example.com".to_owned()),
            created_at: now,
            ..attempt(Status::Pending)
        };
        self.world.put(&attempt).await;
    }

    pub(super) async fn settle(&self, success: &Success) -> Settled {
        settle(&self.world.app, success, None, self.world.now()).await.unwrap()
    }

    pub(super) async fn close(&self, until: Option<Instant>) -> Closed {
        closed(&self.world.app, &lava_handle(), until, self.world.now()).await.unwrap()
    }

    async fn ends(&self) -> Vec<SubscriptionEvent> {
        let events: Vec<SubscriptionEvent> = self.read("SubscriptionEvent").await;
        events.into_iter().filter(|event| event.event.starts_with("contract")).collect()
    }
}

#[tokio::test]
async fn money_that_names_a_contract_renews_the_attempt_that_began_it() {
    let shop = Shop::open().await;
    shop.lava_attempt("att_lava").await;
    assert_eq!(shop.settle(&lava("att_lava", "first", Some("first"))).await, Settled::Now);
    let contract = shop.contract().await;
    assert_eq!(
        (contract.attempt_id.as_str(), contract.email.as_deref()),
        ("att_lava", Some("anna@example.com"))
    );
    let first = shop.payer().await;
    assert_eq!((first.auto_renewal, first.contract.clone()), (true, Some(lava_handle())));
    shop.pass(30 * 86_400);
    for _ in 0..2 {
        let settled = shop.settle(&lava("", "second", Some("first"))).await;
        assert!(matches!(settled, Settled::Now | Settled::Before));
    }
    let payer = shop.payer().await;
    assert_eq!(payer.subscription_expires, Some(first.subscription_expires.unwrap() + days(30)));
    assert_eq!((payer.balance, shop.count("Payment").await), (1_000, 2));
    let contract = shop.contract().await;
    assert_eq!(
        (contract.newest.as_str(), contract.paid_until),
        ("second", payer.subscription_expires)
    );
    // A contract that nobody knows, and one of another attempt.
    shop.lava_attempt("att_two").await;
    for (success, reason) in [
        (lava("", "x1", Some("unknown")), "unknown_attempt"),
        (lava("", "x2", None), "unknown_attempt"),
        (lava("att_two", "x3", Some("first")), "two_attempts"),
    ] {
        assert_eq!(shop.settle(&success).await, Settled::Quarantined);
        let aside = shop.world.items("UnassignedPayment").await;
        assert!(aside.iter().any(|item| item["reason"]["S"] == reason), "{reason}");
    }
    assert_eq!((shop.count("UnassignedPayment").await, shop.payer().await.balance), (3, 1_000));
}

#[tokio::test]
async fn a_link_that_does_not_recur_begins_nothing() {
    let shop = Shop::open().await;
    shop.lava_attempt("att_lava").await;
    let once = Attempt { recurs: false, ..shop.attempt("att_lava").await };
    shop.world.put(&once).await;
    let mut paid = lava("att_lava", "first", Some("first"));
    paid.recurs = true;
    assert_eq!(shop.settle(&paid).await, Settled::Now);
    assert_eq!(
        (shop.count("RecurringContract").await, shop.payer().await.auto_renewal),
        (0, false)
    );
}

#[tokio::test]
async fn a_contract_that_is_told_late_begins_late() {
    let shop = Shop::open().await;
    shop.lava_attempt("att_lava").await;
    shop.settle(&lava("att_lava", "one", None)).await;
    assert_eq!(
        (shop.count("RecurringContract").await, shop.payer().await.auto_renewal),
        (0, false)
    );
    shop.settle(&lava("att_lava", "two", Some("first"))).await;
    assert!(shop.contract().await.live && shop.payer().await.auto_renewal);
}

#[tokio::test]
async fn a_contract_that_its_provider_ends_renews_nothing_and_takes_nothing() {
    let shop = Shop::open().await;
    assert_eq!(shop.close(None).await, Closed::Unknown);
    shop.lava_attempt("att_lava").await;
    shop.settle(&lava("att_lava", "first", Some("first"))).await;
    let until = shop.payer().await.subscription_expires;
    shop.pass(60);
    for closed in [Closed::Now, Closed::Before, Closed::Before] {
        assert_eq!(shop.close(None).await, closed);
    }
    let payer = shop.payer().await;
    assert_eq!((payer.auto_renewal, payer.subscription_expires), (false, until));
    assert!(!shop.contract().await.live && shop.attempt("att_lava").await.contract_over);
    let ends = shop.ends().await;
    assert_eq!((ends.len(), ends[0].from, Some(ends[0].until)), (1, until, until));
    // Money that comes all the same counts, and renews nothing.
    shop.settle(&lava("", "late", Some("first"))).await;
    assert_eq!((shop.payer().await.auto_renewal, shop.payer().await.balance), (false, 1_000));
    assert_eq!(shop.contract().await.newest, "late");
}

#[tokio::test]
async fn the_end_of_one_contract_leaves_another_alone() {
    let shop = Shop::open().await;
    shop.lava_attempt("att_lava").await;
    shop.settle(&lava("att_lava", "first", Some("first"))).await;
    shop.lava_attempt("att_other").await;
    shop.settle(&lava("att_other", "other", Some("other"))).await;
    assert_eq!(shop.close(None).await, Closed::Now);
    let payer = shop.payer().await;
    assert_eq!((payer.auto_renewal, payer.contract.unwrap().contract_id.as_str()), (true, "other"));
    assert!(!shop.attempt("att_other").await.contract_over);
}

#[tokio::test]
async fn paid_time_is_cut_only_where_it_came_from_the_contract() {
    let day = |n| Some(Instant::from_seconds(1_769_860_800) + days(n));
    let now = day(10).unwrap();
    let base = RecurringContract {
        paid_from: day(0),
        paid_until: day(30),
        ..{
            let shop = Shop::open().await;
            shop.lava_attempt("att_lava").await;
            shop.settle(&lava("att_lava", "first", Some("first"))).await;
            shop.contract().await
        }
    };
    let stacked = RecurringContract { paid_from: day(20), paid_until: day(50), ..base.clone() };
    for (contract, expires, until, expected) in [
        (&base, day(30), day(15), day(15)),
        (&base, day(30), day(30), None),
        (&base, day(30), day(40), None),
        // Never below now.
        (&base, day(30), day(5), day(10)),
        // Something else moved the end since: a gift, another payment, a refund.
        (&base, day(60), day(15), None),
        (&base, day(20), day(15), None),
        (&base, None, day(15), None),
        // What lay before the newest payment is another's.
        (&stacked, day(50), day(30), day(30)),
        (&stacked, day(50), day(15), day(20)),
    ] {
        assert_eq!(contract.cut(expires, until.unwrap(), now), expected, "{expires:?} {until:?}");
    }
    assert_eq!(base.cut(day(30), day(20).unwrap(), day(31).unwrap()), None, "over already");
}

#[tokio::test]
async fn a_cancellation_with_an_earlier_end_cuts_once() {
    let shop = Shop::open().await;
    shop.lava_attempt("att_lava").await;
    shop.settle(&lava("att_lava", "first", Some("first"))).await;
    let begun = shop.world.now();
    shop.pass(86_400);
    // The member ended it here first, which keeps what is paid.
    assert_eq!(shop.close(None).await, Closed::Now);
    assert_eq!(shop.payer().await.subscription_expires, Some(begun + days(30)));
    for closed in [Closed::Now, Closed::Before] {
        assert_eq!(shop.close(Some(begun + days(12))).await, closed);
        assert_eq!(shop.payer().await.subscription_expires, Some(begun + days(12)));
    }
    // The first end and the cut.
    assert_eq!(shop.ends().await.len(), 2);
}

#[tokio::test]
async fn what_a_provider_will_not_end_is_told_once() {
    let (shop, bot) = star_shop(&[("ADMIN_CHAT_ID", "-999")]).await;
    let id = shop.star_linked().await;
    shop.hear(recurring(1, &id, "charge", true)).await;
    shop.hear(refunded(2, &id, "charge")).await;
    shop.hear(recurring(3, &id, "next", false)).await;
    shop.hear(refunded(4, &id, "next")).await;
    bot.feel(BotMood::refusing(400, "Bad Request: CHARGE_NOT_FOUND"));
    shop.perform_all().await;
    assert!(bot.called("editUserStarSubscription").len() >= 2);
    let rows: Vec<Entry> = shop.read("Outbox").await;
    let alerts = rows.iter().filter(|row| row.id.starts_with("not_ended:")).count();
    assert_eq!((alerts, shop.contract().await.live), (1, true));
}

#[tokio::test]
async fn an_end_that_was_refused_is_asked_for_again_with_the_next_money() {
    let (shop, bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    shop.hear(recurring(1, &id, "charge", true)).await;
    shop.hear(refunded(2, &id, "charge")).await;
    bot.feel(BotMood::refusing(400, "Bad Request: CHARGE_NOT_FOUND"));
    shop.perform_all().await;
    assert!(shop.contract().await.live && !shop.payer().await.auto_renewal);
    bot.feel(BotMood::Fine);
    shop.pass(30 * 86_400);
    shop.hear(recurring(3, &id, "next", false)).await;
    shop.perform_all().await;
    assert!(!shop.contract().await.live && !shop.payer().await.auto_renewal);
    // The money itself counts.
    assert_eq!((shop.payer().await.balance, shop.count("Payment").await), (500, 2));
    shop.check_invariants().await;
}

#[tokio::test]
async fn an_end_that_telegram_has_not_confirmed_is_none() {
    for (mood, comes_again) in [
        (BotMood::refusing(429, "Too Many Requests: retry after 1"), true),
        (BotMood::Refusing(500, json!({})), true),
        (BotMood::Refusing(200, json!("what is that")), true),
        (BotMood::refusing(400, "Bad Request: CHARGE_NOT_FOUND"), false),
    ] {
        let (shop, bot) = star_shop(&[]).await;
        let id = shop.star_linked().await;
        shop.hear(recurring(1, &id, "charge", true)).await;
        shop.hear(refunded(2, &id, "charge")).await;
        bot.feel(mood.clone());
        shop.tell_all().await;
        // However often it is not confirmed: the money would go on.
        for _ in 0..6 {
            bot.feel(mood.clone());
            shop.pass(301);
            shop.world.deliver(deliver(), OUTBOX).await;
            assert!(shop.contract().await.live, "{mood:?}");
        }
        bot.feel(BotMood::Fine);
        for _ in 0..2 {
            shop.pass(301);
            shop.world.deliver(deliver(), OUTBOX).await;
        }
        assert_eq!(shop.contract().await.live, !comes_again, "{mood:?}");
        let ends = bot.called("editUserStarSubscription").len();
        assert_eq!(ends > 6, comes_again, "{mood:?}: {ends}");
    }
}

#[tokio::test]
async fn production_starts_with_a_secret_of_the_webhook_alone() {
    let shop = Shop::open().await;
    let unset = [
        "SANDBOX_PROVIDER_URL",
        "SANDBOX_SECRET",
        "LAVATOP_API_KEY",
        "LAVATOP_WEBHOOK_SECRET",
        "CLOUDPAYMENTS_API_SECRET",
    ];
    let prod: Vec<_> =
        [("STAGE", "prod")].into_iter().chain(unset.map(|name| (name, ""))).collect();
    let start = |function, secret| {
        let mut changes = prod.clone();
        changes.push(("TELEGRAM_WEBHOOK_SECRET", secret));
        let world = &shop.world;
        async move { world.start_with(function, &changes).await.map(|_| ()) }
    };
    for secret in ["", "too-short"] {
        let error = start(webhook(), secret).await.unwrap_err().to_string();
        assert!(error.contains("TELEGRAM_WEBHOOK_SECRET"), "{secret:?}: {error}");
    }
    start(webhook(), WEBHOOK_SECRET).await.unwrap();
    start(update(), "").await.unwrap();
}
