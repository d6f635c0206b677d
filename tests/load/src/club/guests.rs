//! The members who use the club while it is measured, each with a token of their own.

use std::sync::Arc;

use benches::{CLUB_BOT, Result, launch_data};
use serde_json::{Value, json};

use crate::seed::{CITIES, pick};
use crate::stack::{Call, Stack};

/// How many there are.
pub const GUESTS: usize = 500;
/// The Telegram id of the first.
const FIRST: usize = 20_000;
/// Energies that each has to spend.
const ENERGIES: u32 = 50_000;
/// Days of the course that is followed meanwhile.
const DAYS: usize = 60;
/// That course.
const COURSE: &str = "load";
/// What is bought without end.
const LESSON: &str = "extra-lesson";
/// What is bought of a stock, which the catalogue shows.
const TICKET: &str = "load-ticket";

/// Members with tokens, and the secret of those who run the club. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Guests {
    tokens: Arc<Vec<String>>,
    secret: String,
}

impl Guests {
    /// Lets everyone sign in, have a city, paid time and energies, and puts up what they follow and
    /// buy.
    ///
    /// # Errors
    /// When somebody or something is refused.
    pub async fn arrive(stack: &Stack) -> Result<Self> {
        let settings = stack.desk("settings", &Value::Null).await?;
        let secret = settings.pointer("/services/club/secrets/ADMIN_SECRET");
        let secret = secret.and_then(Value::as_str).ok_or("no secret")?.to_owned();
        let mut guests = Self { tokens: Arc::default(), secret };
        let mut tokens = Vec::new();
        for n in 0..GUESTS {
            tokens.push(guests.arrives(stack, n).await?);
        }
        guests.tokens = Arc::new(tokens);
        guests.furnish(stack).await?;
        stack.rest().await?;
        Ok(guests)
    }

    async fn arrives(&self, stack: &Stack, n: usize) -> Result<String> {
        let launch = launch_data(CLUB_BOT, u64::try_from(FIRST + n)?)?;
        let launch = launch.trim_start_matches("tma ");
        let sign_in = Call::new("POST", "/api/v1/auth/telegram", "");
        let signed_in = stack.done(&sign_in.with(&json!({ "initData": launch }))).await?;
        let token = signed_in.get("token").and_then(Value::as_str).ok_or("no token")?;
        let token = format!("Bearer {token}");
        let city = json!({ "city": pick(&CITIES, n) });
        stack.done(&Call::new("PATCH", "/api/v1/users/me", &token).with(&city)).await?;
        let paid = json!({ "telegram_id": FIRST + n, "days": 30 });
        stack.done(&self.office("POST", "/api/admin/grant-subscription").with(&paid)).await?;
        stack.done(&self.award(n, ENERGIES)).await?;
        Ok(token)
    }

    async fn furnish(&self, stack: &Stack) -> Result<()> {
        let put = async |kind: &str, id: &str, fields: Value| {
            let path = format!("/api/admin/content/{kind}/{id}");
            stack.done(&self.office("PUT", path).with(&fields)).await
        };
        let course = json!({ "title": "Нагрузка", "category": "health", "sortOrder": 9 });
        put("course", COURSE, course).await?;
        for day in 1..=DAYS {
            let fields = json!({
                "courseId": COURSE, "dayNumber": day, "title": format!("День {day}"),
                "content": "Одно упражнение на сегодня.", "lessonType": "text",
            });
            put("course-day", &format!("{COURSE}-{day}"), fields).await?;
        }
        let ticket = json!({
            "title": "Билет", "price": 10, "category": "elite", "itemType": "raffle_ticket",
            "stock": 100_000, "sortOrder": 9,
        });
        put("shop-item", TICKET, ticket).await?;
        Ok(())
    }

    /// A call of those who run the club.
    pub fn office(&self, method: &'static str, path: impl Into<String>) -> Call {
        Call::new(method, path, "").under("x-admin-secret", &self.secret)
    }

    /// An award to number `n`.
    fn award(&self, n: usize, amount: u32) -> Call {
        let award = json!({ "userId": FIRST + n, "amount": amount, "reason": "Нагрузка" });
        self.office("POST", "/api/v1/energies/award").with(&award)
    }

    /// Number `n` asks for this, counted round and round.
    pub fn asks(&self, n: usize, path: impl Into<String>) -> Call {
        Call::new("GET", path, self.token(n))
    }

    fn token(&self, n: usize) -> &str {
        self.tokens.get(n % GUESTS).map_or("", String::as_str)
    }

    /// A change by or of number `n`: awards, lessons, and purchases, one in six of which is of a
    /// stock. `turn` is another one each time.
    pub fn changes(&self, n: usize, turn: usize) -> Call {
        let buys = |item: &str| {
            let wish = json!({ "itemId": item });
            let call = Call::new("POST", "/api/v1/shop/purchase", self.token(n)).with(&wish);
            call.under("idempotency-key", format!("load-{turn}"))
        };
        match turn % 6 {
            0 | 3 => self.award(n, 5),
            1 | 4 => {
                let path = format!("/api/v1/courses/{COURSE}/progress");
                let reached = json!({ "completedDay": turn / GUESTS % DAYS + 1 });
                Call::new("POST", path, self.token(n)).with(&reached)
            }
            2 => buys(LESSON),
            _ => buys(TICKET),
        }
    }
}
