//! What members and administrators do, as requests.

use serde_json::{Value, json};

use super::board::{Board, recent};
use crate::storm::asks::Ask;
use crate::storm::dice::Dice;

/// Cities, each in spellings that come to the same.
pub const CITIES: [&str; 5] = ["Москва", "Орёл", "Тула", "москва", "ОРЕЛ"];
/// What the shop sells: without end, few of them, few for each, tickets, days.
pub const WARES: [(&str, &str); 9] = [
    ("tea", "gift"),
    ("mug", "gift"),
    ("pin", "discount"),
    ("month", "access"),
    ("raffle-0", "raffle_ticket"),
    ("raffle-1", "raffle_ticket"),
    ("raffle-2", "raffle_ticket"),
    ("raffle-3", "raffle_ticket"),
    ("raffle-4", "raffle_ticket"),
];
const LOOKS: [&str; 27] = [
    "/api/v1/gifts/my",
    "/api/v1/gifts/my",
    "/api/v1/users/me",
    "/api/v1/energies/balance",
    "/api/v1/energies/history?limit=20",
    "/api/v1/energies/weekly-progress",
    "/api/v1/ratings/all-data",
    "/api/v1/ratings/personal",
    "/api/v1/ratings/user-position",
    "/api/v1/ratings/cities",
    "/api/v1/ratings/teams",
    "/api/v1/gamification/stats",
    "/api/v1/gamification/achievements",
    "/api/v1/gamification/xp-history",
    "/api/v1/gamification/leaderboard",
    "/api/teams",
    "/api/teams/my",
    "/api/teams/stats",
    "/api/reports/my",
    "/api/reports/stats/my",
    "/api/v1/shop/items",
    "/api/v1/shop/purchases",
    "/api/v1/courses",
    "/api/v1/courses/favorites/list",
    "/api/v1/content/progress/stats",
    "/api/v1/meditations/stats/summary",
    "/api/streams/attendance/stats",
];

/// What somebody does. The numbers beside are how often, compared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Profile,
    Buy,
    Report,
    TakeBack,
    Meditate,
    Learn,
    Like,
    Watch,
    Attend,
    Join,
    Light,
    Link,
    Activate,
    Look,
    Nonsense,
    Award,
    Spend,
    Trigger,
    Experience,
    Found,
    Place,
    Leave,
    Lead,
    Distribute,
    Use,
    Draw,
    Put,
    Delete,
    Announce,
    Status,
    Publish,
    Job,
    Grant,
    Revoke,
    MayLead,
}

const ACTS: [(Act, usize); 35] = [
    (Act::Profile, 5),
    (Act::Buy, 12),
    (Act::Report, 6),
    (Act::TakeBack, 4),
    (Act::Meditate, 6),
    (Act::Learn, 6),
    (Act::Like, 2),
    (Act::Watch, 5),
    (Act::Attend, 5),
    (Act::Join, 7),
    (Act::Light, 3),
    (Act::Link, 5),
    (Act::Activate, 3),
    (Act::Look, 8),
    (Act::Nonsense, 2),
    (Act::Award, 6),
    (Act::Spend, 5),
    (Act::Trigger, 5),
    (Act::Experience, 4),
    (Act::Found, 2),
    (Act::Place, 5),
    (Act::Leave, 5),
    (Act::Lead, 4),
    (Act::Distribute, 2),
    (Act::Use, 3),
    (Act::Draw, 1),
    (Act::Put, 3),
    (Act::Delete, 1),
    (Act::Announce, 1),
    (Act::Status, 1),
    (Act::Publish, 2),
    (Act::Job, 3),
    (Act::Grant, 2),
    (Act::Revoke, 1),
    (Act::MayLead, 1),
];

impl Act {
    /// Is `Idempotency-Key` honoured?
    fn takes_key(self) -> bool {
        use Act::*;
        matches!(
            self,
            Buy | Award | Spend | Experience | Found | Link | Activate | Meditate | Grant
        )
    }

    /// Does the answer tell what has become of it, not of anything else?
    pub fn is_told_again(self) -> bool {
        self.takes_key() && !matches!(self, Self::Link | Self::Activate)
    }

    /// The statuses a sound request of this kind may get, besides 429 and 503.
    fn statuses(self) -> &'static [u16] {
        use Act::*;
        match self {
            Profile => &[200, 409],
            Buy => &[200, 403, 404, 409],
            Report => &[200, 403, 409],
            TakeBack => &[200, 403, 404, 409],
            Meditate | Watch | Attend => &[200, 403, 404],
            Learn => &[200, 400, 403, 404],
            Like | Use | Status => &[200, 404],
            Link => &[200, 403, 502],
            Activate => &[200, 403, 404, 409, 410],
            Nonsense => &[400, 401, 403, 404, 405, 413],
            Spend | Publish | Distribute => &[200, 409],
            Found | Leave | Announce => &[200, 409],
            Place | Lead | Draw => &[200, 404, 409],
            Put => &[200, 409],
            Job => &[200, 202, 409],
            _ => &[200],
        }
    }
}

/// A request, and what is known of it.
#[derive(Clone, Debug)]
pub struct Step {
    pub act: Act,
    pub ask: Ask,
    pub key: Option<String>,
    pub statuses: &'static [u16],
    /// Is it an administrator's?
    pub office: bool,
}

/// Somebody with a die, who makes up the next step.
pub struct Mind<'a> {
    pub me: i64,
    pub people: &'a [i64],
    pub dice: &'a mut Dice,
    /// Numbers that nobody else draws.
    pub fresh: i64,
}

