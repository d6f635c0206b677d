//! What energies are earned by and spent on. No I/O.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::clock::Instant;

use crate::auth::Member;
use crate::calendar::moscow_day;
use crate::texts;

/// What a payment earns, unless the service is set otherwise.
pub const PAYMENT_AWARD: u32 = 500;
/// What the activation of a gift earns, unless the service is set otherwise.
pub const GIFT_AWARD: u32 = 500;
/// What a completed month earns.
pub(super) const MONTH_AWARD: u32 = 500;
/// By how much the leader of an active team earns more.
const LEADER_MULTIPLIER: u32 = 2;

/// What energies were earned by or spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A payment of one's own.
    Payment,
    /// The activation of a gift.
    Gift,
    /// A payment taken back.
    Refund,
    /// A lesson of a course.
    Lesson,
    /// A video watched.
    Video,
    /// The recording of a stream watched.
    Stream,
    /// The report of a week.
    WeeklyReport,
    /// The first visit of a day.
    DailyLogin,
    /// The practice of a Sunday.
    SundayPractice,
    /// A month that was completed.
    MonthCompletion,
    /// Something bought in the shop.
    Purchase,
    /// A weekly report taken back.
    ReportReversal,
    /// The report of a day, in the chat of a team.
    Otchet,
    /// The practice of a weekend, in the chat of a city.
    Praktika,
    /// An insight told in the chat of a city.
    Insight,
    /// A challenge taken in the chat of a city.
    Challeng,
    /// A call of the city.
    Sozvon,
    /// The club in one's stories.
    Storis,
    /// A call and stories in one message.
    Combo,
    /// Something that an administrator gives.
    AdminAward,
    /// Something that an administrator takes.
    AdminSpend,
    /// The rest of an income whose time is over.
    Expiry,
}

/// Energies to be given, at least 1, once for each key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Award {
    pub(super) kind: Kind,
    pub(super) amount: u32,
    pub(super) reason: Cow<'static, str>,
    pub(super) key: String,
    pub(super) doubles: bool,
    pub(super) metadata: Map<String, Value>,
}

impl Award {
    /// An award that the leader of an active team gets doubled.
    fn doubled(kind: Kind, amount: u32, reason: impl Into<Cow<'static, str>>, key: String) -> Self {
        Self { kind, amount, reason: reason.into(), key, doubles: true, metadata: Map::new() }
    }

    /// The same for everybody.
    fn plain(self) -> Self {
        Self { doubles: false, ..self }
    }

    /// For the payment of this id.
    #[must_use]
    pub fn payment(payment_id: &str) -> Self {
        let key = format!("payment:{payment_id}");
        Self::doubled(Kind::Payment, PAYMENT_AWARD, texts::REASON_PAYMENT, key)
    }

    /// For the activation of the gift of this id; never doubled.
    #[must_use]
    pub fn gift(gift_id: &str) -> Self {
        let key = format!("gift:{gift_id}");
        Self::doubled(Kind::Gift, GIFT_AWARD, texts::REASON_GIFT, key).plain()
    }

    /// For a day of a course.
    #[must_use]
    pub fn lesson(course_id: &str, day: u32, title: Option<&str>) -> Self {
        let key = format!("lesson:{course_id}:day{day}");
        Self::doubled(Kind::Lesson, 20, texts::reason_lesson(title), key)
    }

    /// For a video that was watched.
    #[must_use]
    pub fn video(video_id: &str, title: &str) -> Self {
        let key = format!("video:{video_id}");
        Self::doubled(Kind::Video, 20, texts::reason_video(title), key)
    }

    /// For the recording of a stream that was watched.
    #[must_use]
    pub fn stream(stream_id: &str) -> Self {
        Self::doubled(Kind::Stream, 20, texts::REASON_STREAM, format!("stream:{stream_id}"))
    }

    /// For the report of a week.
    #[must_use]
    pub fn weekly_report(report_id: &str) -> Self {
        let key = format!("report:{report_id}");
        Self::doubled(Kind::WeeklyReport, 100, texts::REASON_WEEKLY_REPORT, key)
    }

    /// For the first visit of the day of `now`.
    #[must_use]
    pub fn daily_login(now: Instant) -> Self {
        let key = format!("login:{}", moscow_day(now));
        Self::doubled(Kind::DailyLogin, 10, texts::REASON_DAILY_LOGIN, key)
    }

