//! Payments in Telegram Stars: invoice links, the bot's transactions, and what Telegram tells the
//! bot of a payment.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::invoice::{Invoice, Via, referred};
use super::payments::Outcome;
use super::{Sandboxes, hooks};
use crate::event::instant;
use crate::store::StoreError;

/// Where updates go, and the header of their secret.
pub(super) const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";
/// How long a subscription in stars is paid for, in seconds.
const PERIOD_S: i64 = 2_592_000;
/// A payer, when the desk does not say who.
const SOMEBODY: i64 = 1;

/// Stars that came or went.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Transaction {
    id: String,
    amount: i64,
    date: i64,
    user_id: i64,
    payload: String,
    came: bool,
    #[serde(default)]
    subscribes: bool,
}

impl Transaction {
    fn shown(&self) -> Value {
        let mut partner = json!({
            "type": "user",
            "transaction_type": "invoice_payment",
            "user": { "id": self.user_id, "is_bot": false, "first_name": "" },
            "invoice_payload": self.payload,
        });
        if let Some(partner) = partner.as_object_mut().filter(|_| self.subscribes) {
            partner.insert("subscription_period".to_owned(), PERIOD_S.into());
        }
        let side = if self.came { "source" } else { "receiver" };
        let mut shown = json!({ "id": self.id, "amount": self.amount, "date": self.date });
        if let Some(shown) = shown.as_object_mut() {
            shown.insert(side.to_owned(), partner);
        }
        shown
    }
}

/// What `createInvoiceLink` is asked for, as far as it matters here.
#[derive(Deserialize)]
struct Wanted {
    payload: String,
    currency: String,
    prices: Vec<Price>,
    #[serde(default)]
    subscription_period: Option<i64>,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct Price {
    amount: i64,
}

impl Sandboxes {
    /// Remembers the invoice behind a new link.
    pub(super) fn star_invoice(&self, service: &str, asked: &Value) -> Result<(), StoreError> {
        let Ok(wanted) = serde_json::from_value::<Wanted>(asked.clone()) else { return Ok(()) };
        let invoice = Invoice {
            service: service.to_owned(),
            via: Via::TelegramStars,
            attempt_id: referred(&wanted.payload).to_owned(),
            reference: Some(wanted.payload),
            invoice_id: format!("link_{}", uuid::Uuid::new_v4().simple()),
            state: "unpaid".to_owned(),
            external_id: None,
            amount_minor: wanted.prices.iter().map(|price| price.amount).sum(),
            currency: wanted.currency,
            description: wanted.description,
            created_at: instant(self.inner.clock.now()),
            paid_at: None,
            expires_at: None,
            subscribes: wanted.subscription_period.is_some(),
            renewals: 0,
        };
        self.keep(&invoice)
    }

    /// The bot's transactions, oldest first.
    pub(super) fn star_transactions(
        &self,
        service: &str,
        asked: &Value,
    ) -> Result<Value, StoreError> {
        let number = |name: &str| {
            asked.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok())
        };
        let all: Vec<Transaction> = self.inner.store.list(&folder(service))?;
        let page = all.iter().skip(number("offset").unwrap_or(0));
        let page = page.take(number("limit").unwrap_or(100)).map(Transaction::shown);
        Ok(json!({ "transactions": page.collect::<Vec<_>>() }))
    }

    /// Writes down stars that came or went.
    pub(super) fn book_stars(&self, invoice: &Invoice, asked: &Outcome) -> Result<(), StoreError> {
        let came = match asked.outcome.as_str() {
            "paid" | "renewed" => true,
            "refunded" => false,
            _ => return Ok(()),
        };
        let transaction = Transaction {
            id: invoice.external_id.clone().unwrap_or_default(),
            amount: asked.amount_minor.unwrap_or(invoice.amount_minor),
            date: self.inner.clock.now().as_second(),
            user_id: asked.user_id.unwrap_or(SOMEBODY),
            payload: invoice.reference.clone().unwrap_or_default(),
            came,
            subscribes: invoice.subscribes,
        };
        let known: Vec<Transaction> = self.inner.store.list(&folder(&invoice.service))?;
        if known.iter().any(|other| (&other.id, other.came) == (&transaction.id, came)) {
            return Ok(());
        }
        let number = self.next("stars/count")?;
        self.inner.store.put(&format!("{}{number:012}", folder(&invoice.service)), &transaction)
    }

    /// Gives a charge back; false when it went back before. One that came by an update of the
    /// desk's own stands in no book.
    pub(super) fn refund_stars(&self, service: &str, asked: &Value) -> Result<bool, StoreError> {
        let charge = asked.get("telegram_payment_charge_id").and_then(Value::as_str);
        let known: Vec<Transaction> = self.inner.store.list(&folder(service))?;
        let mut own = known.into_iter().filter(|known| Some(known.id.as_str()) == charge);
        let Some(came) = own.next() else { return Ok(true) };
        if own.next().is_some() {
            return Ok(false);
        }
        let went = Transaction { came: false, date: self.inner.clock.now().as_second(), ..came };
        let number = self.next("stars/count")?;
        self.inner.store.put(&format!("{}{number:012}", folder(service)), &went)?;
        Ok(true)
    }

    /// Tells the bot of a payment or a refund, as an update of its own.
    pub(super) async fn tell_stars(
        &self,
        invoice: &Invoice,
        asked: &Outcome,
    ) -> Result<Option<Value>, StoreError> {
        let kind = match asked.outcome.as_str() {
            "paid" | "renewed" => "successful_payment",
            "refunded" => "refunded_payment",
            _ => return Ok(None),
        };
        let service = invoice.service.as_str();
        let number = self.next("telegram/updates")?;
        let user = asked.user_id.unwrap_or(SOMEBODY);
        let mut update = json!({
            "update_id": number,
            "message": {
                "message_id": number,
                "date": self.inner.clock.now().as_second(),
                "chat": { "id": user, "type": "private", "first_name": "" },
                "from": { "id": user, "is_bot": false, "first_name": "" },
            },
        });
        let mut payment = json!({
            "currency": asked.currency.as_ref().unwrap_or(&invoice.currency),
            "total_amount": asked.amount_minor.unwrap_or(invoice.amount_minor),
            "invoice_payload": invoice.reference,
            "telegram_payment_charge_id": invoice.external_id,
            "provider_payment_charge_id": "",
        });
        let begins_or_goes_on = invoice.subscribes && kind == "successful_payment";
        if let Some(payment) = payment.as_object_mut().filter(|_| begins_or_goes_on) {
            let until = self.inner.clock.now().as_second().saturating_add(PERIOD_S);
            payment.insert("subscription_expiration_date".to_owned(), until.into());
            payment.insert("is_recurring".to_owned(), true.into());
            payment.insert("is_first_recurring".to_owned(), (asked.outcome == "paid").into());
        }
        if let Some(message) = update.get_mut("message").and_then(Value::as_object_mut) {
            message.insert(kind.to_owned(), payment);
        }
        let secret = self.inner.secrets.get(service, "TELEGRAM_WEBHOOK_SECRET");
        let path = self.webhook_of(service).unwrap_or_else(|| hooks::of(service).telegram.into());
        Ok(Some(self.deliver(service, &path, (SECRET_HEADER, &secret), &update).await))
    }
}

fn folder(service: &str) -> String {
    format!("stars/{service}/")
}
