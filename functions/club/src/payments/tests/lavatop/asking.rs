//! What LavaTop tells when it is asked, and does when it is told.

use std::time::Duration;

use super::*;
use crate::payments::contracts::{self, ContractHandle, RecurringContract};
use crate::payments::model::Said;
use crate::payments::providers::{Provider, ProviderError, Told};
use crate::payments::{reconcile, settle};

const LIMIT: Duration = Duration::from_millis(500);

impl Lava {
    async fn ask(&self, id: &str) -> Result<Told, ProviderError> {
        let attempt = self.shop.attempt(id).await;
        Provider::Lavatop.ask(&self.shop.world.app, &attempt, LIMIT).await
    }

    async fn contract(&self, purchase: &str) -> RecurringContract {
        let contract_id = purchase.to_owned();
        let handle = ContractHandle { provider: Provider::Lavatop, contract_id };
        contracts::find(self.shop.world.table(), &handle).await.unwrap().unwrap()
    }

    async fn end(&self, contract: &RecurringContract) -> Result<(), ProviderError> {
        Provider::Lavatop.end(&self.shop.world.app, contract, LIMIT).await
    }

    fn calls(&self) -> Vec<String> {
        self.server.books().calls.clone()
    }
}

#[tokio::test]
async fn an_invoice_is_asked_about_by_its_own_id() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.linked().await;
    assert_eq!(lava.ask(&id).await.unwrap(), Told::Unpaid);
    lava.server.change(&purchase, |invoice| invoice.status = "IN_PROGRESS");
    assert_eq!(lava.ask(&id).await.unwrap(), Told::Unpaid);
    lava.server.change(&purchase, |invoice| invoice.status = "FAILED");
    assert_eq!(lava.ask(&id).await.unwrap(), Told::Failed);
    lava.server.pay(&purchase);
    let Told::Paid(came) = lava.ask(&id).await.unwrap() else { panic!("paid") };
    assert_eq!(
        (came.external_id.as_str(), came.contract_id.as_deref()),
        (purchase.as_str(), Some(purchase.as_str()))
    );
    let said = Said { amount: Some("2000.00".to_owned()), currency: Some("RUB".to_owned()) };
    assert_eq!((came.said, came.recurs, came.payer), (said, true, None));
    // A subscription that is over by now renews nothing.
    lava.server.change(&purchase, |invoice| invoice.subscription = Some("CANCELLED"));
    let Told::Paid(came) = lava.ask(&id).await.unwrap() else { panic!("paid") };
    assert!(!came.recurs);
    let asked = format!("GET /api/v1/invoices/{purchase}");
    assert_eq!(lava.calls().iter().filter(|call| **call == asked).count(), 5);
}

#[tokio::test]
async fn what_cannot_be_asked_about_is_unpaid_and_what_does_not_answer_is_unknown() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.linked().await;
    for mood in [
        LavatopMood::Refusing(500),
        LavatopMood::Refusing(401),
        LavatopMood::Garbled,
        LavatopMood::Mute,
    ] {
        lava.server.feel(mood.clone());
        assert!(lava.ask(&id).await.is_err(), "{mood:?}");
    }
    lava.server.feel(LavatopMood::Fine);
    // Another attempt's invoice says nothing of this one.
    lava.server.change(&purchase, |invoice| invoice.mark = Some(format!("att_{}", "0".repeat(26))));
    assert!(lava.ask(&id).await.is_err());
    lava.server.books().invoices.clear();
    assert_eq!(lava.ask(&id).await.unwrap(), Told::Unpaid);
    let calls = lava.calls().len();
    let attempt = lava.shop.attempt(&id).await;
    lava.shop.world.put(&Attempt { invoice_id: None, ..attempt }).await;
    assert_eq!(lava.ask(&id).await.unwrap(), Told::Unpaid);
    assert_eq!(lava.calls().len(), calls, "nobody is asked");
}

#[tokio::test]
async fn a_subscription_is_ended_by_its_first_payment_and_the_payers_address() {
    let lava = Lava::open().await;
    let (_, purchase) = lava.subscribed().await;
    let contract = lava.contract(&purchase).await;
    let contract = RecurringContract { email: Some("a+b&c@example.com".to_owned()), ..contract };
    lava.end(&contract).await.unwrap();
    let ended = format!("DELETE /api/v1/subscriptions {purchase} a+b&c@example.com");
    assert_eq!(lava.calls().last(), Some(&ended));
    assert_eq!(lava.server.books().invoices[&purchase].subscription, Some("CANCELLED"));
}

#[tokio::test]
async fn to_end_what_is_over_is_a_success() {
    let lava = Lava::open().await;
    let (_, purchase) = lava.subscribed().await;
    let contract = lava.contract(&purchase).await;
    // The answer to the first call is lost, so it is done again.
    lava.server.feel(LavatopMood::Mute);
    lava.end(&contract).await.unwrap_err();
    lava.server.feel(LavatopMood::Fine);
    lava.end(&contract).await.unwrap();
    for over in ["FAILED", "CANCELLED"] {
        lava.server.change(&purchase, |invoice| invoice.subscription = Some(over));
        lava.end(&contract).await.unwrap();
    }
    lava.server.books().invoices.clear();
    lava.end(&contract).await.unwrap();
}

