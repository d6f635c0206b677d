//! The support form, and by whom it has the payer pay; subscriptions that need no link.

use shared::clock::days;

use super::lavatop::Lava;
use super::links::with;
use super::*;
use crate::payments::contracts::ContractHandle;
use crate::payments::offers::Offer;
use crate::payments::providers::Provider;
use crate::payments::settlement::LAST_PROVIDER;
use crate::payments::{detect_provider, support_link};

const PATH: &str = "/api/payments/generate-link-support";

/// The body of the support form.
fn form(fields: Value) -> Value {
    let mut body = with(fields);
    body.as_object_mut().unwrap().remove("offer_key");
    body
}

impl Shop {
    async fn support(&self, body: Value) -> Reply {
        let request = Request::post(PATH, body).token(&self.token);
        self.world.call(support_link(), request).await
    }

    async fn detect(&self, query: &str) -> Reply {
        let request = Request::get(&format!("/api/payments/detect-provider{query}"));
        self.world.call(detect_provider(), request.token(&self.token)).await
    }

    /// The payer's last payment was taken by this one.
    async fn served_by(&self, provider: &str) {
        let member = self.payer().await;
        let write = crate::auth::change(&member, self.world.now());
        self.world.table().write(write.set(LAST_PROVIDER, provider)).await.unwrap();
    }

    /// The payer's subscription is renewed by this one.
    async fn renewed_by(&self, provider: Provider) {
        let mut member = self.payer().await;
        member.subscription_expires = Some(self.world.now() + days(3));
        member.auto_renewal = true;
        member.contract = Some(ContractHandle { provider, contract_id: "contract".to_owned() });
        self.world.put(&member).await;
    }
}

#[tokio::test]
async fn the_support_form_sells_its_own_offer() {
    let shop = Shop::open().await;
    let month = Offer::seeded("monthly_rub_2000").unwrap();
    shop.world.put(&Offer { key: "other".to_owned(), ..month }).await;
    let reply = shop.support(with(json!({ "offer_key": "gift_rub_2000" }))).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let id = reply.body["attempt_id"].as_str().unwrap();
    assert_eq!(shop.attempt(id).await.offer, "monthly_rub_2000");
    // One batch read, one transaction, one update.
    assert_eq!((reply.cost.requests, reply.cost.items), (3, 4));
    // The same terms are the same attempt, whichever form asks.
    let same = shop.ask(monthly()).await;
    assert_eq!((&same.body["attempt_id"], &same.body["reused"]), (&json!(id), &json!(true)));

    let shop = Shop::with(&[("SUPPORT_OFFER_KEY", "other")]).await;
    assert_eq!(shop.support(form(json!({}))).await.body["code"], "offer_unknown");
}

#[tokio::test]
async fn the_support_form_goes_by_the_bank_and_the_last_payment() {
    let lava = Lava::open().await;
    let shop = &lava.shop;
    let provider = |body: Value| async { shop.support(body).await.body["provider"].clone() };
    // CloudPayments is not enabled here: then as any other form.
    assert_eq!(provider(form(json!({}))).await, "lavatop");
    assert_eq!(provider(form(json!({ "payment_method": "foreign-bank" }))).await, "lavatop");
    assert_eq!(provider(form(json!({ "provider": "sandbox" }))).await, "sandbox");
    shop.served_by("sandbox").await;
    assert_eq!(provider(form(json!({ "payment_method": "bank-rf" }))).await, "lavatop");
}

#[tokio::test]
async fn the_support_form_is_refused_what_links_are_refused() {
    let shop = Shop::open().await;
    for (body, status, code) in [
        (json!({}), 400, "field_required"),
        (form(json!({ "email": "" })), 400, "field_required"),
        (form(json!({ "telegram_id": "12x" })), 400, "bad_telegram_id"),
        (form(json!({ "telegram_id": PAYER + 1 })), 403, "subject_mismatch"),
        (form(json!({ "email": "a@b@c" })), 400, "validation_failed"),
        (form(json!({ "payment_method": "x".repeat(256) })), 400, "validation_failed"),
        (form(json!({ "payment_method": 1 })), 400, "validation_failed"),
        (form(json!({ "currency": "USD" })), 400, "currency_not_offered"),
    ] {
        let reply = shop.support(body.clone()).await;
        assert_eq!((reply.status.as_u16(), &reply.body["code"]), (status, &json!(code)), "{body}");
    }
    let mut member = shop.payer().await;
    member.subscription_expires = Some(shop.world.now() - days(8));
    shop.world.put(&member).await;
    let refused = shop.support(form(json!({}))).await;
    assert_eq!((refused.status.as_u16(), &refused.body["error"]), (403, &json!("cooldown_active")));
    assert_eq!(refused.body["unlock_date"], "23.04.2026");
    assert_eq!(
        shop.support(form(json!({ "email": "x@check.local" }))).await.body["active_subscription"],
        false
    );
    assert_eq!((shop.count("Attempt").await, shop.world.provider.calls()), (0, 0));
}

