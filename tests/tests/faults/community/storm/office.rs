//! What administrators do, as requests.

use serde_json::{Value, json};

use super::acts::{Act, CITIES, Mind};
use super::board::{Board, recent};
use crate::storm::asks::Ask;

const JOBS: [&str; 15] = [
    "attempt_sweep",
    "chat_hours",
    "energies_audit",
    "energies_expire",
    "gift_expiry",
    "health_probe",
    "onboarding_sweep",
    "outbox_sweep",
    "payments_reconcile",
    "ratings_publish",
    "ratings_reconcile",
    "renewal_reminders",
    "subscription_guard",
    "team_inactive_cleanup",
    "team_sync",
];

impl Mind<'_> {
    /// What administrators do.
    pub(super) fn of_office(&mut self, act: Act, board: &Board) -> Option<Ask> {
        let whom = *self.dice.pick(self.people);
        let post = |path: &str, body: Value| Some(Ask::new("POST", path).json(&body));
        let by_hand =
            |amount: i64| json!({ "userId": whom, "amount": amount, "reason": "За помощь" });
        match act {
            Act::Award => post("/api/v1/energies/award", by_hand(self.dice.number(1, 60))),
            Act::Spend => post("/api/v1/energies/spend", by_hand(self.dice.number(1, 150))),
            Act::Experience => {
                post("/api/v1/gamification/add-xp", by_hand(self.dice.number(1, 90)))
            }
            Act::Trigger => {
                let what = *self.dice.pick(&["daily-login", "lesson-view", "sunday-practice"]);
                let number = self.dice.number(0, 5);
                let body = json!({
                    "userId": whom, "lessonId": format!("sleep:day{number}"),
                    "practiceId": format!("practice-{number}"),
                });
                post(&format!("/api/v1/energies/triggers/{what}"), body)
            }
            Act::Distribute => post("/api/teams/distribute", json!({})),
            Act::Publish => post("/api/admin/ratings/refresh", json!({})),
            Act::Job => post(&format!("/api/admin/jobs/{}", self.dice.pick(&JOBS)), json!({})),
            Act::Grant => {
                let days = self.dice.number(1, 40);
                post("/api/admin/grant-subscription", json!({ "telegram_id": whom, "days": days }))
            }
            Act::Revoke => post("/api/admin/revoke-subscription", json!({ "telegram_id": whom })),
            Act::MayLead => {
                let body = json!({ "canLead": self.dice.chance(80) });
                Some(Ask::new("PUT", format!("/api/admin/leaders/{whom}")).json(&body))
            }
            Act::Found | Act::Place | Act::Leave | Act::Lead => self.of_teams(act, whom, board),
            _ => self.of_shelves(act, board),
        }
    }

    fn of_teams(&mut self, act: Act, whom: i64, board: &Board) -> Option<Ask> {
        let post = |path: &str, body: Value| Some(Ask::new("POST", path).json(&body));
        if act == Act::Found {
            let mut wish = json!({
                "city": self.dice.pick(&CITIES), "maxMembers": self.dice.number(2, 6),
            });
            if self.dice.chance(50) {
                wish["leaderUserId"] = whom.into();
            }
            if self.dice.chance(50) {
                wish["tgChatId"] = super::team_chat(self.dice).into();
            }
            return post("/api/teams", wish);
        }
        if act == Act::Leave {
            return post("/api/teams/leave", json!({ "userId": whom }));
        }
        let team = recent(&board.teams, self.dice)?;
        let what = if act == Act::Lead { "replace-leader" } else { "join" };
        let role = *self.dice.pick(&["member", "member", "member", "ambassador", "leader"]);
        post(&format!("/api/teams/{team}/{what}"), json!({ "userId": whom, "role": role }))
    }

    fn of_shelves(&mut self, act: Act, board: &Board) -> Option<Ask> {
        let post = |path: &str, body: Value| Some(Ask::new("POST", path).json(&body));
        match act {
            Act::Use => {
                let id = recent(&board.purchases, self.dice)?;
                post(&format!("/api/v1/shop/purchases/{id}/use"), json!({}))
            }
            Act::Draw => {
                let item = self.dice.number(0, 4);
                let winners = self.dice.number(1, 3);
                post(
                    &format!("/api/admin/shop/items/raffle-{item}/draw"),
                    json!({ "winners": winners }),
                )
            }
            Act::Put => {
                let all = super::shelves();
                let (path, fields) = self.dice.pick(&all);
                Some(Ask::new("PUT", format!("/api/admin/content/{path}")).json(fields))
            }
            Act::Delete => {
                let path = match self.dice.below(3) {
                    0 => format!("video/video-{}", self.dice.number(0, 7)),
                    1 => format!("stream/stream-{}", self.dice.number(0, 7)),
                    _ => "shop-item/tea".to_owned(),
                };
                Some(Ask::new("DELETE", format!("/api/admin/content/{path}")))
            }
            Act::Announce => {
                let id = format!("later-{}", self.fresh);
                let fields =
                    json!({ "id": id, "title": "Скоро", "scheduledAt": "2026-12-07T18:00:00Z" });
                post("/api/streams", fields)
            }
            Act::Status => {
                let status = *self.dice.pick(&["live", "completed", "scheduled"]);
                let id = self.dice.number(0, 7);
                let path = format!("/api/streams/stream-{id}/status");
                Some(Ask::new("PATCH", path).json(&json!({ "status": status })))
            }
            _ => None,
        }
    }
}
