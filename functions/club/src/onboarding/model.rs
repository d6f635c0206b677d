//! The states of an onboarding and the keyword. No I/O.

use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, days};
use shared::ledger::shard;
use shared::table::{Entity, Key};

/// Partitions of the index of onboardings in which something comes next.
pub const DUE_SHARDS: u64 = 4;
/// Between two hints at the keyword.
const HINT_INTERVAL: SignedDuration = SignedDuration::from_mins(10);
/// Moscow's offset from UTC.
const MOSCOW: SignedDuration = SignedDuration::from_hours(3);
/// When a gift is offered on the next day, in hours of Moscow's day.
const OFFER_AT: i64 = 10;
/// When a member is asked how it goes, in hours of Moscow's day.
const CHECK_IN_AT: i64 = 9;
/// On which days after the end.
const CHECK_IN_DAYS: [u32; 4] = [7, 14, 21, 28];

/// Where an onboarding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The keyword is to come.
    AwaitingKeyword,
    /// The button is to be pressed.
    AwaitingReady,
    /// Over, but for a few words.
    OnboardingComplete,
}

/// Something that is said once in a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The video, or the text in its place.
    Video,
    /// The keyword is missed; the number of the reminder, from 1.
    Keyword(u32),
    /// Something else came than the keyword. Not once in a cycle, but at most every ten minutes.
    Hint,
    /// The keyword came: the button.
    Ready,
    /// The button is missed; the number of the reminder, from 1.
    ReadyAgain(u32),
    /// The menu.
    Menu,
    /// A gift for a friend.
    GiftOffer,
    /// How does it go? The day.
    CheckIn(u32),
}

impl fmt::Display for Line {
    /// As keys and messages of the queue have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Video => f.write_str("video"),
            Self::Keyword(n) => write!(f, "keyword_{n}"),
            Self::Hint => f.write_str("hint"),
            Self::Ready => f.write_str("ready"),
            Self::ReadyAgain(n) => write!(f, "ready_{n}"),
            Self::Menu => f.write_str("menu"),
            Self::GiftOffer => f.write_str("gift_offer"),
            Self::CheckIn(day) => write!(f, "check_in_{day}"),
        }
    }
}

/// When what comes, counted from the beginning of its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Reminders of the keyword.
    pub keyword: Vec<SignedDuration>,
    /// Reminders of the button.
    pub ready: Vec<SignedDuration>,
    /// The button is not waited for any more.
    pub auto: SignedDuration,
}

/// What comes next in an onboarding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is said.
    pub line: Line,
    /// When.
    pub due: Instant,
}

/// The onboarding of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Onboarding {
    /// Whose, by Telegram id.
    pub tg_id: i64,
    /// What has begun it, by id.
    pub cycle: String,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub since: Instant,
    /// Steps of the state that are behind.
    pub steps: u32,
    /// When the next is due, where there is one.
    pub due_at: Option<Instant>,
    /// When the member was last hinted at the keyword.
    pub hinted_at: Option<Instant>,
    /// Grows with every change within a cycle.
    pub version: u64,
}

/// What something that a member has written in private comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The keyword: it goes on so.
    Keyword(Onboarding),
    /// Something else: a hint is due, and it goes on so.
    Other(Onboarding),
    /// Nothing.
    Nothing,
}

/// What a hint at a step comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hinted {
    /// That step is behind or void.
    Drop,
    /// It is too early: again after this pause.
    Later(SignedDuration),
    /// Take this step.
    Take(Step),
}

impl Onboarding {
    /// An onboarding at its beginning. Its first step, the video, is due at once.
    #[must_use]
    pub fn begun(tg_id: i64, cycle: &str, now: Instant) -> Self {
        Self {
            tg_id,
            cycle: cycle.to_owned(),
            state: State::AwaitingKeyword,
            since: now,
            steps: 0,
            due_at: Some(now),
            hinted_at: None,
            version: 1,
        }
    }

    /// Where the onboarding of a member is.
    #[must_use]
    pub fn key_of(tg_id: i64) -> Key {
        Key::new(format!("ONBOARDING#{tg_id}"), "ONBOARDING")
    }

    /// What comes next.
    #[must_use]
    pub fn next(&self, plan: &Plan) -> Option<Step> {
        let (n, nth) = (self.steps, usize::try_from(self.steps).ok()?);
        let (line, due) = match self.state {
            State::AwaitingKeyword => match nth.checked_sub(1) {
                None => (Line::Video, self.since),
                Some(before) => (Line::Keyword(n), self.since + *plan.keyword.get(before)?),
            },
            State::AwaitingReady => match plan.ready.get(nth) {
                Some(after) => (Line::ReadyAgain(n.saturating_add(1)), self.since + *after),
                None => (Line::Menu, self.since + plan.auto),
            },
            State::OnboardingComplete => match nth.checked_sub(1) {
                None => (Line::GiftOffer, moscow_hour(self.since, 1, OFFER_AT)),
                Some(before) => {
                    let day = *CHECK_IN_DAYS.get(before)?;
                    (Line::CheckIn(day), moscow_hour(self.since, day, CHECK_IN_AT))
                }
            },
        };
        Some(Step { line, due })
    }