#[tokio::test]
async fn an_end_that_is_refused_is_an_error() {
    let lava = Lava::open().await;
    let (_, purchase) = lava.subscribed().await;
    let contract = lava.contract(&purchase).await;
    for status in [400, 401, 403, 500, 504] {
        lava.server.feel(LavatopMood::Refusing(status));
        assert!(lava.end(&contract).await.is_err(), "{status}");
    }
    lava.server.feel(LavatopMood::Fine);
    // It refuses, and the subscription goes on.
    lava.server.change(&purchase, |invoice| invoice.subscription = None);
    assert!(lava.end(&contract).await.is_err());
    let nameless = RecurringContract { email: None, ..contract };
    assert!(matches!(lava.end(&nameless).await, Err(ProviderError::Setup(_))));
}

#[tokio::test]
async fn what_was_received_is_listed_page_by_page() {
    let lava = Lava::open().await;
    let (_, purchase) = lava.subscribed().await;
    for _ in 0..60 {
        lava.server.renew(&purchase);
    }
    let gift = lava.shop.gift_linked(77).await;
    let (open, _) = lava.server.marked(&gift);
    let app = &lava.shop.world.app;
    let since = lava.shop.world.now();
    let (mut page, mut found, mut pages) = (None, Vec::new(), 0);
    loop {
        let received = Provider::Lavatop.received(app, since, page, LIMIT).await.unwrap();
        pages += 1;
        assert!(received.refunds.is_empty());
        found.extend(received.successes);
        page = received.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!((pages, found.len()), (2, 61));
    assert!(found.iter().all(|success| success.external_id != open), "what is not paid");
    assert!(found.iter().all(|success| success.contract_id.as_deref() == Some(purchase.as_str())));
    assert!(lava.calls().iter().any(|call| call.contains(&format!("beginDate={since}&page=2"))));
    // All of it settles, whatever names its attempt.
    for success in &found {
        settle(app, success, None, since).await.unwrap();
    }
    assert_eq!(
        (lava.shop.count("Payment").await, lava.shop.count("UnassignedPayment").await),
        (61, 0)
    );
    lava.server.feel(LavatopMood::Refusing(500));
    Provider::Lavatop.received(app, since, None, LIMIT).await.unwrap_err();
    Provider::Lavatop.received(app, since, Some("x".to_owned()), LIMIT).await.unwrap_err();
}

/// Its answer never came, and neither did a delivery: the list of invoices finds it.
#[tokio::test]
async fn a_payment_of_an_attempt_that_failed_is_found_in_the_list() {
    let lava = Lava::with(&[("PROVIDER_TIMEOUT_MS", "100")]).await;
    lava.server.feel(LavatopMood::Mute);
    assert_eq!(lava.shop.ask(monthly()).await.status, 502);
    lava.server.feel(LavatopMood::Fine);
    let attempts: Vec<Attempt> = lava.shop.read("Attempt").await;
    let (purchase, _) = lava.server.marked(&attempts[0].id);
    lava.server.pay(&purchase);
    let (app, now) = (&lava.shop.world.app, lava.shop.world.now());
    let received = Provider::Lavatop.received(app, now, None, LIMIT).await.unwrap();
    for success in &received.successes {
        settle(app, success, None, now).await.unwrap();
    }
    assert_eq!(lava.shop.status(&attempts[0].id).await, Status::Paid);
    assert_eq!(lava.shop.payer().await.contract.unwrap().contract_id, purchase);
}

/// No delivery came of a renewal, nor of a payment whose mark was lost on the way.
#[tokio::test]
async fn what_no_delivery_told_is_found_by_the_hour() {
    let lava = Lava::open().await;
    let (_, purchase) = lava.subscribed().await;
    let next = lava.server.renew(&purchase);
    let gift = lava.shop.gift_linked(77).await;
    let (bought, _) = lava.server.marked(&gift);
    lava.server.pay(&bought);
    lava.server.change(&bought, |invoice| invoice.mark = None);
    lava.shop.pass(3_600);
    for settled in [2, 0] {
        let run = lava.shop.world.tick(reconcile()).await.unwrap();
        assert_eq!(run["settled"], settled, "{run}");
    }
    assert_eq!(lava.shop.status(&gift).await, Status::Paid);
    assert_eq!((lava.shop.count("Payment").await, lava.shop.payer().await.balance), (3, 1_000));
    // Its delivery comes after all.
    assert_eq!(lava.tell(lava.server.word(RENEWED, &next)).await.status, 200);
    assert_eq!(
        (lava.shop.count("Payment").await, lava.shop.count("UnassignedPayment").await),
        (3, 0)
    );
    lava.shop.check_invariants().await;
}