impl Mind<'_> {
    /// The next step; none where there is nothing yet to do it to.
    pub fn step(&mut self, board: &Board) -> Option<Step> {
        let act = self.dice.drawn(&ACTS);
        let (office, ask) = match self.own(act, board) {
            Some(ask) => (false, ask?),
            None => (true, self.of_office(act, board)?),
        };
        let mut step = Step { act, ask, key: None, statuses: act.statuses(), office };
        if act.takes_key() && self.dice.chance(75) {
            let key = format!("storm-{}", self.fresh);
            step.ask = step.ask.key(&key);
            step.key = Some(key);
        }
        Some(step)
    }

    /// What members do; none for what they do not.
    fn own(&mut self, act: Act, board: &Board) -> Option<Option<Ask>> {
        let post = |path: &str, body: Value| Some(Ask::new("POST", path).json(&body));
        let number = self.dice.number(0, 3);
        Some(match act {
            Act::Profile => Some(self.profile()),
            Act::Buy => {
                let (item, _) = *self.dice.pick(&WARES);
                let mut wish = json!({ "itemId": item });
                if self.dice.chance(30) {
                    wish["expectedPrice"] = self.dice.pick(&[10, 11]).to_owned().into();
                }
                post("/api/v1/shop/purchase", wish)
            }
            Act::Report => post(
                "/api/reports/submit",
                json!({ "content": format!("За неделю {}", self.fresh) }),
            ),
            Act::TakeBack => {
                let mine = board.reports.iter().rev().find(|(author, _)| *author == self.me);
                let any = recent(&board.reports, self.dice);
                let chosen = if self.dice.chance(85) { mine } else { any };
                chosen.map(|(_, id)| Ask::new("DELETE", format!("/api/reports/{id}")))
            }
            Act::Meditate => {
                let (seconds, done) = (self.dice.number(0, 400), self.dice.chance(60));
                let body = json!({ "durationListened": seconds, "completed": done });
                post(&format!("/api/v1/meditations/quiet-{number}/session"), body)
            }
            Act::Learn => {
                let body = json!({ "completedDay": 1 + number });
                post("/api/v1/courses/sleep/progress", body)
            }
            Act::Like => {
                post("/api/v1/courses/sleep/favorite", json!({ "favorite": self.dice.chance(50) }))
            }
            Act::Watch => {
                let video = format!("video-{}", self.dice.number(0, 7));
                let body =
                    json!({ "videoId": video, "watchTimeSeconds": self.dice.number(0, 900) });
                post("/api/v1/content/progress/complete", body)
            }
            Act::Attend => {
                let stream = format!("stream-{}", self.dice.number(0, 7));
                let online = self.dice.chance(50);
                match self.dice.chance(50) {
                    true => post(
                        &format!("/api/streams/{stream}/attend"),
                        json!({ "watchedOnline": online }),
                    ),
                    false => post(
                        "/api/streams/attendance",
                        json!({ "streamId": stream, "watchedOnline": online }),
                    ),
                }
            }
            Act::Join => {
                let what = *self.dice.pick(&[
                    "join",
                    "join",
                    "join",
                    "my",
                    "cities",
                    "can-create",
                    "report-status",
                ]);
                post(&format!("/api/v1/decades/{what}"), json!({}))
            }
            Act::Light => {
                let light = *self.dice.pick(&["green", "red"]);
                let body = json!({ "status": light, "problemDescription": "Тихо" });
                post("/api/v1/decades/report", body)
            }
            Act::Link => post("/api/payments/generate-link", self.link()),
            Act::Activate => {
                let token = recent(&board.tokens, self.dice).cloned();
                token.and_then(|token| post("/api/v1/gifts/activate", json!({ "token": token })))
            }
            Act::Look => Some(Ask::new("GET", *self.dice.pick(&LOOKS))),
            Act::Nonsense => Some(self.nonsense()),
            _ => return None,
        })
    }

    fn profile(&mut self) -> Ask {
        let body = match self.dice.below(3) {
            0 => json!({ "city": self.dice.pick(&CITIES) }),
            1 => json!({ "firstName": format!("Анна-{}", self.fresh) }),
            _ => json!({ "settings": { "theme": self.dice.pick(&["dark", "light"]) } }),
        };
        Ask::new("PATCH", "/api/v1/users/me").json(&body)
    }

    fn link(&mut self) -> Value {
        let offer = *self.dice.pick(&["monthly_rub_2000", "gift_rub_2000"]);
        let mut wish = json!({
            "telegram_id": self.me, "email": "a@example.test", "offer_key": offer,
            "provider": "sandbox",
        });
        let to = *self.dice.pick(self.people);
        if offer.starts_with("gift") && to != self.me && self.dice.chance(40) {
            wish["recipient_id"] = to.into();
        }
        wish
    }

    fn nonsense(&mut self) -> Ask {
        let post = |path: &str| Ask::new("POST", path);
        match self.dice.below(8) {
            0 => post("/api/v1/shop/purchase").raw("{"),
            1 => post("/api/v1/shop/purchase").json(&json!({ "itemId": "no such/item" })),
            2 => post("/api/reports/submit").json(&json!({ "content": "   " })),
            3 => {
                post("/api/v1/gamification/add-xp").json(&json!({ "userId": self.me, "amount": 9 }))
            }
            4 => Ask::new("GET", "/api/teams/nobody"),
            5 => Ask::new("DELETE", "/api/v1/users/me"),
            6 => post("/api/v1/courses/sleep/progress").json(&json!({ "completedDay": 99 })),
            _ => Ask::new("GET", "/api/reports/01HZZZZZZZZZZZZZZZZZZZZZZZ"),
        }
    }
}
