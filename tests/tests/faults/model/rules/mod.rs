//! The rules of payments, gifts and contracts as the contract writes them, once more and by
//! themselves: plain data, no I/O, one thing after another. What the service does is compared with
//! this.

mod links;
mod money;
mod time;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::Offset;
use jiff::{Span, Timestamp};

/// Seconds since 1970.
pub type Instant = i64;
pub const DAY: Instant = 86_400;
pub const DAYS: Instant = 30;
pub const AWARD: i64 = 500;
/// At these ages an attempt without money is asked about once more.
const FOLLOW_UPS: [Instant; 4] = [900, 3_600, 6 * 3_600, DAY];
const CHECK_EVERY: Instant = 30;
const CHECKS: u32 = 10;
/// A check is lost when it is this late.
const LATE: Instant = 120;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    Sandbox,
    Stars,
    Cloudpayments,
    Lavatop,
}

impl Provider {
    const ALL: [Self; 4] = [Self::Sandbox, Self::Stars, Self::Cloudpayments, Self::Lavatop];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Stars => "stars",
            Self::Cloudpayments => "cloudpayments",
            Self::Lavatop => "lavatop",
        }
    }

    pub fn of(name: &str) -> Self {
        Self::ALL.into_iter().find(|one| one.name() == name).expect("a provider")
    }

    /// What a month and a gift cost, in minor units.
    pub fn price(self) -> i64 {
        if self == Self::Stars { 1_500 } else { 200_000 }
    }

    /// Does it take the money of every month by itself?
    pub fn renews(self) -> bool {
        self != Self::Sandbox
    }

    /// What it calls the standing subscription that an attempt's first payment begins.
    pub fn contract(self, attempt: &str, external: &str) -> String {
        match self {
            Self::Cloudpayments => format!("sc_{attempt}"),
            Self::Lavatop => format!("lt_{attempt}"),
            // Telegram knows one by its first charge.
            Self::Stars | Self::Sandbox => external.to_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Pending,
    Paid,
    Failed,
    Abandoned,
    Refunded,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
            Self::Refunded => "refunded",
        }
    }
}

/// What a provider answers when it is asked about an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    Unpaid,
    Failed,
    /// By the payment of this id.
    Paid(String),
}

#[derive(Clone, Debug, Default)]
pub struct Member {
    pub expires: Option<Instant>,
    pub balance: i64,
    pub gifted: bool,
    pub first_purchase: Option<Instant>,
    /// Lines of the ledger.
    pub entries: usize,
    /// Until when incomes last, the oldest first, and what is left of each.
    pub lots: Vec<(Instant, i64)>,
    /// The standing subscription that renews theirs.
    pub contract: Option<(Provider, String)>,
    /// The last that renewed it, whether it does or not, and whether the member ended it.
    pub last_contract: Option<(Provider, String)>,
    pub cancelled: bool,
    /// The last end of theirs that the guard has closed.
    pub closed: Option<Instant>,
}

impl Member {
    pub fn is_paid(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires > now)
    }

    /// An income.
    fn earns(&mut self, energies: i64, now: Instant) {
        let ends = half_a_year_after(now);
        let ends = self.lots.last().map_or(ends, |(last, _)| ends.max(*last));
        self.lots.push((ends, energies));
        self.balance += energies;
        self.entries += 1;
    }

    /// An expense, of what there is: what came first goes first.
    fn loses(&mut self, energies: i64) {
        let mut taken = energies.min(self.balance);
        self.balance -= taken;
        self.entries += usize::from(taken > 0);
        for (_, left) in &mut self.lots {
            let part = taken.min(*left);
            *left -= part;
            taken -= part;
        }
    }

    /// From when on they may buy again, while they may not.
    pub fn unlocks(&self, now: Instant) -> Option<Instant> {
        let expires = self.expires?;
        (expires + 7 * DAY < now && now < expires + 90 * DAY).then_some(expires + 90 * DAY)
    }
}

