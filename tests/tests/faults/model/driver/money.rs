//! Money: it comes, does not, and goes back.

use serde_json::{Value, json};

use super::super::acts::{Part, Terms, Word};
use super::super::rules::{Attempt, DAY, Provider, Says, Status, Wrong};
use super::{Driver, iso, words};

impl Driver {
    pub(super) async fn pay(&mut self, which: usize, new: bool, word: Word, terms: Terms) {
        let Some(index) = self.attempt(which) else { return };
        let (now, attempt) = (self.now(), self.model.attempts[index].clone());
        self.touched = (attempt.payer, Some(index));
        let (external, repeated) = self.charge(index, &attempt, which, new);
        let contract = attempt.contract.clone().map(|id| (attempt.provider, id));
        let ending = contract.is_some_and(|key| self.model.contracts[&key].ending);
        let over = attempt.contract.as_ref().is_some_and(|id| !self.live.contains(id));
        if ending && !repeated && attempt.status == Status::Refunded && !over {
            // It settles or not by when the provider confirms.
            return;
        }
        let Word::Told { times, at_once } = word else {
            let open = !matches!(attempt.status, Status::Paid | Status::Refunded);
            let quiet = open && attempt.says == Says::Unpaid;
            // Whose books are read: a renewal of which nobody is told is found there.
            let renews = attempt.provider.renews() && !attempt.gift && !repeated;
            if attempt.invoiced && (quiet || (renews && attempt.status == Status::Paid)) {
                self.paid_quietly(index, &external).await;
                if attempt.provider.renews() {
                    self.model.books.push((index, external.clone(), now));
                }
                self.model.attempts[index].says = Says::Paid(external);
            }
            return;
        };
        if terms == Terms::Right {
            self.tell_success(index, &external, terms, (times, at_once)).await;
            self.model.success(index, &external, true, now);
        } else {
            let number = self.count();
            let external = match attempt.provider {
                Provider::Cloudpayments => (9_000_000 + number).to_string(),
                _ => format!("wrong.{number}"),
            };
            self.tell_success(index, &external, terms, (times, at_once)).await;
            self.model.aside.insert((attempt.provider, external));
        }
    }

    /// What the payment is called, and whether that was told before: one that nobody has told, one
    /// that was told, or a new one.
    fn charge(
        &mut self,
        index: usize,
        attempt: &Attempt,
        which: usize,
        new: bool,
    ) -> (String, bool) {
        let number = self.count();
        let own = self.model.payments.iter().filter(|payment| payment.attempt == index);
        let before: Vec<String> = own.map(|payment| payment.external.clone()).collect();
        let fresh = match attempt.provider {
            Provider::Cloudpayments => (1_000_000 + number).to_string(),
            provider if before.is_empty() => words::named(provider, &attempt.id),
            provider => format!("{}.{number}", words::named(provider, &attempt.id)),
        };
        let external = match &attempt.says {
            Says::Paid(external) if !before.contains(external) => external.clone(),
            _ if before.is_empty() || new => fresh,
            _ => before[which % before.len()].clone(),
        };
        let repeated = before.contains(&external);
        (external, repeated)
    }

    pub(super) async fn fail(&mut self, which: usize, told: bool) {
        let Some(index) = self.attempt(which) else { return };
        let (now, attempt) = (self.now(), self.model.attempts[index].clone());
        self.touched = (attempt.payer, Some(index));
        if told && attempt.provider != Provider::Stars {
            self.tell_failure(index).await;
            self.model.failure(index, now);
        } else if attempt.provider == Provider::Sandbox
            && attempt.says == Says::Unpaid
            && attempt.invoiced
        {
            let failed = json!({ "outcome": "failed", "webhook": false });
            self.bench.desk("POST", &format!("payments/{}", attempt.id), &failed).await;
            self.model.attempts[index].says = Says::Failed;
        }
    }

    pub(super) async fn refund(&mut self, which: usize, part: Part, times: usize) {
        let count = self.model.payments.len();
        if count == 0 {
            return;
        }
        let payment = self.model.payments[count - 1 - which % count].clone();
        let (now, number) = (self.now(), self.count());
        let (index, external, provider) = (payment.attempt, payment.external, payment.provider);
        if provider == Provider::Lavatop {
            // It tells of no refunds.
            return;
        }
        self.touched = (self.model.attempts[index].payer, Some(index));
        let price = provider.price();
        let minor = match (provider, part) {
            // A charge in stars is given back whole and once; CloudPayments says how much.
            (Provider::Stars, _) => price,
            (_, Part::Whole) => price - payment.refunded,
            (_, Part::Half) => price / 2,
            (_, Part::Seventh) => price / 7,
            (_, Part::TooMuch) => price + 1,
        };
        let refund = match provider {
            Provider::Stars => external.clone(),
            Provider::Cloudpayments => (5_000_000 + number).to_string(),
            Provider::Sandbox | Provider::Lavatop => format!("refund.{number}"),
        };
        for _ in 0..times {
            self.tell_refund(index, &external, &refund, minor).await;
            self.model.refund(index, &external, &refund, Some(minor), now);
        }
    }

