//! What people do, as requests.

use serde_json::{Value, json};

use super::super::properties::town::{Ask, Person};
use super::board::Board;
use crate::storm::dice::Dice;

const CATEGORIES: [&str; 7] = [
    "Сантехника",
    "Электрика",
    "Бытовой ремонт",
    "Клининг",
    "Сборка/установка",
    "Бытовая техника",
    "Другое",
];
const CITIES: [&str; 6] = ["Москва", "москва ", "Орёл", "ОРЕЛ", "Ростов-на-Дону", "Казань"];
const COMPLAINTS: [&str; 5] =
    ["Не отвечал", "Отменил заказ", "Неадекватное поведение", "Ложная информация", "Другое"];
const STATUSES: [&str; 6] =
    ["active", "expired", "deleted", "closed_no_response", "completed", "all"];
/// Contacts that everybody uses, so that people meet at them.
const SHARED: i64 = 6;

/// What somebody does. The numbers beside are how often, compared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Post,
    List,
    Get,
    Edit,
    Delete,
    Take,
    Respond,
    Complete,
    Close,
    Recharge,
    Invoice,
    Poll,
    PayInSandbox,
    Review,
    Complain,
    Reviews,
    Check,
    Wish,
    Settings,
    Look,
    Page,
    Nonsense,
}

const ACTS: [(Act, usize); 22] = [
    (Act::Post, 14),
    (Act::List, 9),
    (Act::Get, 9),
    (Act::Edit, 4),
    (Act::Delete, 3),
    (Act::Take, 22),
    (Act::Respond, 5),
    (Act::Complete, 3),
    (Act::Close, 4),
    (Act::Recharge, 7),
    (Act::Invoice, 6),
    (Act::Poll, 3),
    (Act::PayInSandbox, 3),
    (Act::Review, 6),
    (Act::Complain, 3),
    (Act::Reviews, 2),
    (Act::Check, 2),
    (Act::Wish, 3),
    (Act::Settings, 3),
    (Act::Look, 5),
    (Act::Page, 2),
    (Act::Nonsense, 2),
];

impl Act {
    /// Is `Idempotency-Key` honoured?
    fn takes_key(self) -> bool {
        use Act::*;
        matches!(
            self,
            Post | Take | Respond | Complete | Close | Recharge | Invoice | Review | Complain
        )
    }

    /// The statuses a sound request of this kind may get, besides 429 and 503.
    fn statuses(self) -> &'static [u16] {
        match self {
            Self::Post => &[201, 409],
            Self::Get => &[200, 404],
            Self::Edit => &[200, 403, 404, 409, 410],
            Self::Delete => &[204, 403, 404],
            Self::Take => &[200, 402, 403, 404, 409, 410],
            Self::Respond | Self::Complete => &[200, 403, 404, 409, 410],
            Self::Close => &[204, 403, 404, 409, 410],
            Self::PayInSandbox => &[204, 404],
            Self::Poll => &[200, 404],
            Self::Review => &[200, 400, 404, 409],
            Self::Complain => &[200, 404, 409],
            Self::Nonsense => &[401, 404, 405, 413, 415, 422],
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
    /// The order that it is about.
    pub order: Option<String>,
    pub statuses: &'static [u16],
    /// What an invoice is for.
    pub rubles: i64,
    pub provider: &'static str,
}

/// Somebody with a die, who makes up the next step.
pub struct Mind<'a> {
    pub me: &'a Person,
    pub dice: &'a mut Dice,
    /// Numbers that nobody else draws.
    pub fresh: i64,
}