    /// For a lesson that somebody else's service says was watched. A day of a course is
    /// `<course>:day<N>` there, too: it earns once, whoever tells of it.
    #[must_use]
    pub fn lesson_view(lesson_id: &str, title: Option<&str>) -> Self {
        let key = format!("lesson:{lesson_id}");
        Self::doubled(Kind::Lesson, 20, texts::reason_lesson(title), key)
    }

    /// For the practice of a Sunday.
    #[must_use]
    pub fn sunday_practice(practice_id: &str) -> Self {
        let key = format!("sunday:{practice_id}");
        Self::doubled(Kind::SundayPractice, 50, texts::REASON_SUNDAY_PRACTICE, key)
    }

    /// For a month that was completed, such as `2026-01`; never doubled.
    #[must_use]
    pub fn month_completion(month: &str) -> Self {
        let key = format!("month:{month}");
        Self::doubled(Kind::MonthCompletion, MONTH_AWARD, texts::REASON_MONTH, key).plain()
    }

    /// What an administrator gives under an id of its own; never doubled.
    #[must_use]
    pub fn by_hand(id: &str, amount: u32, reason: String, metadata: Map<String, Value>) -> Self {
        let award = Self::doubled(Kind::AdminAward, amount, reason, format!("admin:{id}")).plain();
        Self { metadata, ..award }
    }

    /// For a hashtag in the message of this key.
    pub(super) fn hashtag(
        kind: Kind,
        amount: u32,
        reason: &'static str,
        key: String,
        metadata: Map<String, Value>,
    ) -> Self {
        Self { metadata, ..Self::doubled(kind, amount, reason, key) }
    }

    /// The same award of another amount.
    #[must_use]
    pub fn of(self, amount: u32) -> Self {
        Self { amount, ..self }
    }

    /// What the member gets, and what the entry tells of it. Leadership counts as it stands in
    /// the member that the transaction is conditioned on.
    pub(super) fn credit(&self, member: &Member) -> (u32, Map<String, Value>) {
        let mut metadata = self.metadata.clone();
        if !(self.doubles && member.is_team_leader) {
            return (self.amount, metadata);
        }
        let bonus = [
            ("leaderBonus", Value::Bool(true)),
            ("originalAmount", self.amount.into()),
            ("multiplier", LEADER_MULTIPLIER.into()),
        ];
        metadata.extend(bonus.map(|(name, value)| (name.to_owned(), value)));
        (self.amount.saturating_mul(LEADER_MULTIPLIER), metadata)
    }
}

/// Energies to be taken, at least 1, once for each key, whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expense {
    pub(super) kind: Kind,
    pub(super) amount: u32,
    pub(super) reason: Cow<'static, str>,
    pub(super) key: String,
    pub(super) metadata: Map<String, Value>,
}

impl Expense {
    /// What a refund of a payment takes back.
    #[must_use]
    pub fn refund(payment_id: &str, refund_id: &str, amount: u32) -> Self {
        let key = format!("refund:{payment_id}:{refund_id}");
        Self::of(Kind::Refund, amount, texts::REASON_REFUND, key)
    }

    /// What something in the shop costs.
    #[must_use]
    pub fn purchase(purchase_id: &str, title: &str, amount: u32) -> Self {
        let key = format!("purchase:{purchase_id}");
        Self::of(Kind::Purchase, amount, texts::reason_purchase(title), key)
    }

    /// What the report of a week had earned, when it is taken back.
    #[must_use]
    pub fn report_reversal(report_id: &str, amount: u32) -> Self {
        let key = format!("report_reversal:{report_id}");
        Self::of(Kind::ReportReversal, amount, texts::REASON_REPORT_REVERSAL, key)
    }

    /// What an administrator takes under an id of its own.
    #[must_use]
    pub fn by_hand(id: &str, amount: u32, reason: String, metadata: Map<String, Value>) -> Self {
        let expense = Self::of(Kind::AdminSpend, amount, reason, format!("admin:{id}"));
        Self { metadata, ..expense }
    }

    /// The rest of the income under this key, whose time is over.
    pub(super) fn expiry(income: &str, amount: u32) -> Self {
        Self::of(Kind::Expiry, amount, texts::REASON_EXPIRY, format!("expire:{income}"))
    }

    fn of(kind: Kind, amount: u32, reason: impl Into<Cow<'static, str>>, key: String) -> Self {
        Self { kind, amount, reason: reason.into(), key, metadata: Map::new() }
    }
}
