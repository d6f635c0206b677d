//! A club that is paid by every provider there is: nobody is known by an e-mail (§17.10).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tests::{Call, MONTH, Member, World, hmac};

use crate::cloudpayments::server as cloud;
use crate::lavatop::server::{self as lava, LavatopServer};

/// The club and its providers.
pub struct Mall {
    pub world: World,
    pub lava: LavatopServer,
}

/// The club, its providers, and whatever is set besides.
macro_rules! mall {
    ($($name:literal => $value:expr),* $(,)?) => {{
        use $crate::cloudpayments::server::{self as cloud, CloudServer};
        use $crate::lavatop::server::{self as lava, LavatopServer};
        let (lava, cloud) = (LavatopServer::start().await, CloudServer::start().await);
        let world = tests::local!(
            "LAVATOP_API_URL" => lava.url.as_str(),
            "LAVATOP_API_KEY" => lava::API_KEY,
            "LAVATOP_WEBHOOK_SECRET" => lava::WEBHOOK_SECRET,
            "CLOUDPAYMENTS_PUBLIC_ID" => cloud::PUBLIC_ID,
            "CLOUDPAYMENTS_API_SECRET" => cloud::API_SECRET,
            "CLOUDPAYMENTS_API_URL" => cloud.url.as_str(),
            $($name => $value),*
        );
        let mall = $crate::all_providers::Mall { world, lava };
        mall.open().await;
        mall
    }};
}
pub(crate) use mall;

impl Mall {
    /// Sells what LavaTop sells by an offer of its own, too.
    pub async fn open(&self) {
        let offer = self.world.call("PATCH", &format!("/api/admin/offers/{MONTH}"));
        let offer = offer.header("x-admin-secret", self.world.secret("ADMIN_SECRET"));
        offer.json(&json!({"offer_id": "offer-month"})).await.ok();
    }

    /// A link of a provider, asked for with this e-mail: the attempt's id.
    pub async fn link(&self, member: &Member, provider: &str, email: &str) -> String {
        let mut wish = member.wish(MONTH);
        (wish["provider"], wish["email"]) = (json!(provider), json!(email));
        let body = member.ask(&wish).await.ok();
        assert_eq!(body["provider"], provider, "{body}");
        body["attempt_id"].as_str().unwrap().to_owned()
    }

    /// LavaTop's word that a purchase was paid; it names an attempt by its mark alone.
    pub fn lavatop(&self, purchase: &str, mark: Option<&str>, email: &str) -> Call {
        let word = json!({
            "eventType": "payment.success",
            "product": {"id": "836b9fc5-0000-4000-8000-000000000000", "title": "Клуб"},
            "buyer": {"email": email}, "contractId": purchase,
            "amount": 2000.00, "currency": "RUB", "timestamp": "2026-01-20T12:00:10.123Z",
            "status": "subscription-active", "errorMessage": "",
            "clientUtm": mark.map(|mark| json!({"utm_term": mark})),
        });
        let call = self.world.post("/api/webhooks/lavatop/payment", &word);
        call.header("x-api-key", lava::WEBHOOK_SECRET)
    }

    /// CloudPayments' word of 2000 roubles, with these fields besides.
    pub fn cloudpayments(&self, kind: &str, number: u32, more: &str) -> Call {
        let body = format!(
            "TransactionId={number}&Amount=2000.00&Currency=RUB&Status=Completed\
             &OperationType=Payment&{more}"
        );
        let mac = hmac(cloud::API_SECRET.as_bytes(), body.as_bytes());
        self.world
            .call("POST", &format!("/api/webhooks/cloudpayments/{kind}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("content-hmac", STANDARD.encode(mac))
            .raw(body)
    }

    /// How much money was put aside.
    async fn put_aside(&self) -> usize {
        let call = self.world.get("/api/admin/unassigned-payments");
        let secret = self.world.secret("ADMIN_SECRET");
        let body = call.header("x-admin-secret", secret).await.ok();
        body["payments"].as_array().unwrap_or_else(|| panic!("{body}")).len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_money_of_a_victims_email_is_no_strangers() {
    let mall = mall!();
    let world = &mall.world;
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    // The victim is known by the e-mail: it bought with it.
    boris.pays().await;
    let email = "member43@example.com";
    // The stranger tells every form that it is his own, and asks for links with it.
    let form = json!({"telegram_id": 42, "email": email, "phone": "+70000000000"});
    anna.post("/api/analytics/form-open", &form).await.ok();
    let tried = json!({
        "telegram_id": 42, "email": email, "payment_method": "bank-rf", "amount": 2000,
    });
    anna.post("/api/analytics/payment-attempt", &tried).await.ok();
    anna.post("/api/analytics/payment-success", &tried).await.ok();
    let mut attempts = Vec::new();
    for provider in ["lavatop", "cloudpayments", "sandbox"] {
        attempts.push(mall.link(&anna, provider, email).await);
    }
    let (before, theirs) = (anna.everything().await, boris.everything().await);

    // Money comes that carries that e-mail and nothing else.
    for _ in 0..2 {
        mall.lavatop("foreign-purchase", None, email).await.is(200);
        let named = "Email=member43%40example.com&AccountId=member43%40example.com";
        for (number, more) in [(7, "Email=member43%40example.com"), (8, named)] {
            let told = mall.cloudpayments("pay", number, more).await;
            assert_eq!(told.is(200).json(), json!({"code": 0}));
        }
        world.advance(60).await;
    }
    assert_eq!(mall.put_aside().await, 3);
    assert_eq!((anna.everything().await, boris.everything().await), (before, theirs));
    for attempt in &attempts {
        assert_eq!(anna.attempt_status(attempt).await, "pending");
    }
    assert!(anna.messages().await.is_empty());
}
