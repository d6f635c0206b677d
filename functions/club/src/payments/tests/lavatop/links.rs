//! Links by LavaTop.

use super::*;
use crate::payments::link as link_function;
use crate::payments::tests::links::with;

#[tokio::test]
async fn a_link_carries_the_attempt_and_the_terms_of_the_offer() {
    let lava = Lava::open().await;
    let reply = lava.shop.ask(monthly()).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(
        (&reply.body["provider"], &reply.body["amount"]),
        (&json!("lavatop"), &json!("2000.00"))
    );
    let id = reply.body["attempt_id"].as_str().unwrap();
    let (purchase, invoice) = lava.server.marked(id);
    assert_eq!(
        invoice.asked,
        json!({
            "email": "anna@example.com", "offerId": MONTH, "periodicity": "MONTHLY",
            "currency": "RUB", "buyerLanguage": "RU", "clientUtm": { "utm_term": id },
        })
    );
    assert_eq!(reply.body["invoice_id"], purchase.as_str());
    assert!(reply.body["payment_url"].as_str().unwrap().ends_with(&purchase));
    // One batch read, one transaction, one update.
    assert_eq!((reply.cost.requests, reply.cost.items), (3, 4));
    let attempt = lava.shop.attempt(id).await;
    assert!(attempt.recurs && attempt.status == Status::Pending);
    let again = lava.shop.ask(monthly()).await;
    assert_eq!((&again.body["attempt_id"], &again.body["reused"]), (&json!(id), &json!(true)));
    assert_eq!(lava.server.books().invoices.len(), 1);
    lava.shop.check_invariants().await;
}

#[tokio::test]
async fn a_gift_is_paid_once_and_paypal_only_where_it_is_asked_for() {
    let lava = Lava::open().await;
    let gift = lava.shop.gift_linked(77).await;
    let (_, invoice) = lava.server.marked(&gift);
    assert_eq!(
        (&invoice.asked["offerId"], &invoice.asked["periodicity"]),
        (&json!(GIFT), &json!("ONE_TIME"))
    );
    assert_eq!(invoice.asked["email"], "77_giftclub@mail.ru");
    assert!(!lava.shop.attempt(&gift).await.recurs);
    for (method, sent) in [("PAYPAL", json!("PAYPAL")), ("STRIPE", Value::Null)] {
        let lava = Lava::open().await;
        let reply = lava.shop.ask(with(json!({ "payment_provider": method }))).await;
        let (_, invoice) = lava.server.marked(reply.body["attempt_id"].as_str().unwrap());
        assert_eq!(invoice.asked["paymentProvider"], sent, "{method}");
    }
    // It says nothing to the others.
    let lava = Lava::open().await;
    let body = with(json!({ "payment_provider": "PAYPAL", "provider": "sandbox" }));
    assert_eq!(lava.shop.ask(body).await.body["provider"], "sandbox");
}

#[tokio::test]
async fn a_subscription_by_the_quarter_recurs_there() {
    let lava = Lava::open().await;
    let month = Offer::seeded("monthly_rub_2000").unwrap();
    let periodicity = crate::payments::offers::Periodicity::Period90Days;
    let offer_id = Some(MONTH.to_owned());
    let quarter = Offer { key: "quarter".to_owned(), periodicity, days: 90, offer_id, ..month };
    lava.shop.world.put(&quarter).await;
    let reply = lava.shop.ask(with(json!({ "offer_key": "quarter" }))).await;
    let id = reply.body["attempt_id"].as_str().unwrap();
    assert_eq!(lava.server.marked(id).1.asked["periodicity"], "PERIOD_90_DAYS");
    let attempt = lava.shop.attempt(id).await;
    assert_eq!((attempt.recurs, attempt.days), (true, 90));
}

#[tokio::test]
async fn lavatop_is_preferred_and_sells_only_what_it_has() {
    let lava = Lava::open().await;
    let provider = |body: Value| async {
        let reply = lava.shop.ask(body).await;
        (reply.status.as_u16(), reply.body["provider"].clone(), reply.body["code"].clone())
    };
    let ok = |name: &str| (200, json!(name), Value::Null);
    assert_eq!(provider(monthly()).await, ok("lavatop"));
    assert_eq!(provider(with(json!({ "provider": "sandbox" }))).await, ok("sandbox"));
    assert_eq!(provider(with(json!({ "provider": "nobody" }))).await, ok("lavatop"));
    // What has no offer there is sold by the next; nobody who asks for LavaTop is sent elsewhere.
    lava.shop.world.put(&Offer::seeded("monthly_rub_2000").unwrap()).await;
    assert_eq!(provider(monthly()).await, ok("sandbox"));
    let refused = provider(with(json!({ "provider": "lavatop" }))).await;
    assert_eq!(refused, (400, Value::Null, json!("currency_not_offered")));
}

