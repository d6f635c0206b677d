//! What CloudPayments is told before it takes money.

use super::*;

/// The same payment with other fields.
fn with(body: &str, name: &str, value: &str) -> String {
    let mut fields: Vec<_> = body.split('&').map(str::to_owned).collect();
    fields.retain(|field| !field.starts_with(&format!("{name}=")));
    fields.push(format!("{name}={value}"));
    fields.join("&")
}

#[tokio::test]
async fn an_attempt_is_payable_by_its_payer_at_its_price() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    let good = paid(1, &id);
    for (body, code) in [
        (good.clone(), 0),
        (with(&good, "Amount", "2000"), 0),
        (with(&good, "Amount", "2000.0000"), 0),
        (with(&good, "InvoiceId", "att_01KFD5J3Z0ABCDEFGHJKMNPQRS"), 10),
        (with(&good, "InvoiceId", "1"), 10),
        (with(&good, "InvoiceId", ""), 10),
        (with(&good, "Data", "{\"attempt_id\":\"att_01KFD5J3Z0ABCDEFGHJKMNPQRS\"}"), 10),
        (with(&good, "AccountId", "77"), 11),
        (with(&good, "AccountId", ""), 11),
        (with(&good, "AccountId", "anna"), 11),
        (with(&good, "Amount", "1999.99"), 12),
        (with(&good, "Amount", "2000.01"), 12),
        (with(&good, "Amount", "-2000.00"), 12),
        (with(&good, "Amount", ""), 12),
        (with(&good, "Currency", "USD"), 12),
        (with(&good, "Currency", "KZT"), 12),
        (with(&good, "Currency", ""), 12),
        (with(&good, "OperationType", "CardPayout"), 13),
        (good.clone(), 0),
    ] {
        assert_eq!(shop.code("check", &body).await, code, "{body}");
    }
    // It decides, and changes nothing.
    assert_eq!((shop.count("Payment").await, shop.count("Outbox").await), (0, 0));
    let reply = shop.send("check", notice("check", &good)).await;
    assert_eq!((reply.cost.requests, reply.cost.items), (1, 0));
}

#[tokio::test]
async fn what_is_paid_or_cools_down_is_not_payable() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    for (status, code) in [
        (Status::Created, 0),
        (Status::Pending, 0),
        (Status::Abandoned, 0),
        (Status::Failed, 13),
        (Status::Refunded, 13),
    ] {
        let attempt = Attempt { status, ..shop.attempt(&id).await };
        shop.world.put(&attempt).await;
        assert_eq!(shop.code("check", &paid(1, &id)).await, code, "{status:?}");
    }
    shop.world.put(&Attempt { status: Status::Pending, ..shop.attempt(&id).await }).await;
    shop.tell("pay", &paid(1, &id)).await;
    assert_eq!(shop.code("check", &paid(2, &id)).await, 13);
    // Of another provider there is no such attempt here.
    let mut wish = monthly();
    wish["provider"] = json!("sandbox");
    wish["force_renew"] = json!(true);
    let foreign = shop.ask(wish).await.body["attempt_id"].as_str().unwrap().to_owned();
    assert_eq!(shop.code("check", &paid(3, &foreign)).await, 10);

    let (shop, _cloud) = till(&[]).await;
    let (own, gift) = (shop.cloud_linked().await, shop.gift_linked(77).await);
    let expires = Some(shop.world.now() - shared::clock::days(8));
    shop.world.put(&Member { subscription_expires: expires, ..shop.payer().await }).await;
    assert_eq!(shop.code("check", &paid(1, &own)).await, 13, "nobody may buy for himself now");
    assert_eq!(shop.code("check", &paid(2, &gift)).await, 0, "gifts are not concerned");
}

#[tokio::test]
async fn a_link_lives_a_day() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    shop.pass(86_399);
    assert_eq!(shop.code("check", &paid(1, &id)).await, 0);
    shop.pass(1);
    assert_eq!(shop.code("check", &paid(1, &id)).await, 20);
    // Money that came all the same settles.
    shop.tell("pay", &paid(1, &id)).await;
    assert_eq!(shop.code("check", &paid(1, &id)).await, 13);
}

#[tokio::test]
async fn a_standing_subscription_may_take_its_money_as_long_as_it_lives() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    let first = paid(1, &id) + "&SubscriptionId=sc_1";
    assert_eq!(shop.code("check", &first).await, 0, "it begins with this payment");
    shop.tell("pay", &first).await;
    shop.pass(30 * 86_400);
    let renewal = renewed(2, "sc_1");
    for (body, code) in [
        (renewal.clone(), 0),
        (paid(2, &id) + "&SubscriptionId=sc_1", 0),
        (renewed(2, "sc_2"), 10),
        (with(&renewal, "AccountId", "77"), 11),
        (with(&renewal, "Amount", "2500.00"), 12),
        (paid(2, "att_01KFD5J3Z0ABCDEFGHJKMNPQRS") + "&SubscriptionId=sc_1", 10),
    ] {
        assert_eq!(shop.code("check", &body).await, code, "{body}");
    }
    shop.tell("recurrent", "Id=sc_1&Status=Cancelled").await;
    assert_eq!(shop.code("check", &renewal).await, 13);
}
