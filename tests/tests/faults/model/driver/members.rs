//! What members do with gifts and subscriptions, and administrators for them.

use serde_json::{Value, json};

use super::{Driver, date, iso};
use crate::bench::Reply;

impl Driver {
    pub(super) async fn activate(&mut self, which: usize, who: i64, times: usize, by_bot: bool) {
        let count = self.model.gifts.len();
        if count == 0 {
            return;
        }
        let index = count - 1 - which % count;
        let (now, gift) = (self.now(), self.model.gifts[index].clone());
        // Mostly whom it is for.
        let who = if which.is_multiple_of(3) { who } else { gift.recipient.unwrap_or(who) };
        let attempt = &self.model.attempts[gift.attempt].id;
        let Some(token) = self.tokens.get(attempt).cloned() else {
            return self.differ(format!("no gift of {attempt}"));
        };
        self.touched = (who, Some(gift.attempt));
        if by_bot && self.has("club-onboarding-remind") {
            let update = self.says(who, &format!("/start gift_{token}"));
            for _ in 0..times {
                self.tell(&update).await;
            }
            self.idle().await;
            let _ = self.model.activate(index, who, now);
            return;
        }
        for _ in 0..times {
            let path = "/api/v1/gifts/activate";
            let reply = self.posts(who, path, &json!({ "token": token })).await;
            match self.model.activate(index, who, now) {
                Ok(until) => {
                    self.must(&reply, 200, None);
                    let found = &reply.body["subscriptionExpires"];
                    self.same("subscriptionExpires", found, &json!(iso(until)));
                    self.same("energiesEarned", &reply.body["energiesEarned"], &json!(500));
                }
                Err(code) => {
                    let status = match code {
                        "gift_wrong_recipient" => 403,
                        "gift_self" | "gift_already_activated" => 409,
                        _ => 410,
                    };
                    self.must(&reply, status, Some(code));
                }
            }
        }
    }

    async fn posts(&self, who: i64, path: &str, body: &Value) -> Reply {
        let launch = self.bench.launch(who);
        self.bench.send("POST", path, &[("authorization", &launch)], body).await
    }

    /// What somebody writes to the bot.
    fn says(&mut self, who: i64, text: &str) -> Value {
        json!({ "update_id": 1_000_000 + self.count(), "message": {
            "message_id": 1, "date": self.now(), "chat": { "id": who, "type": "private" },
            "from": { "id": who, "is_bot": false, "first_name": "Анна" }, "text": text,
        }})
    }

    pub(super) async fn cancel(&mut self, who: i64) {
        self.touched = (who, None);
        let now = self.now();
        let path = match self.count() % 2 {
            0 => "/api/v1/users/cancel-subscription",
            _ => "/api/payments/cancel-subscription",
        };
        if !self.has("club-users-cancel-subscription") {
            return;
        }
        let Some(expected) = self.model.cancel(who, now) else { return };
        let reply = self.posts(who, path, &json!({ "telegram_id": who })).await;
        match expected {
            Ok(provider) => {
                self.must(&reply, 200, None);
                self.same("provider", &reply.body["provider"], &json!(provider.name()));
                let until = self.model.members[&who].expires.map(date);
                self.same("expires_at", &reply.body["expires_at"], &json!(until));
            }
            Err("provider_error") => _ = self.must(&reply, 502, None),
            Err(code) => _ = self.must(&reply, 400, Some(code)),
        }
    }

    pub(super) async fn administers(&self, path: &str, key: Option<&str>, body: &Value) -> Reply {
        let secret = self.bench.secret("ADMIN_SECRET");
        let mut headers = vec![("x-admin-secret", secret.as_str())];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        self.bench.send("POST", path, &headers, body).await
    }

    pub(super) async fn grant(&mut self, who: i64, days: i64) {
        self.touched = (who, None);
        if !self.has("club-admin-grant") {
            return;
        }
        let body = json!({ "telegram_id": who, "days": days, "reason": "test" });
        let reply = self.administers("/api/admin/grant-subscription", None, &body).await;
        self.must(&reply, 200, None);
        let until = self.model.grant(who, days, self.now());
        self.same("expires_at", &reply.body["expires_at"], &json!(iso(until)));
    }

    /// What it means for a subscription that renews itself, or is over, the rules do not say.
    pub(super) async fn revoke(&mut self, who: i64) {
        let now = self.now();
        let member = &self.model.members[&who];
        if !self.has("club-admin-revoke") || member.contract.is_some() || !member.is_paid(now) {
            return;
        }
        self.touched = (who, None);
        let body = json!({ "telegram_id": who, "reason": "test" });
        let reply = self.administers("/api/admin/revoke-subscription", None, &body).await;
        self.must(&reply, 200, None);
        self.model.members.get_mut(&who).expect("a member").expires = Some(now);
    }
}
