//! How each provider says it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use serde_json::{Value, json};

use super::super::acts::Terms;
use super::super::rules::Provider;
use super::Driver;
use crate::bench::Reply;

/// The secret by which CloudPayments signs.
pub const API_SECRET: &str = "local-club-cloudpayments-api-secret-000000000000";
/// The key that LavaTop's deliveries bring.
pub const WEBHOOK_SECRET: &str = "local-club-lavatop-webhook-secret-0000000000000000";
/// An attempt that there is not.
const NO_ATTEMPT: &str = "att_01KFD5J3Z0ABCDEFGHJKMNPQRS";
/// Nobody that there is.
const STRANGER: i64 = 999;

/// What a payment is called whose event names nothing else.
pub fn named(provider: Provider, attempt: &str) -> String {
    let prefix = match provider {
        Provider::Stars => "stx",
        Provider::Lavatop => "lt",
        Provider::Sandbox | Provider::Cloudpayments => "sbx",
    };
    format!("{prefix}_{attempt}")
}

pub(super) fn decimal(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

impl Driver {
    /// Money came, and nobody is told; who asks hears it.
    pub(super) async fn paid_quietly(&mut self, index: usize, external: &str) {
        let attempt = self.model.attempts[index].clone();
        if attempt.provider == Provider::Cloudpayments {
            let notice = self.notice(index, external, Terms::Right);
            let now = self.bench.stack.clock().now();
            self.bank.book().operations.push((now, notice.clone()));
            self.bank.book().last.insert(attempt.id, notice);
            return;
        }
        if attempt.provider == Provider::Lavatop {
            let root = named(Provider::Lavatop, &attempt.id);
            let parent = if root == external { Value::Null } else { json!({ "id": root }) };
            let invoice = json!({
                "id": external, "status": "COMPLETED", "parentInvoice": parent,
                "receipt": { "amount": 2000.00, "currency": "RUB" },
                "clientUtm": { "utm_term": attempt.id },
            });
            let now = self.bench.stack.clock().now();
            self.bank.book().invoices.push((now, invoice));
            return;
        }
        let paid = json!({
            "outcome": "paid", "webhook": false, "user_id": attempt.payer, "external_id": external,
        });
        self.bench.desk("POST", &format!("payments/{}", attempt.id), &paid).await;
    }

    /// Money came: told so often, one after another or at once.
    pub(super) async fn tell_success(
        &mut self,
        index: usize,
        external: &str,
        terms: Terms,
        (times, at_once): (usize, bool),
    ) {
        match self.model.attempts[index].provider {
            Provider::Sandbox => {
                let body = self.sandbox_success(index, external, terms);
                if at_once {
                    // They may be told to come again; one after another they may not.
                    let replies = join_all((0..times).map(|_| self.sandbox_tells(&body))).await;
                    for reply in replies.iter().filter(|reply| reply.status != 503) {
                        self.must(reply, 200, None);
                    }
                }
                for _ in 0..times {
                    let reply = self.sandbox_tells(&body).await;
                    self.must(&reply, 200, None);
                }
            }
            Provider::Stars => {
                let update = self.stars("successful_payment", index, external, terms);
                for n in 0..times {
                    let mut update = update.clone();
                    if n % 2 == 1 {
                        // Told anew, as an update of its own.
                        update["update_id"] = json!(1_000_000 + self.count());
                    }
                    self.tell(&update).await;
                }
                self.idle().await;
            }
            Provider::Lavatop => {
                let word = self.lavatop_success(index, external, terms);
                for _ in 0..times {
                    self.lavatop_tells(&word).await;
                }
            }
            Provider::Cloudpayments => {
                let notice = self.notice(index, external, terms);
                for _ in 0..times {
                    self.bank_tells("pay", &notice, 0).await;
                }
            }
        }
    }

    pub(super) async fn tell_failure(&mut self, index: usize) {
        let attempt = self.model.attempts[index].clone();
        if attempt.provider == Provider::Cloudpayments {
            let number = (7_000_000 + self.count()).to_string();
            let mut notice = self.notice(index, &number, Terms::Right);
            notice["Status"] = json!("Declined");
            notice["Reason"] = json!("InsufficientFunds");
            notice["ReasonCode"] = json!(5051);
            return self.bank_tells("fail", &notice, 0).await;
        }
        if attempt.provider == Provider::Lavatop {
            let word = json!({
                "eventType": "payment.failed", "contractId": named(Provider::Lavatop, &attempt.id),
                "status": "failed", "clientUtm": { "utm_term": attempt.id },
            });
            return self.lavatop_tells(&word).await;
        }
        let body = json!({ "attempt_id": attempt.id, "event": "fail" });
        for _ in 0..2 {
            let reply = self.sandbox_tells(&body).await;
            self.must(&reply, 200, None);
        }
    }

    pub(super) async fn tell_refund(
        &mut self,
        index: usize,
        external: &str,
        refund: &str,
        minor: i64,
    ) {
        let attempt = self.model.attempts[index].clone();
        match attempt.provider {
            Provider::Sandbox => {
                let body = json!({
                    "attempt_id": attempt.id, "external_id": external, "event": "refund",
                    "refund_id": refund, "amount": decimal(minor),
                });
                let reply = self.sandbox_tells(&body).await;
                self.must(&reply, 200, None);
            }
            Provider::Stars => {
                let update = self.stars("refunded_payment", index, external, Terms::Right);
                self.tell(&update).await;
                self.idle().await;
            }
            // It tells of no refunds.
            Provider::Lavatop => {}
            Provider::Cloudpayments => {
                let notice = json!({
                    "TransactionId": refund, "PaymentTransactionId": external,
                    "Amount": decimal(minor), "OperationType": "Refund",
                    "InvoiceId": attempt.id, "AccountId": attempt.payer.to_string(),
                });
                self.bank_tells("refund", &notice, 0).await;
            }
        }
    }

    fn sandbox_success(&self, index: usize, external: &str, terms: Terms) -> Value {
        let id = &self.model.attempts[index].id;
        let mut body = json!({ "attempt_id": id, "event": "success" });
        if external != named(Provider::Sandbox, id) {
            body["external_id"] = json!(external);
        }
        match terms {
            Terms::Right => {}
            Terms::OtherSum | Terms::OtherPayer => body["amount"] = json!("1999.99"),
            Terms::OtherCurrency => body["currency"] = json!("USD"),
            Terms::NoAttempt => body["attempt_id"] = json!(NO_ATTEMPT),
        }
        body
    }

    pub(super) async fn sandbox_tells(&self, body: &Value) -> Reply {
        let secret = self.bench.secret("SANDBOX_SECRET");
        let headers = [("x-sandbox-secret", secret.as_str())];
        self.bench.send("POST", "/api/webhooks/sandbox/payment", &headers, body).await
    }

    /// A payment as LavaTop tells it. A renewal may name its first payment alone.
    fn lavatop_success(&self, index: usize, external: &str, terms: Terms) -> Value {
        let attempt = &self.model.attempts[index];
        let root = named(Provider::Lavatop, &attempt.id);
        let right = |wrong| terms != wrong;
        let sum = right(Terms::OtherSum) && right(Terms::OtherPayer);
        let mut word = json!({
            "eventType": "payment.success", "contractId": external, "status": "completed",
            "amount": if sum { 2000.00 } else { 1999.99 },
            "currency": if right(Terms::OtherCurrency) { "RUB" } else { "USD" },
            "clientUtm": { "utm_term": if right(Terms::NoAttempt) { &attempt.id } else { NO_ATTEMPT } },
        });
        if !attempt.gift && terms == Terms::Right && external != root {
            word["eventType"] = json!("subscription.recurring.payment.success");
            word["status"] = json!("subscription-active");
            word["parentContractId"] = json!(root);
            if attempt.contract.is_some() && self.counted % 2 == 0 {
                word["clientUtm"] = Value::Null;
            }
        }
        word
    }

    /// One delivery of LavaTop.
    pub(super) async fn lavatop_tells(&mut self, word: &Value) {
        let route = if word["parentContractId"].is_null() { "payment" } else { "recurring" };
        let path = format!("/api/webhooks/lavatop/{route}");
        let headers = [("x-api-key", WEBHOOK_SECRET)];
        let reply = self.bench.send("POST", &path, &headers, word).await;
        self.must(&reply, 200, None);
    }

    /// A payment as CloudPayments tells it. A renewal may name its subscription alone.
    pub(super) fn notice(&self, index: usize, number: &str, terms: Terms) -> Value {
        let attempt = &self.model.attempts[index];
        let right = |wrong| terms != wrong;
        let payer = if right(Terms::OtherPayer) { attempt.payer } else { STRANGER };
        let mut notice = json!({
            "TransactionId": number,
            "Amount": if right(Terms::OtherSum) { "2000.00" } else { "1999.99" },
            "Currency": if right(Terms::OtherCurrency) { "RUB" } else { "USD" },
            "Status": "Completed", "OperationType": "Payment", "AccountId": payer.to_string(),
            "InvoiceId": if right(Terms::NoAttempt) { &attempt.id } else { NO_ATTEMPT },
        });
        if !attempt.gift && right(Terms::NoAttempt) {
            notice["SubscriptionId"] = json!(Provider::Cloudpayments.contract(&attempt.id, number));
            if attempt.contract.is_some() && self.counted % 2 == 0 {
                notice["InvoiceId"] = Value::Null;
            }
        }
        notice
    }

    /// One notification of CloudPayments, and the code that it is answered with.
    pub(super) async fn bank_tells(&mut self, route: &str, notice: &Value, code: i64) {
        let signed = tests::hmac(API_SECRET.as_bytes(), notice.to_string().as_bytes());
        let signed = STANDARD.encode(signed);
        let headers = [("content-hmac", signed.as_str()), ("content-type", "application/json")];
        let path = format!("/api/webhooks/cloudpayments/{route}");
        let reply = self.bench.send("POST", &path, &headers, notice).await;
        self.must(&reply, 200, None);
        self.same(&path, &reply.body["code"], &json!(code));
    }

    /// An update about money in stars.
    pub(super) fn stars(&mut self, kind: &str, index: usize, charge: &str, terms: Terms) -> Value {
        let attempt = self.model.attempts[index].clone();
        let right = |wrong| terms != wrong;
        let payer = if right(Terms::OtherPayer) { attempt.payer } else { STRANGER };
        let mut money = json!({
            "currency": if right(Terms::OtherCurrency) { "XTR" } else { "RUB" },
            "total_amount": if right(Terms::OtherSum) { 1_500 } else { 1_499 },
            "invoice_payload": if right(Terms::NoAttempt) { &attempt.id } else { NO_ATTEMPT },
            "telegram_payment_charge_id": charge, "provider_payment_charge_id": "",
        });
        if !attempt.gift && kind == "successful_payment" {
            money["is_recurring"] = json!(true);
        }
        json!({ "update_id": 1_000_000 + self.count(), "message": {
            "message_id": 1, "date": self.now(), "chat": { "id": payer, "type": "private" },
            "from": { "id": payer, "is_bot": false, "first_name": "Анна" }, kind: money,
        }})
    }

    pub(super) async fn tell(&mut self, update: &Value) {
        let secret = self.bench.secret("TELEGRAM_WEBHOOK_SECRET");
        let headers = [("x-telegram-bot-api-secret-token", secret.as_str())];
        let reply = self.bench.send("POST", "/api/v1/bot/webhook", &headers, update).await;
        self.must(&reply, 200, None);
    }

    /// What the bot answers when Telegram asks whether an attempt may be paid.
    pub(super) async fn query_of_stars(&mut self, index: usize, terms: Terms) -> Value {
        let number = self.count();
        let told = self.stars("successful_payment", index, "none", terms);
        let (message, money) = (&told["message"], &told["message"]["successful_payment"]);
        let query = json!({ "update_id": 1_000_000 + number, "pre_checkout_query": {
            "id": number.to_string(), "from": message["from"], "currency": money["currency"],
            "total_amount": money["total_amount"], "invoice_payload": money["invoice_payload"],
        }});
        self.tell(&query).await;
        let sent = self.bench.desk("GET", "telegram/messages", &Value::Null).await;
        let sent = sent["messages"].as_array().expect("calls").iter().rev();
        let mut answers = sent.filter(|call| call["method"] == "answerPreCheckoutQuery");
        let id = json!(number.to_string());
        let answer = answers.find(|call| call["payload"]["pre_checkout_query_id"] == id);
        answer.map_or(Value::Null, |answer| answer["payload"]["ok"].clone())
    }
}