#[tokio::test]
async fn a_link_that_is_not_made_fails_and_its_money_settles_all_the_same() {
    for mood in [
        LavatopMood::Mute,
        LavatopMood::Garbled,
        LavatopMood::Refusing(500),
        LavatopMood::Refusing(400),
        LavatopMood::Refusing(429),
    ] {
        let lava = Lava::with(&[("PROVIDER_TIMEOUT_MS", "100")]).await;
        lava.server.feel(mood.clone());
        let reply = lava.shop.ask(monthly()).await;
        assert_eq!((reply.status.as_u16(), &reply.body["code"]), (502, &json!("provider_error")));
        let attempts: Vec<Attempt> = lava.shop.read("Attempt").await;
        let id = &attempts[0].id;
        assert_eq!((attempts.len(), attempts[0].status), (1, Status::Failed), "{mood:?}");
        lava.shop.check_invariants().await;
        // The next call makes another.
        lava.server.feel(LavatopMood::Fine);
        assert_ne!(lava.shop.linked().await, *id);
        let made = matches!(mood, LavatopMood::Mute | LavatopMood::Garbled);
        assert_eq!(lava.server.books().invoices.len(), 1 + usize::from(made), "{mood:?}");
        if made {
            // LavaTop had made it, somebody had the page, and paid.
            let (purchase, _) = lava.server.marked(id);
            assert_eq!(lava.pay(&purchase).await.status, 200);
            assert_eq!(lava.shop.status(id).await, Status::Paid);
            assert_eq!(lava.shop.payer().await.balance, 500);
        }
        lava.shop.check_invariants().await;
    }
}

#[tokio::test]
async fn a_wrong_key_makes_no_link() {
    let lava = Lava::with(&[("LAVATOP_API_KEY", "another")]).await;
    let reply = lava.shop.ask(monthly()).await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (502, &json!("provider_error")));
    assert!(lava.server.books().invoices.is_empty());
    let text = reply.body.to_string();
    assert!(!text.contains("another") && !text.contains("lavatop"), "{text}");
}

#[tokio::test]
async fn an_offer_that_costs_something_else_there_is_not_sold() {
    for price in ["1999.99", "2000.01", "20.00"] {
        let lava = Lava::open().await;
        lava.server.books().price = Some(price.to_owned());
        assert_eq!(lava.shop.ask(monthly()).await.status, 502, "{price}");
    }
    for price in ["2000", "2000.0", "2000.000"] {
        let lava = Lava::open().await;
        lava.server.books().price = Some(price.to_owned());
        assert_eq!(lava.shop.ask(monthly()).await.status, 200, "{price}");
    }
}

/// A second link could take the money twice.
#[tokio::test]
async fn a_paid_attempt_without_its_link_gets_no_second_one() {
    let lava = Lava::open().await;
    let keyed = || lava.shop.request(monthly()).header("idempotency-key", "one");
    let first = lava.shop.world.call(link_function(), keyed()).await;
    let id = first.body["attempt_id"].as_str().unwrap();
    let (purchase, _) = lava.server.marked(id);
    // Our call had died before it wrote the link down; the payer had it all the same.
    let attempt = lava.shop.attempt(id).await;
    lava.shop.world.put(&Attempt { url: None, invoice_id: None, ..attempt }).await;
    lava.pay(&purchase).await;
    let again = lava.shop.world.call(link_function(), keyed()).await;
    assert_eq!(again.status, 502, "{}", again.body);
    assert_eq!(lava.server.books().invoices.len(), 1);
}

#[tokio::test]
async fn a_delivery_that_is_faster_than_the_answer_stays() {
    let lava = Lava::with(&[("PROVIDER_TIMEOUT_MS", "60000")]).await;
    lava.server.feel(LavatopMood::Held);
    let faster = async {
        lava.server.called(1).await;
        let attempts: Vec<Attempt> = lava.shop.read("Attempt").await;
        let id = attempts[0].id.clone();
        let word = json!({
            "eventType": PAID, "contractId": "early", "amount": 2000, "currency": "RUB",
            "status": "subscription-active", "clientUtm": { "utm_term": id },
        });
        assert_eq!(lava.tell(word).await.status, 200);
        lava.server.let_go();
        id
    };
    let (reply, id) = tokio::join!(lava.shop.ask(monthly()), faster);
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(lava.shop.status(&id).await, Status::Paid);
    assert_eq!(lava.shop.payer().await.balance, 500);
    lava.shop.check_invariants().await;
}
