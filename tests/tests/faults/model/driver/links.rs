//! Links: asking for one, asking again, while the provider is well and while it is not.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::acts::Trouble;
use super::super::rules::{Instant, Link, Provider, Status, Wish};
use super::{Driver, Key, date, iso, words};
use crate::bench::Reply;

impl Driver {
    fn body(wish: &Wish) -> Value {
        let offer = if wish.gift { "gift_rub_2000" } else { "monthly_rub_2000" };
        let mut body = json!({
            "telegram_id": wish.payer, "email": format!("member{}@example.test", wish.payer),
            "offer_key": offer, "provider": wish.provider.name(),
        });
        match wish.recipient {
            // As the gift form names the recipient, and as others do.
            Some(id) if wish.payer % 2 == 1 => {
                body["email"] = json!(format!("{id}_giftclub@mail.ru"))
            }
            Some(id) => body["recipient_id"] = json!(id.to_string()),
            None => {}
        }
        if wish.force {
            body["force_renew"] = json!(true);
        }
        body
    }

    async fn ask(&self, wish: &Wish, key: Option<&str>, body: &Value) -> Reply {
        let launch = self.bench.launch(wish.payer);
        let mut headers = vec![("authorization", launch.as_str())];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        self.bench.send("POST", "/api/payments/generate-link", &headers, body).await
    }

    /// Asks for a link, under a key or not.
    pub(super) async fn wish(
        &mut self,
        wish: &Wish,
        key: Option<String>,
        trouble: Option<Trouble>,
    ) {
        let now = self.now();
        let expected = self.model.link(wish, now);
        let silent = self.model.silent.contains(&wish.provider);
        let trouble = match (silent, trouble) {
            (true, _) => Some(Trouble::Refused),
            (_, Some(Trouble::PaidMeanwhile)) if wish.provider != Provider::Sandbox => None,
            (_, trouble) => trouble,
        };
        let trouble = trouble.filter(|_| expected == Link::New);
        let place = match wish.provider {
            Provider::Sandbox => "provider",
            Provider::Stars => "telegram",
            Provider::Cloudpayments | Provider::Lavatop => "bank",
        };
        let kind = trouble.map(|trouble| match trouble {
            Trouble::Refused => "error",
            Trouble::LostAnswer => "lost_answer",
            Trouble::PaidMeanwhile => "delay",
        });
        if let Some(kind) = kind.filter(|_| !silent) {
            self.weather(Some((place, kind))).await;
        }
        let body = Self::body(wish);
        let (reply, paid) = match trouble {
            Some(Trouble::PaidMeanwhile) => {
                let asked = self.ask(wish, key.as_deref(), &body);
                let (reply, paid) = tokio::join!(asked, self.pays_meanwhile(wish.payer));
                (reply, paid)
            }
            _ => (self.ask(wish, key.as_deref(), &body).await, false),
        };
        if kind.is_some() && !silent {
            self.weather(None).await;
        }
        let linked = match expected {
            Link::GiftSelf => {
                self.must(&reply, 400, Some("gift_self"));
                return;
            }
            Link::Cooldown(unlock) => {
                self.must(&reply, 403, Some("cooldown_active"));
                return self.same("unlock_date", &reply.body["unlock_date"], &json!(date(unlock)));
            }
            Link::Active(expires) => {
                self.must(&reply, 200, None);
                self.same("active", &reply.body["active_subscription"], &json!(true));
                return self.same("expires_at", &reply.body["expires_at"], &json!(iso(expires)));
            }
            Link::AutoRenewal => {
                self.must(&reply, 200, None);
                let found = json!([reply.body["provider"], reply.body["auto_renewal"]]);
                return self.same("the answer", &found, &json!(["cloudpayments", true]));
            }
            Link::Open(index) => {
                if !self.must(&reply, 200, None) {
                    return;
                }
                let id = json!(self.model.attempts[index].id);
                self.same("attempt_id", &reply.body["attempt_id"], &id);
                self.same("reused", &reply.body["reused"], &json!(true));
                index
            }
            Link::New => match self.opened(wish, &reply, trouble, paid, now).await {
                Some(index) => index,
                None => return,
            },
        };
        self.touched = (wish.payer, Some(linked));
        if let Some(name) = key {
            self.keys.retain(|key| key.name != name);
            self.keys.push(Key { name, wish: wish.clone(), attempt: linked, at: now });
        }
    }