#[derive(Clone, Debug)]
pub struct Attempt {
    pub id: String,
    pub payer: i64,
    pub gift: bool,
    pub recipient: Option<i64>,
    pub provider: Provider,
    pub status: Status,
    pub made: Instant,
    pub checks: u32,
    /// When the next check is due, and whether a message for it is on its way.
    pub due: Instant,
    pub hinted: bool,
    /// Up to when it was asked about once more.
    pub asked: Instant,
    pub says: Says,
    /// Has the provider an invoice of it?
    pub invoiced: bool,
    /// Do we know its invoice?
    pub answered: bool,
    pub contract: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Payment {
    pub provider: Provider,
    pub external: String,
    pub attempt: usize,
    pub refunded: i64,
    pub refunds: BTreeSet<String>,
    /// What was taken back for that.
    pub days_back: Instant,
    pub energies_back: i64,
    pub gift: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    Paid,
    Activated,
    Expired,
    Revoked,
}

#[derive(Clone, Debug)]
pub struct Gift {
    pub attempt: usize,
    pub giver: i64,
    pub recipient: Option<i64>,
    pub made: Instant,
    pub held: Held,
    /// By whom, when, and until when their subscription lasted by it.
    pub used: Option<(i64, Instant, Instant)>,
}

impl Gift {
    /// What is over by the clock is over, whether the job has been there or not.
    pub fn held_at(&self, now: Instant) -> Held {
        let over = self.held == Held::Paid && self.made + 365 * DAY <= now;
        if over { Held::Expired } else { self.held }
    }
}

#[derive(Clone, Debug)]
pub struct Contract {
    pub attempt: usize,
    pub newest: String,
    /// Was its end asked for?
    pub ending: bool,
    /// From when until when its newest payment made the subscription last.
    pub period: (Instant, Instant),
}

/// What somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    Congratulated,
    NotCompleted,
    GiftLink,
    GiftActivated,
    GiftExpired,
    Refunded,
    Reminded,
    AccessClosed,
}

/// What a request for a link comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    GiftSelf,
    Cooldown(Instant),
    Active(Instant),
    AutoRenewal,
    Open(usize),
    New,
}

/// One rule told wrong, to see that it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    DaysDoNotStack,
    LateMoneyIsLost,
    RefundsRepeat,
    AnyoneActivates,
    GiversAreAwarded,
    FailuresWin,
    AnyTimeIsCut,
    TheOfficeTakesNothing,
    EnergiesLast,
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    pub wrong: Option<Wrong>,
    pub members: BTreeMap<i64, Member>,
    pub attempts: Vec<Attempt>,
    pub payments: Vec<Payment>,
    pub gifts: Vec<Gift>,
    pub contracts: BTreeMap<(Provider, String), Contract>,
    /// What the providers' books show that can be read: attempt, payment, when.
    pub books: Vec<(usize, String, Instant)>,
    /// Money put aside.
    pub aside: BTreeSet<(Provider, String)>,
    pub told: BTreeMap<(i64, Told), usize>,
    /// Providers that do not answer when they are asked.
    pub silent: BTreeSet<Provider>,
}

/// What somebody asks a link for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub payer: i64,
    pub gift: bool,
    pub recipient: Option<i64>,
    pub provider: Provider,
    /// Although the subscription renews itself.
    pub force: bool,
}

/// What runs by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Job {
    Sweep,
    Reconcile,
    GiftsExpire,
    Guard,
    Remind,
    EnergiesExpire,
}

/// Six months later in Moscow, at the same time of the day.
fn half_a_year_after(at: Instant) -> Instant {
    let moscow = Offset::constant(3);
    let at = moscow.to_datetime(Timestamp::from_second(at).expect("an instant"));
    let later = moscow.to_timestamp(at.checked_add(Span::new().months(6)).expect("a date"));
    later.expect("an instant").as_second()
}

impl Model {
    /// How much there is: attempts by provider, payments, refunds, activated gifts, contracts,
    /// messages.
    pub fn counts(&self) -> [usize; 9] {
        let [sandbox, stars, cards, lava] = Provider::ALL
            .map(|provider| self.attempts.iter().filter(|a| a.provider == provider).count());
        let used = self.gifts.iter().filter(|gift| gift.used.is_some()).count();
        let refunds = self.payments.iter().map(|payment| payment.refunds.len()).sum();
        let told = self.told.values().sum();
        let (payments, contracts) = (self.payments.len(), self.contracts.len());
        [sandbox, stars, cards, lava, payments, refunds, used, contracts, told]
    }

    pub fn is(&self, wrong: Wrong) -> bool {
        self.wrong == Some(wrong)
    }

    fn tell(&mut self, who: i64, what: Told) {
        *self.told.entry((who, what)).or_default() += 1;
    }

    fn member(&mut self, id: i64) -> &mut Member {
        self.members.get_mut(&id).expect("a member")
    }

    pub fn named(&self, id: &str) -> Option<usize> {
        self.attempts.iter().position(|attempt| attempt.id == id)
    }

    pub fn payment(&self, provider: Provider, external: &str) -> Option<usize> {
        let same = |p: &Payment| p.provider == provider && p.external == external;
        self.payments.iter().position(same)
    }
}
