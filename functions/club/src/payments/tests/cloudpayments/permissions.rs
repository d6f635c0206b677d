//! What each notification asks of AWS: neither more nor less than its role should allow.

use std::collections::BTreeSet;

use super::*;

const TABLE: &str = "table/test-club";

fn asked(shop: &Shop, kind: &str) -> BTreeSet<(String, String)> {
    shop.world.asked(&format!("club-cloudpayments-{kind}"))
}

fn allowed(table: &[&str]) -> BTreeSet<(String, String)> {
    table.iter().map(|action| (format!("dynamodb:{action}"), TABLE.to_owned())).collect()
}

#[tokio::test]
async fn notifications_ask_for_exactly_this() {
    let (shop, _cloud) = till(&[]).await;
    let (own, gift) = (shop.cloud_linked().await, shop.gift_linked(77).await);
    for kind in KINDS {
        shop.send(kind, signed(kind, KNOWN, "AA==")).await;
    }
    shop.tell("fail", &paid(1, &own)).await;
    shop.tell("check", &paid(1, &own)).await;
    shop.tell("pay", &(paid(1, &own) + "&SubscriptionId=sc_1")).await;
    shop.tell("check", &renewed(2, "sc_1")).await;
    shop.tell("pay", &renewed(2, "sc_1")).await;
    shop.tell("pay", &renewed(3, "sc_unknown")).await;
    shop.tell("pay", &paid(4, &gift)).await;
    shop.tell("pay", &paid(5, &gift)).await;
    shop.tell("pay", &paid(6, &gift).replace("TransactionId=6", "TransactionId=x")).await;
    shop.tell("fail", &renewed(7, "sc_1")).await;
    shop.tell("cancel", &paid(8, &own)).await;
    shop.tell("cancel", &renewed(8, "sc_1")).await;
    let parts =
        [(4, "500.00"), (4, "1500.00"), (2, "999.50"), (2, "1000.50"), (1, "2000.00"), (5, "1.00")];
    for (n, (payment, amount)) in parts.into_iter().enumerate() {
        let body = format!("TransactionId=9{n}&PaymentTransactionId={payment}&Amount={amount}");
        shop.tell("refund", &body).await;
    }
    shop.tell("refund", "Amount=1.00").await;
    shop.tell("recurrent", "Id=sc_1&Status=PastDue").await;
    shop.tell("recurrent", "Id=sc_1&Status=Expired").await;
    // Another, whose end is told first.
    shop.tell("recurrent", "Id=sc_7&Status=Expired").await;
    let other = shop.cloud_linked().await;
    shop.tell("pay", &(paid(10, &other) + "&SubscriptionId=sc_7")).await;
    assert!(!shop.payer().await.auto_renewal);

    // A refused delivery takes from its address' allowance.
    let limit = "UpdateItem";
    assert_eq!(asked(&shop, "check"), allowed(&["BatchGetItem", "GetItem", limit]));
    assert_eq!(
        asked(&shop, "pay"),
        allowed(&["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem", limit])
    );
    assert_eq!(asked(&shop, "fail"), allowed(&["GetItem", "PutItem", "UpdateItem", limit]));
    assert_eq!(
        asked(&shop, "refund"),
        allowed(&["BatchGetItem", "GetItem", "PutItem", "UpdateItem", limit])
    );
    assert_eq!(asked(&shop, "cancel"), allowed(&["GetItem", "PutItem", limit]));
    assert_eq!(
        asked(&shop, "recurrent"),
        allowed(&["BatchGetItem", "GetItem", "PutItem", "UpdateItem", limit])
    );
}