    /// Waits for the attempt that is being made, and pays it before its link is known.
    async fn pays_meanwhile(&self, payer: i64) -> bool {
        for _ in 0..200 {
            for item in self.bench.items().await {
                let fresh = item.get("kind").is_some_and(|kind| kind == "Attempt")
                    && item["status"] == "created"
                    && item["payer"] == payer;
                if fresh {
                    let id = item["pk"].as_str().unwrap().trim_start_matches("ATTEMPT#");
                    return self.bench.deliver(id).await.status == 200;
                }
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        false
    }

    /// A new attempt, with a link or without.
    async fn opened(
        &mut self,
        wish: &Wish,
        reply: &Reply,
        trouble: Option<Trouble>,
        paid: bool,
        now: Instant,
    ) -> Option<usize> {
        let fails = matches!(trouble, Some(Trouble::Refused | Trouble::LostAnswer));
        let fine = match fails {
            true => self.must(reply, 502, Some("provider_error")),
            false => self.must(reply, 200, None),
        };
        if !fine {
            return None;
        }
        let known = |id: &str| self.model.named(id).is_some();
        let items = self.bench.items().await;
        let attempts = items.iter().filter(|i| i.get("kind").is_some_and(|kind| kind == "Attempt"));
        let ids = attempts.filter_map(|item| item["pk"].as_str()?.strip_prefix("ATTEMPT#"));
        let fresh: Vec<&str> = ids.filter(|id| !known(id)).collect();
        let [id] = fresh.as_slice() else {
            self.differ(format!("one new attempt expected, there are {fresh:?}"));
            return None;
        };
        let id = (*id).to_owned();
        if !fails {
            self.same("attempt_id", &reply.body["attempt_id"], &json!(id));
            self.same("reused", &reply.body["reused"], &json!(false));
            let url = reply.body["payment_url"].as_str().unwrap_or_default();
            if url.is_empty() {
                self.differ("a link without a URL".to_owned());
            }
        }
        let invoiced = trouble != Some(Trouble::Refused);
        self.model.open(&id, wish, !fails, invoiced, now);
        let index = self.model.attempts.len() - 1;
        if paid {
            self.model.success(index, &words::named(Provider::Sandbox, &id), true, now);
        }
        Some(index)
    }

    pub(super) async fn again(&mut self, which: usize, same: bool) {
        let now = self.now();
        // A key is kept for a day.
        self.keys.retain(|key| now - key.at < 23 * 3_600);
        if self.keys.is_empty() {
            return;
        }
        let Key { name, wish, attempt, .. } =
            &self.keys[self.keys.len() - 1 - which % self.keys.len()];
        let (name, wish, attempt) = (name.clone(), wish.clone(), *attempt);
        self.touched = (wish.payer, Some(attempt));
        let mut body = Self::body(&wish);
        if !same {
            body["phone"] = json!("+70000000000");
            let reply = self.ask(&wish, Some(&name), &body).await;
            self.must(&reply, 422, Some("idempotency_mismatch"));
            return;
        }
        if self.model.attempts[attempt].status == Status::Failed {
            return Box::pin(self.wish(&wish, Some(name), None)).await;
        }
        // Of an attempt that was paid although its link was never answered, the provider is asked for
        // the link once more. LavaTop cannot say whether it had made one.
        let unanswered = !self.model.attempts[attempt].answered;
        if unanswered && wish.provider == Provider::Lavatop {
            return;
        }
        let reply = self.ask(&wish, Some(&name), &body).await;
        if unanswered && self.model.silent.contains(&wish.provider) {
            self.must(&reply, 502, Some("provider_error"));
            return;
        }
        self.must(&reply, 200, None);
        self.model.attempts[attempt].answered = true;
        let id = json!(self.model.attempts[attempt].id);
        self.same("attempt_id", &reply.body["attempt_id"], &id);
    }
}