#[tokio::test]
async fn the_support_form_keeps_keys_and_tells_what_it_told() {
    let shop = Shop::open().await;
    let body = form(json!({ "payment_method": "bank-rf" }));
    let ask = |body: Value| {
        let request = Request::post(PATH, body).token(&shop.token);
        shop.world.call(support_link(), request.header("idempotency-key", "one"))
    };
    let first = ask(body.clone()).await;
    let again = ask(body).await;
    assert_eq!(again.body, first.body);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = ask(form(json!({ "payment_method": "foreign-bank" }))).await;
    assert_eq!((other.status.as_u16(), &other.body["code"]), (422, &json!("idempotency_mismatch")));
    let events = shop.world.items("AnalyticsEvent").await;
    assert_eq!(events[0]["details"]["M"]["payment_method"]["S"], "bank-rf");
}

#[tokio::test]
async fn a_provider_is_detected_for_its_own_payer_alone() {
    let shop = Shop::open().await;
    let own = format!("?telegram_id={PAYER}");
    let told = |success: bool, provider: &str| json!({ "success": success, "provider": provider });
    let fresh = shop.detect(&own).await;
    assert_eq!((&fresh.body, fresh.cost.requests), (&told(true, "cloudpayments"), 1));
    for (last, detected) in [
        ("lavatop", "lavatop"),
        ("manual", "manual"),
        ("cloudpayments", "cloudpayments"),
        ("stars", "cloudpayments"),
        ("sandbox", "cloudpayments"),
    ] {
        shop.served_by(last).await;
        let reply = shop.detect(&own).await;
        assert_eq!((reply.status.as_u16(), reply.body), (200, told(true, detected)), "{last}");
    }
    shop.served_by("lavatop").await;
    for bad in [
        "",
        "?telegram_id=",
        "?telegram_id=x",
        "?telegram_id=-1",
        "?telegram_id=0",
        "?telegram_id=1.5",
    ] {
        let reply = shop.detect(bad).await;
        assert_eq!(
            (reply.status.as_u16(), reply.body),
            (200, told(false, "cloudpayments")),
            "{bad}"
        );
    }
    let foreign = shop.detect(&format!("?telegram_id={}", PAYER + 1)).await;
    assert_eq!((foreign.status.as_u16(), &foreign.body["code"]), (403, &json!("subject_mismatch")));
    let path = format!("/api/payments/detect-provider{own}");
    let nobody = shop.world.call(detect_provider(), Request::get(&path)).await;
    assert_eq!(nobody.status, 401);
}

#[tokio::test]
async fn whose_subscription_renews_itself_is_told_so_by_who_renews_it() {
    for (provider, auto) in
        [(Provider::Cloudpayments, true), (Provider::Lavatop, false), (Provider::Stars, false)]
    {
        let shop = Shop::open().await;
        shop.renewed_by(provider).await;
        for support in [false, true] {
            let ask = async |body: Value| match support {
                true => shop.support(body).await,
                false => shop.ask(body).await,
            };
            let told = ask(monthly()).await;
            assert_eq!(told.status, 200);
            if auto {
                let body =
                    json!({ "success": true, "provider": "cloudpayments", "auto_renewal": true });
                assert_eq!(told.body, body);
            } else {
                assert_eq!(told.body["active_subscription"], true, "{provider:?}");
                assert_eq!(told.body["expires_at"], told.body["subscription_expires"]);
            }
            // A probe is told one thing of all.
            let probe = ask(with(json!({ "email": "x@check.local" }))).await;
            assert_eq!(probe.body["active_subscription"], true);
        }
        assert_eq!(shop.count("Attempt").await, 0);
        let forced = shop.ask(with(json!({ "force_renew": true }))).await;
        assert_eq!(forced.body.get("attempt_id").is_none(), auto, "{provider:?}: {}", forced.body);
        shop.gift_linked(77).await;
    }
}

#[tokio::test]
async fn what_has_ended_or_renews_itself_no_more_needs_a_link() {
    let shop = Shop::open().await;
    shop.renewed_by(Provider::Cloudpayments).await;
    let mut member = shop.payer().await;
    member.auto_renewal = false;
    shop.world.put(&member).await;
    assert_eq!(shop.ask(monthly()).await.body["reused"], false);
    member = shop.payer().await;
    member.auto_renewal = true;
    member.subscription_expires = Some(shop.world.now() - days(1));
    shop.world.put(&member).await;
    assert_eq!(shop.ask(monthly()).await.body["reused"], true);
}
