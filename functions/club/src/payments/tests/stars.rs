//! Telegram Stars behind the port of the providers: links, the bot's books, the last veto's rule.

use shared::clock::{Instant, days};

use super::*;
use crate::payments::checkout::{Terms, hinders};
use crate::payments::{Checkout, Cooldown, Provider, check, stars_said};
use crate::testing::{BotMood, BotServer, CHECKS};

/// Now, as Telegram counts.
pub(super) const NOW_S: i64 = 1_769_860_800;

/// A shop that takes stars, and Telegram.
pub(super) async fn star_shop(settings: &[(&str, &str)]) -> (Shop, BotServer) {
    let bot = BotServer::start().await;
    let mut all = vec![("STARS_ENABLED", "true"), ("TELEGRAM_API_URL", bot.url.as_str())];
    all.extend_from_slice(settings);
    (Shop::with(&all).await, bot)
}

pub(super) fn in_stars() -> Value {
    let mut wish = monthly();
    wish["provider"] = json!("stars");
    wish
}

impl Shop {
    /// Asks for the monthly offer's link in stars and answers the attempt's id.
    pub(super) async fn star_linked(&self) -> String {
        let reply = self.ask(in_stars()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body["attempt_id"].as_str().unwrap().to_owned()
    }
}

/// Stars that came, as the bot's books show it.
fn came(charge: &str, attempt: &str, date_s: i64) -> Value {
    json!({
        "id": charge, "amount": 1_500, "date": date_s,
        "source": {
            "type": "user", "transaction_type": "invoice_payment", "invoice_payload": attempt,
            "user": { "id": PAYER, "is_bot": false, "first_name": "Анна" },
            "subscription_period": 2_592_000,
        },
    })
}

#[tokio::test]
async fn a_link_is_made_with_the_attempts_id() {
    let (shop, bot) = star_shop(&[]).await;
    let reply = shop.ask(in_stars()).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let id = &reply.body["attempt_id"];
    assert_eq!(&reply.body["invoice_id"], id);
    for (name, value) in [("provider", "stars"), ("amount", "1500"), ("currency", "XTR")] {
        assert_eq!(reply.body[name], value);
    }
    assert!(reply.body["payment_url"].as_str().unwrap().starts_with("https://t.me/$"));
    let made = bot.called("createInvoiceLink");
    assert_eq!((made.len(), &made[0]["payload"]), (1, id));
    assert_eq!(made[0]["subscription_period"], 2_592_000);
    assert_eq!((&made[0]["currency"], &made[0]["provider_token"]), (&json!("XTR"), &json!("")));
    let prices = made[0]["prices"].as_array().unwrap();
    assert_eq!((prices.len(), &prices[0]["amount"]), (1, &json!(1_500)));
    // The same again, without another link.
    let again = shop.ask(in_stars()).await;
    assert_eq!((&again.body["attempt_id"], &again.body["reused"]), (id, &json!(true)));
    assert_eq!(bot.called("createInvoiceLink").len(), 1);
    // A gift is paid once.
    let mut gift = in_stars();
    gift["offer_key"] = json!("gift_rub_2000");
    assert_eq!(shop.ask(gift).await.status, 200);
    assert_eq!(bot.called("createInvoiceLink")[1].get("subscription_period"), None);
    shop.check_invariants().await;
}

#[tokio::test]
async fn who_takes_the_money_goes_by_wish_and_currency() {
    let (shop, _bot) = star_shop(&[]).await;
    for (provider, currency, expected) in [
        (None, None, "sandbox RUB"),
        (None, Some("RUB"), "sandbox RUB"),
        (None, Some("XTR"), "stars XTR"),
        (Some("stars"), None, "stars XTR"),
        (Some("stars"), Some("XTR"), "stars XTR"),
        (Some("stars"), Some("RUB"), "currency_not_offered"),
        (Some("sandbox"), Some("XTR"), "sandbox XTR"),
        (Some("lavatop"), None, "sandbox RUB"),
    ] {
        let mut wish = monthly();
        wish["provider"] = json!(provider);
        wish["currency"] = json!(currency);
        let body = shop.ask(wish).await.body;
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let told = match body.get("code") {
            Some(_) => text("code"),
            None => format!("{} {}", text("provider"), text("currency")),
        };
        assert_eq!(told, expected, "{provider:?} {currency:?}");
    }
    let shop = Shop::open().await;
    let body = shop.ask(in_stars()).await.body;
    assert_eq!(body["provider"], "sandbox", "where stars are not taken");
}

#[tokio::test]
async fn a_link_that_telegram_does_not_make_is_none() {
    for mood in [
        BotMood::refusing(400, "Bad Request: CURRENCY_TOTAL_AMOUNT_INVALID"),
        BotMood::refusing(429, "Too Many Requests: retry after 1"),
        BotMood::Refusing(502, json!("a gateway")),
        BotMood::Refusing(200, json!({ "ok": true, "result": 5 })),
        BotMood::Silent,
    ] {
        let (shop, bot) = star_shop(&[("PROVIDER_TIMEOUT_MS", "300")]).await;
        bot.feel(mood.clone());
        let reply = shop.ask(in_stars()).await;
        assert_eq!((reply.status.as_u16(), &reply.body["code"]), (502, &json!("provider_error")));
        let attempts: Vec<Attempt> = shop.read("Attempt").await;
        assert_eq!((attempts.len(), attempts[0].status), (1, Status::Failed), "{mood:?}");
        bot.feel(BotMood::Fine);
        assert_ne!(shop.star_linked().await, attempts[0].id);
        shop.check_invariants().await;
    }
}

#[tokio::test]
async fn a_check_finds_the_money_in_the_books() {
    let (shop, bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    let paid_media = json!({
        "id": "media", "amount": 1_500, "date": NOW_S, "source": {
            "type": "user", "transaction_type": "paid_media_payment", "invoice_payload": id,
        },
    });
    let payout =
        json!({ "id": "out", "amount": 9, "date": NOW_S, "receiver": { "type": "fragment" } });
    bot.books().transactions = vec![came("old", "att_other", NOW_S - 9), paid_media, payout];
    shop.pass(30);
    assert_eq!(shop.world.deliver(check(), CHECKS).await, (1, 0));
    assert_eq!((shop.attempt(&id).await.checks_done, shop.count("Payment").await), (1, 0));
    bot.books().transactions.push(came("charge-1", &id, NOW_S + 31));
    shop.pass(30);
    shop.world.deliver(check(), CHECKS).await;
    assert_eq!(shop.status(&id).await, Status::Paid);
    let payments: Vec<Payment> = shop.read("Payment").await;
    assert_eq!((payments.len(), payments[0].external_id.as_str()), (1, "charge-1"));
    assert_eq!((shop.payer().await.balance, shop.payer().await.auto_renewal), (500, true));
    assert_eq!(shop.count("RecurringContract").await, 1);
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_check_skips_what_is_older_than_the_attempt() {
    let (shop, bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    for old in [0, 1, 99, 100, 101, 250, 2_345] {
        let history = (0..old).map(|n| came(&format!("old{n}"), "att_other", NOW_S - 86_400));
        let mut books: Vec<Value> = history.collect();
        // What others paid since: more than a page.
        books.extend((0..150).map(|n| came(&format!("new{n}"), "att_other", NOW_S)));
        let attempt = shop.attempt(&id).await;
        let ask = || attempt.provider.ask(&shop.world.app, &attempt, Duration::from_secs(60));
        {
            let mut open = bot.books();
            (open.transactions, open.calls) = (books.clone(), Vec::new());
        }
        assert_eq!(ask().await.unwrap(), crate::payments::providers::Told::Unpaid, "{old}");
        bot.books().transactions.push(came("charge", &id, NOW_S));
        let told = ask().await.unwrap();
        let crate::payments::providers::Told::Paid(came) = told else { panic!("{old}: {told:?}") };
        assert_eq!(
            (came.external_id.as_str(), came.payer, came.recurs),
            ("charge", Some(PAYER), true)
        );
        let calls = bot.called("getStarTransactions").len();
        assert!(calls <= 2 * 16, "{old}: {calls} calls");
    }
}

#[tokio::test]
async fn books_that_cannot_be_read_count_as_unpaid() {
    let (shop, bot) = star_shop(&[("PROVIDER_TIMEOUT_MS", "300")]).await;
    let id = shop.star_linked().await;
    bot.books().transactions.push(came("charge", &id, NOW_S));
    for (n, mood) in [
        BotMood::refusing(429, "Too Many Requests: retry after 1"),
        BotMood::Refusing(500, json!({})),
        BotMood::Silent,
    ]
    .into_iter()
    .enumerate()
    {
        bot.feel(mood);
        shop.pass(30);
        assert_eq!(shop.world.deliver(check(), CHECKS).await, (1, 0));
        assert_eq!(shop.attempt(&id).await.checks_done, u32::try_from(n + 1).unwrap());
    }
    bot.feel(BotMood::Fine);
    shop.pass(30);
    shop.world.deliver(check(), CHECKS).await;
    assert_eq!(shop.status(&id).await, Status::Paid);
}

#[tokio::test]
async fn money_in_the_books_that_disagrees_is_put_aside() {
    let (shop, bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    let mut back = came("gone", &id, NOW_S);
    let mut gone = back.clone();
    back["receiver"] = back["source"].take();
    back.as_object_mut().unwrap().remove("source");
    gone["date"] = json!(NOW_S - 1);
    bot.books().transactions = vec![gone, back];
    shop.pass(30);
    shop.world.deliver(check(), CHECKS).await;
    assert_eq!(shop.count("Payment").await + shop.count("UnassignedPayment").await, 0);
    let mut foreign = came("foreign", &id, NOW_S);
    foreign["source"]["user"]["id"] = json!(77);
    bot.books().transactions = vec![foreign];
    shop.pass(30);
    shop.world.deliver(check(), CHECKS).await;
    let aside = shop.world.items("UnassignedPayment").await;
    assert_eq!((aside.len(), &aside[0]["reason"]["S"]), (1, &json!("other_payer")));
    assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Pending, 0));
    shop.check_invariants().await;
}

#[test]
fn what_may_be_paid() {
    let now: Instant = "2026-01-31T12:00:00Z".parse().unwrap();
    let terms = Terms {
        link_ttl: jiff::SignedDuration::from_hours(24),
        cooldown: Cooldown { start_days: 7, end_days: 90 },
    };
    let attempt = Attempt {
        provider: Provider::Stars,
        price: Money::new(1_500, Currency::Xtr),
        ..super::rules::attempt(Status::Pending)
    };
    let asked = |payer, amount, currency: &str| Checkout {
        provider: Provider::Stars,
        attempt_id: attempt.id.clone(),
        payer,
        said: stars_said(amount, currency),
    };
    let good = asked(1, 1_500, "XTR");
    let may = |attempt: &Attempt, asked: &Checkout, expires, now| {
        hinders(attempt, asked, expires, terms, now).is_none()
    };
    assert!(may(&attempt, &good, None, now));
    for (status, expected) in [
        (Status::Created, true),
        (Status::Pending, true),
        (Status::Abandoned, true),
        (Status::Failed, false),
        (Status::Paid, false),
        (Status::Refunded, false),
    ] {
        assert_eq!(may(&Attempt { status, ..attempt.clone() }, &good, None, now), expected);
    }
    for wrong in [
        asked(2, 1_500, "XTR"),
        asked(1, 1_499, "XTR"),
        asked(1, 1_501, "XTR"),
        asked(1, -1_500, "XTR"),
        asked(1, 1_500, "RUB"),
        asked(1, 1_500, "stars"),
        Checkout { provider: Provider::Sandbox, ..good.clone() },
    ] {
        assert!(!may(&attempt, &wrong, None, now), "{wrong:?}");
    }
    let sandbox = Attempt { provider: Provider::Sandbox, ..attempt.clone() };
    assert!(!may(&sandbox, &good, None, now));
    // The link lives a day, to the instant.
    let end = now + days(1);
    let before = end - jiff::SignedDuration::from_millis(1);
    assert!(may(&attempt, &good, None, before) && !may(&attempt, &good, None, end));
    // Nobody buys for himself while the subscription cools down; gifts are not concerned.
    let expires = Some(now - days(8));
    assert!(!may(&attempt, &good, expires, now));
    let gift = Attempt { purpose: crate::payments::offers::Purpose::Gift, ..attempt.clone() };
    assert!(may(&gift, &good, expires, now));
}
