//! Payments by LavaTop (§5.2, §5.3, §6.1, §6.4; acceptance 4, 9 and 11), against a server of our
//! own that speaks as LavaTop does.

#[path = "../../../functions/club/src/testing/lavatop.rs"]
#[expect(dead_code, reason = "the club's own tests look at more of it")]
pub mod server;

use serde_json::{Value, json};
use tests::{Answer, Call, GIFT, MONTH, Member, Table, World, at_once, local};

use crate::DAY;
use server::{API_KEY, LavatopMood, LavatopServer, WEBHOOK_SECRET};

const PAYMENT: &str = "/api/webhooks/lavatop/payment";
const RECURRING: &str = "/api/webhooks/lavatop/recurring";

/// A club that sells by LavaTop.
struct Lava {
    world: World,
    server: LavatopServer,
}

/// Starts one, with other settings where they are given.
macro_rules! lava {
    ($($name:literal => $value:expr),* $(,)?) => {{
        let server = LavatopServer::start().await;
        let world = local!(
            "LAVATOP_API_URL" => server.url.as_str(),
            "LAVATOP_API_KEY" => API_KEY,
            "LAVATOP_WEBHOOK_SECRET" => WEBHOOK_SECRET,
            $($name => $value),*
        );
        let lava = Lava { world, server };
        for offer in [MONTH, GIFT] {
            lava.offer(offer, &json!({"offer_id": format!("offer-{offer}")})).await.ok();
        }
        lava
    }};
}

impl Lava {
    /// Changes an offer as an administrator does.
    fn offer(&self, key: &str, change: &Value) -> Call {
        let secret = self.world.secret("ADMIN_SECRET");
        let call = self.world.call("PATCH", &format!("/api/admin/offers/{key}"));
        call.header("x-admin-secret", secret).json(change)
    }

    /// A link by LavaTop: the attempt's id and LavaTop's of the purchase.
    async fn link(&self, member: &Member, offer: &str) -> (String, String) {
        let mut wish = member.wish(offer);
        wish["provider"] = json!("lavatop");
        let body = member.ask(&wish).await.ok();
        assert_eq!(body["provider"], "lavatop", "{body}");
        let attempt = body["attempt_id"].as_str().unwrap().to_owned();
        let (purchase, _) = self.server.marked(&attempt);
        assert_eq!(body["invoice_id"], purchase.as_str());
        (attempt, purchase)
    }

    /// A delivery, as LavaTop makes it.
    fn deliver(&self, path: &str, body: &Value) -> Call {
        self.world.post(path, body).header("x-api-key", WEBHOOK_SECRET)
    }

    /// Delivers and waits for what follows.
    async fn tell(&self, path: &str, body: &Value) {
        assert_eq!(self.deliver(path, body).await.is(200).json(), json!({"success": true}));
        self.world.idle().await;
    }
}

/// LavaTop's word that a purchase was paid; without the mark, it names the purchase alone.
fn paid(purchase: &str, mark: Option<&str>) -> Value {
    json!({
        "eventType": "payment.success",
        "product": {"id": "836b9fc5-0000-4000-8000-000000000000", "title": "Клуб"},
        "buyer": {"email": "anna@example.com"},
        "contractId": purchase,
        "amount": 2000.00,
        "currency": "RUB",
        "timestamp": "2026-01-20T12:00:10.123Z",
        "status": "subscription-active",
        "errorMessage": "",
        "clientUtm": mark.map(|mark| json!({"utm_term": mark})),
    })
}

/// The same of a later payment of a subscription.
fn renewed(purchase: &str, parent: &str) -> Value {
    let mut word = paid(purchase, None);
    word["eventType"] = json!("subscription.recurring.payment.success");
    word["parentContractId"] = json!(parent);
    word
}

/// LavaTop's word that a subscription is over.
fn cancelled(purchase: &str, until: Value) -> Value {
    json!({
        "eventType": "subscription.cancelled", "contractId": purchase,
        "buyer": {"email": "anna@example.com"},
        "cancelledAt": "2026-01-20T12:00:00Z", "willExpireAt": until,
    })
}