    pub(super) async fn refund_early(&mut self, which: usize) {
        let Some(index) = self.attempt(which) else { return };
        let (now, number) = (self.now(), self.count());
        let attempt = self.model.attempts[index].clone();
        if attempt.provider != Provider::Sandbox {
            return;
        }
        let external = format!("unheard.{number}");
        let body = json!({
            "attempt_id": attempt.id, "external_id": external, "event": "refund",
        });
        let reply = self.sandbox_tells(&body).await;
        let taken = self.model.refund(index, &external, &external, None, now);
        self.must(&reply, if taken { 200 } else { 503 }, None);
    }

    /// An administrator gives money back. Of the providers the sandbox alone knows what was paid
    /// here.
    pub(super) async fn give_back(&mut self, which: usize, part: Part, times: usize) {
        let own = self.model.payments.iter().filter(|one| one.provider == Provider::Sandbox);
        let payments: Vec<_> = own.cloned().collect();
        let silent = self.model.silent.contains(&Provider::Sandbox);
        if payments.is_empty() || silent || !self.has("club-admin-refund") {
            return;
        }
        let payment = &payments[payments.len() - 1 - which % payments.len()];
        let (index, external) = (payment.attempt, &payment.external);
        self.touched = (self.model.attempts[index].payer, Some(index));
        let (now, key) = (self.now(), format!("refund-{}", self.count()));
        let price = Provider::Sandbox.price();
        let left = price - payment.refunded;
        let (minor, body) = match part {
            Part::Whole => (left, json!({})),
            Part::Half => (price / 2, json!({ "amount": words::decimal(price / 2) })),
            Part::Seventh => (price / 7, json!({ "amount": words::decimal(price / 7) })),
            Part::TooMuch => (price + 1, json!({ "amount": words::decimal(price + 1) })),
        };
        let path = format!("/api/admin/payments/sandbox:{external}/refund");
        for _ in 0..times {
            let reply = self.administers(&path, Some(&key), &body).await;
            if left == 0 {
                self.must(&reply, 409, Some("already_refunded"));
            } else if minor > left {
                self.must(&reply, 400, None);
            } else {
                self.must(&reply, 200, None);
                let found = &reply.body["refund"];
                let status = if minor == left { "refunded" } else { "partially_refunded" };
                self.same("status", &found["status"], &json!(status));
                self.same("amount", &found["amount"], &json!(words::decimal(minor)));
            }
        }
        if (1..=left).contains(&minor) && !self.model.is(Wrong::TheOfficeTakesNothing) {
            self.model.refund(index, external, &key, Some(minor), now);
        }
    }

    /// The provider says where a standing subscription stands.
    pub(super) async fn over(&mut self, which: usize, status: &str, days: Option<i64>) {
        let begun = self.model.attempts.iter().enumerate().filter(|(_, attempt)| {
            let tells = [Provider::Cloudpayments, Provider::Lavatop].contains(&attempt.provider);
            tells && attempt.contract.is_some()
        });
        let begun: Vec<usize> = begun.map(|(index, _)| index).collect();
        if begun.is_empty() {
            return;
        }
        let index = begun[begun.len() - 1 - which % begun.len()];
        let attempt = self.model.attempts[index].clone();
        self.touched = (attempt.payer, Some(index));
        if attempt.provider == Provider::Lavatop {
            let until = days.map(|days| self.now() + days * DAY);
            let word = json!({
                "eventType": match status {
                    "PastDue" => "subscription.recurring.payment.failed",
                    _ => "subscription.cancelled",
                },
                "contractId": attempt.contract, "status": "subscription-failed",
                "willExpireAt": until.map(iso),
            });
            for _ in 0..2 {
                self.lavatop_tells(&word).await;
            }
            if status != "PastDue" {
                self.model.over(index, until, self.now());
            }
            return;
        }
        let notice = json!({
            "Id": attempt.contract, "AccountId": attempt.payer.to_string(), "Status": status,
            "Amount": "2000.00", "Currency": "RUB",
        });
        for _ in 0..2 {
            self.bank_tells("recurrent", &notice, 0).await;
        }
        if status != "PastDue" {
            self.model.over(index, None, self.now());
        }
    }

    /// Before it takes money the provider asks whether it may.
    pub(super) async fn query(&mut self, which: usize, terms: Terms) {
        let Some(index) = self.attempt(which) else { return };
        let now = self.now();
        let attempt = self.model.attempts[index].clone();
        let payable = self.model.payable(index, now);
        match attempt.provider {
            Provider::Sandbox | Provider::Lavatop => {}
            Provider::Stars => {
                let found = self.query_of_stars(index, terms).await;
                let expected = terms == Terms::Right && payable == Ok(());
                self.same("the answer before the payment", &found, &json!(expected));
            }
            Provider::Cloudpayments => {
                let mut notice = self.notice(index, "1", terms);
                if attempt.contract.is_some() && terms != Terms::NoAttempt {
                    // One more payment by the payer's own hand, not by the subscription.
                    notice["InvoiceId"] = json!(attempt.id);
                    notice["SubscriptionId"] = Value::Null;
                }
                let code = match terms {
                    Terms::NoAttempt => 10,
                    Terms::OtherPayer => 11,
                    Terms::OtherSum | Terms::OtherCurrency => 12,
                    Terms::Right => payable.err().unwrap_or(0),
                };
                self.bank_tells("check", &notice, code).await;
            }
        }
    }
}