    /// The same with its next step behind; the last of those before the end is the end.
    #[must_use]
    pub fn stepped(&self, step: Step, plan: &Plan, now: Instant) -> Self {
        match step.line {
            Line::Menu => self.moved(State::OnboardingComplete, plan, now),
            _ => Self { steps: self.steps.saturating_add(1), ..self.clone() }.changed(plan),
        }
    }

    /// What a hint at `line` of `cycle` comes to.
    #[must_use]
    pub fn hinted(&self, cycle: &str, line: &str, plan: &Plan, now: Instant) -> Hinted {
        let next = self.next(plan).filter(|next| self.cycle == cycle && next.line.is(line));
        match next {
            None => Hinted::Drop,
            Some(step) if step.due > now => Hinted::Later(step.due.since(now)),
            Some(step) => Hinted::Take(step),
        }
    }

    /// What a text in private comes to.
    #[must_use]
    pub fn heard(&self, text: &str, keyword: &str, plan: &Plan, now: Instant) -> Heard {
        if self.state != State::AwaitingKeyword {
            return Heard::Nothing;
        }
        if is_keyword(text, keyword) {
            return Heard::Keyword(self.moved(State::AwaitingReady, plan, now));
        }
        match self.hinted_at {
            Some(at) if now.since(at) < HINT_INTERVAL => Heard::Nothing,
            _ => Heard::Other(Self { hinted_at: Some(now), ..self.clone() }.changed(plan)),
        }
    }

    /// The same once the button is pressed; `None` when it is not waited for.
    #[must_use]
    pub fn pressed(&self, plan: &Plan, now: Instant) -> Option<Self> {
        let waits = self.state == State::AwaitingReady;
        waits.then(|| self.moved(State::OnboardingComplete, plan, now))
    }

    fn moved(&self, state: State, plan: &Plan, now: Instant) -> Self {
        Self { state, since: now, steps: 0, hinted_at: None, ..self.clone() }.changed(plan)
    }

    fn changed(self, plan: &Plan) -> Self {
        let due_at = self.next(plan).map(|step| step.due);
        Self { due_at, version: self.version.saturating_add(1), ..self }
    }
}

impl Line {
    /// Is this its name?
    fn is(self, name: &str) -> bool {
        self.to_string() == name
    }
}

/// In how far ahead a step is hinted at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Within hours: by every change of the row.
    Soon,
    /// In days: by the sweep.
    Later,
}

impl Due {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Soon, Self::Later];

    /// How far ahead the next step of an onboarding in this state is.
    #[must_use]
    pub fn of(state: State) -> Self {
        match state {
            State::AwaitingKeyword | State::AwaitingReady => Self::Soon,
            State::OnboardingComplete => Self::Later,
        }
    }

    /// The partition of the index `due` with this number.
    #[must_use]
    pub fn partition(self, shard: u64) -> String {
        match self {
            Self::Soon => format!("ONBOARDING#{shard}"),
            Self::Later => format!("CHECKIN#{shard}"),
        }
    }
}

impl Entity for Onboarding {
    const KIND: &'static str = "Onboarding";

    fn key(&self) -> Key {
        Self::key_of(self.tg_id)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        let shard = shard(&self.tg_id.to_string(), DUE_SHARDS);
        let partition = || ("due_pk", Due::of(self.state).partition(shard));
        self.due_at.map(|_| vec![partition()]).unwrap_or_default()
    }
}

/// Is this the keyword? Both sides are trimmed, folded by case, and their runs of spaces are one.
#[must_use]
pub fn is_keyword(text: &str, keyword: &str) -> bool {
    compared(text).eq(compared(keyword))
}

/// A text as it is compared.
fn compared(text: &str) -> impl Iterator<Item = char> {
    let words = text.split_whitespace().enumerate();
    words
        .flat_map(|(n, word)| (n > 0).then_some(' ').into_iter().chain(word.chars().flat_map(fold)))
}

/// A character folded by case: what becomes the same in upper case is the same, so that `ß` is
/// `ss` and a final `ς` is `σ`. The dotless `ı` has no case.
fn fold(c: char) -> impl Iterator<Item = char> {
    let dotless = (c == 'ı').then_some(c);
    let others = dotless.is_none().then_some(c).into_iter();
    let folded = others.flat_map(char::to_lowercase).flat_map(char::to_uppercase);
    dotless.into_iter().chain(folded.flat_map(char::to_lowercase))
}

/// An hour of the day in Moscow that is so many days after that of `at`.
fn moscow_hour(at: Instant, after_days: u32, hour: i64) -> Instant {
    let day_s = days(1).as_secs();
    let local_s = (at + MOSCOW).seconds();
    let midnight = Instant::from_seconds(local_s - local_s.rem_euclid(day_s)) - MOSCOW;
    midnight + days(after_days) + SignedDuration::from_hours(hour)
}