/// Rows of the table of [`crate::cost`]: every word of LavaTop's.
pub async fn prices(table: &mut Table) {
    let lava = lava!();
    let anna = lava.world.member(48, "Зоя").await;
    let (attempt, purchase) = lava.link(&anna, MONTH).await;
    let first = paid(&purchase, Some(&attempt));
    let next = renewed("purchase-2", &purchase);
    let mut unrenewed = next.clone();
    unrenewed["eventType"] = json!("subscription.recurring.payment.failed");
    let (end, early) = (cancelled(&purchase, Value::Null), cancelled("elsewhere", Value::Null));
    for (row, path, word) in [
        ("payment, the first of a subscription", PAYMENT, &first),
        ("payment, again", PAYMENT, &first),
        ("payment, puts aside", PAYMENT, &paid("foreign", None)),
        ("recurring, renews", RECURRING, &next),
        ("recurring, was not renewed", RECURRING, &unrenewed),
        ("recurring, the end", RECURRING, &end),
        ("recurring, the end again", RECURRING, &end),
        ("recurring, an early end", RECURRING, &early),
    ] {
        let told = lava.deliver(path, word).await;
        let cost = table.http(&format!("webhooks/lavatop/{row}"), &told);
        assert!(cost.requests <= 6 && cost.items <= 10, "{row}: {cost:?}");
        lava.world.idle().await;
    }
}

async fn expires(member: &Member) -> Value {
    member.status().await["subscription_expires"].clone()
}