impl Mind<'_> {
    /// The next step; none where there is nothing yet to do it to.
    pub fn step(&mut self, board: &mut Board) -> Option<Step> {
        let act = self.dice.drawn(&ACTS);
        let mut step = Step {
            act,
            ask: Ask::new("GET", "/health"),
            key: None,
            order: None,
            statuses: act.statuses(),
            rubles: 0,
            provider: "",
        };
        step.ask = match act {
            Act::Post => self.post(board),
            Act::List => self.list(),
            Act::Recharge => {
                let rubles = self.dice.number(1, 6);
                self.me.post("/api/balance/recharge", &json!({ "amount": rubles }))
            }
            Act::Invoice => self.invoice(&mut step),
            Act::Poll | Act::PayInSandbox => self.payment(act, board)?,
            Act::Wish | Act::Settings => self.wish(act),
            Act::Look | Act::Reviews | Act::Page => self.look(act),
            Act::Nonsense => self.nonsense(),
            _ => self.about_order(&mut step, board)?,
        };
        if act.takes_key() && self.dice.chance(75) {
            let key = format!("key-{}", self.fresh);
            step.ask = step.ask.key(&key);
            step.key = Some(key);
        }
        Some(step)
    }

    /// A contact nobody else has, or one that many have, in one of its spellings.
    fn contact(&mut self, board: &mut Board) -> String {
        let number = match self.dice.below(10) {
            0 => self.dice.number(0, SHARED - 1),
            // One's own from before: its order may have ended, or not.
            1..=3 => 1_000 + self.me.id % 1_000 * 4 + self.dice.number(0, 3),
            _ => 100_000 + self.fresh,
        };
        let (mark, contact) = match number % 4 {
            0 => (format!("qz{number:08}"), format!("@qz{number:08}")),
            1 => (format!("qz{number:08}"), format!("https://t.me/QZ{number:08}")),
            2 => (format!("+7955{number:07}"), format!("+7955{number:07}")),
            _ => (format!("qz{number:08}"), format!("Viber:  qz{number:08}")),
        };
        board.owns(self.me.id, &mark);
        contact
    }

    fn post(&mut self, board: &mut Board) -> Ask {
        let contact = self.contact(board);
        let job = json!({
            "category": self.dice.pick(&CATEGORIES), "city": self.dice.pick(&CITIES),
            "contact": contact,
            "description": format!("Течёт кран на кухне, срочно (wx{:08})", self.fresh),
        });
        self.me.post("/api/orders", &job)
    }

    fn list(&mut self) -> Ask {
        let mut query = vec![format!("limit={}", self.dice.number(1, 100))];
        let mut with = |dice: &mut Dice, percent: usize, words: &[&str], name: &str| {
            if dice.chance(percent) {
                query.push(format!("{name}={}", encoded(dice.pick::<&str>(words))));
            }
        };
        with(self.dice, 40, &STATUSES, "status");
        with(self.dice, 20, &CATEGORIES, "category");
        with(self.dice, 20, &CITIES, "city");
        with(self.dice, 15, &["true"], "mine");
        with(self.dice, 15, &["true"], "taken_by_me");
        with(self.dice, 10, &["1", "20"], "offset");
        let path = format!("/api/orders?{}", query.join("&"));
        match self.dice.chance(30) {
            true => Ask::new("GET", path),
            false => self.me.ask("GET", path),
        }
    }

    fn invoice(&mut self, step: &mut Step) -> Ask {
        step.provider = *self.dice.pick(&["sandbox", "crypto_bot", "telegram_stars"]);
        step.rubles = self.dice.number(1, 30);
        let wish = json!({ "amount": step.rubles, "provider": step.provider });
        self.me.post("/api/balance/create-invoice", &wish)
    }

    fn payment(&mut self, act: Act, board: &Board) -> Option<Ask> {
        let payment = board.payment(self.dice)?;
        if act == Act::Poll {
            let path = format!("/api/balance/payment/{}/status", payment.id);
            return Some(self.me.ask("GET", path));
        }
        let told = json!({ "webhook": self.dice.chance(50) });
        Some(self.me.post(format!("/api/sandbox/payments/{}/pay", payment.id), &told))
    }

    fn wish(&mut self, act: Act) -> Ask {
        let some = |dice: &mut Dice, of: &[&str], most: usize| -> Vec<Value> {
            (0..dice.below(most + 1)).map(|_| json!(*dice.pick::<&str>(of))).collect()
        };
        if act == Act::Wish {
            let (categories, cities) =
                (some(self.dice, &CATEGORIES, 3), some(self.dice, &CITIES, 2));
            let wish = json!({ "categories": categories, "cities": cities });
            return self.me.ask("PUT", "/api/users/me/preferences").json(&wish);
        }
        let settings = match self.dice.below(3) {
            0 => json!({ "enabled": self.dice.chance(40) }),
            1 => json!({ "frequency": self.dice.number(5, 15) }),
            _ => json!({ "enabled": self.dice.chance(60), "frequency": 5 }),
        };
        self.me.ask("PUT", "/api/users/me/notification-settings").json(&settings)
    }

    fn look(&mut self, act: Act) -> Ask {
        let path: &&str = match act {
            Act::Look => self.dice.pick(&[
                "/api/users/me",
                "/api/users/me/preferences",
                "/api/users/me/notification-settings",
                "/api/balance",
            ]),
            Act::Reviews => self.dice.pick(&[
                "/api/reviews",
                "/api/reviews?rating=5&limit=3",
                "/api/reviews?mine=true",
                "/api/reviews?by_me=true",
            ]),
            _ => self.dice.pick(&[
                "/api/balance/transactions?limit=10",
                "/api/balance/transactions?type=refund",
                "/api/cities?search=%D0%BE%D1%80%D1%91%D0%BB",
                "/",
            ]),
        };
        self.me.ask("GET", *path)
    }

    fn nonsense(&mut self) -> Ask {
        match self.dice.below(8) {
            0 => self.me.ask("POST", "/api/orders").raw("{"),
            1 => self.me.post("/api/orders", &json!({ "category": "Такси" })),
            2 => self.me.ask("GET", "/api/orders?limit=0"),
            3 => self.me.ask("GET", "/api/orders?cursor=bm9uZQ"),
            4 => self.me.post("/api/balance/recharge", &json!({ "amount": "много" })),
            5 => Ask::new("GET", "/api/users/me").header("authorization", "tma hash=1"),
            6 => self.me.ask("DELETE", "/api/users/me"),
            _ => self.me.ask("GET", "/api/orders/AAAAAAAAAAAA"),
        }
    }

    fn about_order(&mut self, step: &mut Step, board: &mut Board) -> Option<Ask> {
        let own = matches!(
            step.act,
            Act::Edit | Act::Delete | Act::Respond | Act::Complete | Act::Close | Act::Review
        );
        let order = board.order(self.dice, own.then_some(self.me.id))?;
        step.order = Some(order.clone());
        let path = format!("/api/orders/{order}");
        Some(match step.act {
            Act::Take => self.me.acting(&order, "take"),
            Act::Respond => self.me.acting(&order, "respond"),
            Act::Complete => self.me.acting(&order, "complete"),
            Act::Close => self.me.acting(&order, "close"),
            Act::Delete => self.me.ask("DELETE", path),
            Act::Edit => {
                let mut change = json!({ "category": self.dice.pick(&CATEGORIES) });
                if self.dice.chance(60) {
                    change["contact"] = self.contact(board).into();
                }
                self.me.ask("PUT", path).json(&change)
            }
            Act::Review => {
                let rating = self.dice.number(1, 5);
                let mut review = json!({ "order_id": order, "rating": rating });
                if self.dice.chance(30) {
                    review["comment"] = "Спасибо".into();
                }
                self.me.post("/api/reviews/client", &review)
            }
            Act::Complain => {
                let complaint = self.dice.pick(&COMPLAINTS);
                let complaint = json!({ "order_id": order, "complaint": complaint });
                self.me.post("/api/reviews/executor", &complaint)
            }
            Act::Check => self.me.ask("GET", format!("/api/reviews/check?order_id={order}")),
            _ if self.dice.chance(20) => Ask::new("GET", path),
            _ => self.me.ask("GET", path),
        })
    }
}

/// Percent-encoded, every byte of it.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
