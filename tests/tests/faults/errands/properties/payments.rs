//! P10: what was paid is credited once, on the agreed terms, however it becomes known.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::invariants::{number, of, text};
use super::Verdict;
use super::town::{Ask, Person, Town, at_once, must, tally};

/// Ids of invoices as the sandbox of Crypto Pay gives them start behind this one.
const BEFORE_FIRST: i64 = 4_294_967_296;

/// Everything about a payment by Crypto Bot of 100 rubles.
struct Till {
    town: Arc<Town>,
    /// Invoices made so far: the next has the next id.
    made: AtomicI64,
}

impl Till {
    fn wish(person: &Person) -> Ask {
        let wish = json!({ "amount": 100, "provider": "crypto_bot" });
        person.post("/api/balance/create-invoice", &wish)
    }

    /// Payment and invoice.
    async fn invoiced(&self, person: &Person) -> (i64, i64) {
        let answer = self.town.insist(&Self::wish(person)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let invoice = BEFORE_FIRST + 1 + self.made.fetch_add(1, Ordering::Relaxed);
        (answer.json()["payment_id"].as_i64().expect("an id"), invoice)
    }

    /// What Crypto Bot says when it is paid.
    fn word((payment, invoice): (i64, i64)) -> Value {
        json!({
            "update_id": invoice, "update_type": "invoice_paid",
            "request_date": "2026-01-20T12:00:30Z",
            "payload": {
                "invoice_id": invoice, "status": "paid", "currency_type": "fiat", "fiat": "RUB",
                "amount": "100", "paid_asset": "USDT", "payload": format!("er1.{payment}"),
            },
        })
    }

    fn told(&self, word: &Value) -> Ask {
        self.town.crypto(&word.to_string())
    }

    /// Pays it at the provider, who tells nobody.
    async fn pay_silently(&self, payment: i64) {
        let outcome = json!({ "outcome": "paid", "service": "errands", "webhook": false });
        self.town.desk(&format!("payments/{payment}"), &outcome).await;
    }

    async fn status(person: &Person, payment: i64) -> String {
        let answer = person.get(format!("/api/balance/payment/{payment}/status")).await;
        answer.json()["status"].as_str().unwrap_or_default().to_owned()
    }
}

/// Seven scenes, in several rounds.
pub async fn payments(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 5;
    let (till, mut found) = (Till { town: town.clone(), made: AtomicI64::new(0) }, Vec::new());
    for _ in 0..ROUNDS {
        refused(&till, &mut found).await;
        repeated(&till, &mut found).await;
        lost(&till, &mut found).await;
        late(&till, &mut found).await;
        early(&till, &mut found).await;
    }
    (ROUNDS, found)
}

/// Forged or disagreeing words, all at once: none moves a kopeck.
async fn refused(till: &Till, found: &mut Vec<String>) {
    let payer = till.town.person();
    let terms = till.invoiced(&payer).await;
    let word = Till::word(terms);
    let with = |path: &str, value: Value| {
        let mut word = word.clone();
        *word.pointer_mut(path).expect("a field") = value;
        till.told(&word)
    };
    let body = word.to_string();
    let mut tampered = till.told(&word);
    tampered.body = Some(body.replace("\"100\"", "\"900\"").into_bytes());
    let forged = vec![
        tampered,
        till.town.crypto_signed(&body, "10000:somebody-else"),
        Ask::new("POST", "/api/balance/webhook/crypto-bot").raw(body.clone()),
        till.town.crypto("not json"),
        till.town.crypto("{}"),
    ];
    for answer in at_once(&till.town, forged).await {
        must(found, "forged", (answer.status, answer.json()), (200, json!({ "ok": false })));
    }
    let disagreeing = vec![
        with("/payload/amount", json!("99.99")),
        with("/payload/amount", json!("1000")),
        with("/payload/fiat", json!("USD")),
        with("/payload/status", json!("active")),
        with("/payload/paid_asset", json!("DOGE")),
        with("/payload/payload", json!("er1.77")),
        with("/payload/payload", json!("77")),
        with("/update_type", json!("invoice_expired")),
    ];
    for answer in at_once(&till.town, disagreeing).await {
        must(found, "disagreeing", (answer.status, answer.json()), (200, json!({ "ok": true })));
    }
    must(found, "refused", Till::status(&payer, terms.0).await.as_str(), "pending");
    must(found, "balance", payer.balance().await, 0);
    must(found, "lines", payer.lines("recharge").await.len(), 0);
}

/// Ten deliveries at once, and a poll among them.
async fn repeated(till: &Till, found: &mut Vec<String>) {
    let payer = till.town.person();
    let terms = till.invoiced(&payer).await;
    till.pay_silently(terms.0).await;
    let told = till.told(&Till::word(terms));
    let sweep = till.town.clone();
    let sweep = tokio::spawn(async move { sweep.sweep("errands-payments-reconcile").await });
    let answers = at_once(&till.town, vec![told; 10]).await;
    sweep.await.expect("the reconciliation ends");
    must(found, "deliveries", tally(&answers).as_str(), "200×10");
    credited(&payer, terms.0, "repeated", found).await;
}

async fn credited(payer: &Person, payment: i64, what: &str, found: &mut Vec<String>) {
    must(found, what, Till::status(payer, payment).await.as_str(), "paid");
    must(found, what, (payer.balance().await, payer.lines("recharge").await.len()), (100, 1));
}

/// No webhook: the polls find it within a minute.
async fn lost(till: &Till, found: &mut Vec<String>) {
    let payers = till.town.people(3);
    let mut payments = Vec::new();
    for payer in &payers {
        let (payment, _) = till.invoiced(payer).await;
        till.pay_silently(payment).await;
        payments.push(payment);
    }
    till.town.bench.advance(60).await;
    for (payer, payment) in payers.iter().zip(payments) {
        credited(payer, payment, "lost webhook", found).await;
    }
}

/// Paid when our invoice has long expired: credited all the same, once, and the payer is told.
async fn late(till: &Till, found: &mut Vec<String>) {
    let payer = till.town.person();
    let terms = till.invoiced(&payer).await;
    till.town.bench.advance(35 * 60).await;
    must(found, "late, before", Till::status(&payer, terms.0).await.as_str(), "expired");
    till.pay_silently(terms.0).await;
    let told = till.told(&Till::word(terms));
    let answers = at_once(&till.town, vec![told; 10]).await;
    must(found, "late deliveries", tally(&answers).as_str(), "200×10");
    credited(&payer, terms.0, "late", found).await;
    till.town.bench.advance(60).await;
    let messages = till.town.bench.messages(payer.id).await;
    must(found, "late notice", messages, vec!["💰 Баланс пополнен на 100 ₽.".to_owned()]);
}

/// Told before the provider's answer to the call that made the invoice: paid stays paid.
async fn early(till: &Till, found: &mut Vec<String>) {
    let payer = till.town.person();
    let slow = json!({ "target": "provider", "kind": "delay", "delay_ms": 400 });
    till.town.desk("faults", &slow).await;
    let (town, ask) = (till.town.clone(), Till::wish(&payer));
    let making = tokio::spawn(async move { town.insist(&ask).await });
    let invoice = BEFORE_FIRST + 1 + till.made.fetch_add(1, Ordering::Relaxed);
    let payment = creating(&till.town, payer.id).await;
    let told = till.told(&Till::word((payment, invoice)));
    let answers = at_once(&till.town, vec![told.clone(); 5]).await;
    must(found, "early deliveries", tally(&answers).as_str(), "200×5");
    must(found, "early", payer.balance().await, 100);
    let made = making.await.expect("the call ends");
    must(
        found,
        "its answer",
        (made.status, made.json()["payment_id"].as_i64()),
        (200, Some(payment)),
    );
    till.town.send(&told).await;
    credited(&payer, payment, "early", found).await;
    till.town.heal().await;
}

/// The person's payment that waits for its provider.
async fn creating(town: &Town, payer: i64) -> i64 {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let items = town.bench.items().await;
        let mut own = of(&items, "Payment").filter(|payment| number(payment, "user_id") == payer);
        if let Some(payment) = own.find(|payment| text(payment, "status") == "creating") {
            return number(payment, "id");
        }
        assert!(Instant::now() < deadline, "no payment is being made");
    }
}