/// The reasons for which money was put aside.
async fn put_aside(world: &World) -> Vec<String> {
    let call = world.get("/api/admin/unassigned-payments");
    let body = call.header("x-admin-secret", world.secret("ADMIN_SECRET")).await.ok();
    let rows = body["payments"].as_array().unwrap_or_else(|| panic!("{body}"));
    rows.iter().map(|row| row["reason"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_the_attempts_id_settles() {
    let lava = lava!();
    let anna = lava.world.member(42, "Анна").await;
    let (attempt, purchase) = lava.link(&anna, MONTH).await;
    let asked = lava.server.marked(&attempt).1.asked;
    assert_eq!((&asked["buyerLanguage"], &asked["periodicity"]), (&json!("RU"), &json!("MONTHLY")));
    assert_eq!(asked["offerId"], format!("offer-{MONTH}"));
    let answers = at_once(50, |_| lava.deliver(PAYMENT, &paid(&purchase, Some(&attempt))));
    for answer in answers.await {
        assert_eq!(answer.is(200).json(), json!({"success": true}));
    }
    lava.world.idle().await;
    assert_eq!(anna.attempt_status(&attempt).await, "paid");
    assert_eq!(expires(&anna).await, "2026-02-19T12:00:00.000Z");
    let status = anna.status().await;
    assert_eq!((&status["provider"], &status["auto_renewal"]), (&json!("lavatop"), &json!(true)));
    assert_eq!((anna.balance().await, anna.history().await.len()), (500, 1));
    assert_eq!(anna.messages().await.len(), 1);
    let before = anna.everything().await;
    lava.tell(RECURRING, &paid(&purchase, Some(&attempt))).await;
    lava.world.advance(600).await;
    assert_eq!(anna.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_the_first_payment_renews() {
    let lava = lava!();
    let anna = lava.world.member(42, "Анна").await;
    let (attempt, purchase) = lava.link(&anna, MONTH).await;
    lava.tell(PAYMENT, &paid(&purchase, Some(&attempt))).await;
    lava.world.advance(DAY).await;
    let anna = anna.user.sign_in().await;
    for _ in 0..3 {
        lava.tell(RECURRING, &renewed("next-payment", &purchase)).await;
    }
    assert_eq!(expires(&anna).await, "2026-03-21T12:00:00.000Z");
    assert_eq!((anna.balance().await, anna.messages().await.len()), (1_000, 2));
    // A renewal that fails is an event only.
    let before = anna.everything().await;
    let mut failed = renewed("failed-payment", &purchase);
    failed["eventType"] = json!("subscription.recurring.payment.failed");
    failed["status"] = json!("subscription-failed");
    lava.tell(RECURRING, &failed).await;
    assert_eq!(anna.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_an_unknown_subscription_is_put_aside() {
    let lava = lava!();
    let anna = lava.world.member(42, "Анна").await;
    let (attempt, purchase) = lava.link(&anna, MONTH).await;
    lava.tell(PAYMENT, &paid(&purchase, Some(&attempt))).await;
    let before = anna.everything().await;
    for _ in 0..2 {
        lava.tell(RECURRING, &renewed("next-payment", "elsewhere")).await;
    }
    assert_eq!(put_aside(&lava.world).await, ["unknown_contract"]);
    assert_eq!(anna.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_a_wrong_key_changes_nothing() {
    let lava = lava!();
    let anna = lava.world.member(42, "Анна").await;
    let (attempt, purchase) = lava.link(&anna, MONTH).await;
    let word = paid(&purchase, Some(&attempt));
    let mut refused: Vec<Answer> = vec![lava.world.post(PAYMENT, &word).await];
    for path in [PAYMENT, RECURRING] {
        for wrong in ["", "x", API_KEY, &WEBHOOK_SECRET[1..], &WEBHOOK_SECRET.to_uppercase()] {
            refused.push(lava.world.post(path, &word).header("x-api-key", wrong).await);
        }
        let sandbox = lava.world.secret("SANDBOX_SECRET");
        refused.push(lava.world.post(path, &word).header("x-sandbox-secret", sandbox).await);
        refused.push(anna.post(path, &word).await);
    }
    for answer in refused {
        answer.problem(401, "unauthorized");
    }
    lava.world.idle().await;
    assert_eq!(anna.attempt_status(&attempt).await, "pending");
    assert_eq!(put_aside(&lava.world).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_where_lavatop_is_not_used_nobody_is_believed() {
    let world = local!();
    for key in ["", WEBHOOK_SECRET] {
        for path in [PAYMENT, RECURRING] {
            let call = world.post(path, &paid("x", None)).header("x-api-key", key);
            call.await.problem(401, "unauthorized");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_what_does_not_read_is_refused() {
    let lava = lava!();
    for path in [PAYMENT, RECURRING] {
        for body in [json!({}), json!({"contractId": ""}), json!({"contractId": 7}), json!([])] {
            lava.deliver(path, &body).await.problem(400, "validation_failed");
        }
        let raw = lava.world.call("POST", path).header("x-api-key", WEBHOOK_SECRET);
        raw.clone().raw("{").await.problem(400, "parse_error");
        raw.raw("x".repeat(70_000)).await.problem(413, "payload_too_large");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_money_that_disagrees_gives_nothing() {
    let lava = lava!();
    let anna = lava.world.member(42, "Анна").await;
    let (attempt, purchase) = lava.link(&anna, MONTH).await;
    let before = anna.everything().await;
    for (n, (name, value)) in
        [("amount", json!(1999.99)), ("currency", json!("USD"))].into_iter().enumerate()
    {
        let mut word = paid(&format!("wrong-{n}"), Some(&attempt));
        word[name] = value;
        lava.tell(PAYMENT, &word).await;
    }
    assert_eq!(put_aside(&lava.world).await, ["other_sum", "other_sum"]);
    assert_eq!(anna.everything().await, before);
    lava.tell(PAYMENT, &paid(&purchase, None)).await;
    assert_eq!(anna.attempt_status(&attempt).await, "paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_a_lost_delivery_is_healed_by_a_check() {
    let lava = lava!();
    let anna = lava.world.member(42, "Анна").await;
    let (attempt, purchase) = lava.link(&anna, MONTH).await;
    lava.server.pay(&purchase);
    lava.world.advance(30).await;
    assert_eq!(anna.attempt_status(&attempt).await, "paid");
    lava.tell(PAYMENT, &paid(&purchase, Some(&attempt))).await;
    assert_eq!((anna.balance().await, anna.messages().await.len()), (500, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_while_the_store_is_down_every_word_is_to_come_again() {
    let lava = lava!();
    let anna = lava.world.member(42, "Анна").await;
    let (attempt, purchase) = lava.link(&anna, MONTH).await;
    lava.world.fault("dynamodb", "error").await;
    for word in [paid(&purchase, Some(&attempt)), cancelled(&purchase, Value::Null)] {
        lava.deliver(PAYMENT, &word).await.problem(503, "conflict_retry");
    }
    lava.world.heal().await;
    lava.tell(PAYMENT, &paid(&purchase, Some(&attempt))).await;
    assert_eq!(anna.attempt_status(&attempt).await, "paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_a_cancelled_subscription_keeps_paid_time() {
    let lava = lava!();
    for (id, early) in [(42, false), (43, true)] {
        let member = lava.world.member(id, "Анна").await;
        let (attempt, purchase) = lava.link(&member, MONTH).await;
        let words = [paid(&purchase, Some(&attempt)), cancelled(&purchase, Value::Null)];
        for word in if early { [&words[1], &words[0]] } else { [&words[0], &words[1]] } {
            lava.tell(RECURRING, word).await;
        }
        assert_eq!(expires(&member).await, "2026-02-19T12:00:00.000Z", "{early}");
        assert_eq!(member.status().await["auto_renewal"], false, "{early}");
        let sooner = cancelled(&purchase, json!("2026-01-25T12:00:00Z"));
        lava.tell(RECURRING, &sooner).await;
        assert_eq!(expires(&member).await, "2026-01-25T12:00:00.000Z", "{early}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_a_link_that_lavatop_refuses_is_a_502() {
    let lava = lava!();
    let anna = lava.world.member(42, "Анна").await;
    let mut wish = anna.wish(MONTH);
    wish["provider"] = json!("lavatop");
    for status in [400, 401, 500] {
        lava.server.feel(LavatopMood::Refusing(status));
        let problem = anna.ask(&wish).await.problem(502, "provider_error");
        let text = "Не удалось создать ссылку на оплату. Попробуйте ещё раз.";
        assert_eq!((&problem["error"], &problem["message"]), (&json!(text), &json!(text)));
    }
    lava.server.feel(LavatopMood::Fine);
    anna.ask(&wish).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_lavatop_is_preferred_where_it_sells_the_offer() {
    let lava = lava!();
    let anna = lava.world.member(42, "Анна").await;
    let mut wish = anna.wish(MONTH);
    wish.as_object_mut().unwrap().remove("provider");
    assert_eq!(anna.ask(&wish).await.ok()["provider"], "lavatop");
    assert_eq!(anna.ask(&anna.wish(MONTH)).await.ok()["provider"], "sandbox");
    lava.offer(MONTH, &json!({"offer_id": ""})).await.ok();
    assert_eq!(anna.ask(&wish).await.ok()["provider"], "sandbox");
    wish["provider"] = json!("lavatop");
    anna.ask(&wish).await.problem(400, "currency_not_offered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_the_support_form_sells_its_offer() {
    let lava = lava!();
    let anna = lava.world.member(42, "Анна").await;
    let mut form = anna.wish(MONTH);
    for field in ["offer_key", "provider"] {
        form.as_object_mut().unwrap().remove(field);
    }
    form["payment_method"] = json!("foreign-bank");
    let path = "/api/payments/generate-link-support";
    let body = anna.post(path, &form).await.ok();
    assert_eq!((&body["provider"], &body["reused"]), (&json!("lavatop"), &json!(false)));
    assert_eq!(anna.post(path, &form).await.ok()["reused"], true);
    let attempt = body["attempt_id"].as_str().unwrap();
    assert_eq!(anna.attempt(attempt).await["offer_key"], MONTH);

    let detect = |id: &str| anna.get(&format!("/api/payments/detect-provider?telegram_id={id}"));
    assert_eq!(detect("42").await.ok()["provider"], "cloudpayments");
    let (purchase, _) = lava.server.marked(attempt);
    lava.tell(PAYMENT, &paid(&purchase, Some(attempt))).await;
    assert_eq!(detect("42").await.ok()["provider"], "lavatop");
    let bad = detect("x").await.is(200).json();
    assert_eq!(bad, json!({"success": false, "provider": "cloudpayments"}));
    detect("43").await.problem(403, "subject_mismatch");
    // What renews itself needs no link; a gift does.
    assert_eq!(anna.post(path, &form).await.ok()["active_subscription"], true);
    lava.link(&anna, GIFT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_the_support_form_cools_down_as_links_do() {
    let lava = lava!();
    let anna = lava.world.member(42, "Анна").await;
    let (attempt, purchase) = lava.link(&anna, MONTH).await;
    lava.tell(PAYMENT, &paid(&purchase, Some(&attempt))).await;
    lava.tell(RECURRING, &cancelled(&purchase, Value::Null)).await;
    lava.world.advance(38 * DAY).await;
    let anna = anna.user.sign_in().await;
    let mut form = anna.wish(MONTH);
    form["provider"] = json!("lavatop");
    for path in ["/api/payments/generate-link", "/api/payments/generate-link-support"] {
        let problem = anna.post(path, &form).await.problem(403, "cooldown_active");
        assert_eq!(problem["error"], "cooldown_active");
        assert_eq!(problem["unlock_date"], "20.05.2026");
    }
    lava.link(&anna, GIFT).await;
    assert_eq!(lava.server.books().invoices.len(), 2);
}
