//! Telegram's limits, kept by all senders together.
//!
//! Telegram takes so many messages a second from one bot and one a second for one chat, however
//! many processes send. Each limit is an item with the instant from which it lets the next message
//! through, moved on by a conditional update:
//!
//! - a chat's lets a message through when it is free, and is then busy for a second;
//! - the bot's gives every message a slot of its own: whoever finds it busy puts itself behind the
//!   last, so that any number of senders share one queue and nobody tries in vain.
//!
//! A slot that comes shortly is waited for in the process, and the chat is then kept busy from the
//! slot on. Whoever would wait for longer takes none and comes again by a delayed hint.

use std::time::{Duration, Instant as Stopwatch};

use jiff::SignedDuration;
use shared::clock::Instant;
use shared::problem::{Problem, Result};
use shared::table::{Item, Key, Rows, TTL_ATTRIBUTE, Table, Write};

use crate::Settings;

/// How long an item that lets through again stays in the table.
const KEPT: SignedDuration = SignedDuration::from_hours(1);
/// How often a slot is tried for while others move the bot's item between two requests.
const TRIES: u32 = 8;

/// The invocation's instant, going on while the invocation does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticking {
    begun: Instant,
    since: Stopwatch,
}

impl Ticking {
    pub(super) fn from(begun: Instant) -> Self {
        Self { begun, since: Stopwatch::now() }
    }

    pub(super) fn now(&self) -> Instant {
        self.begun + SignedDuration::try_from(self.since.elapsed()).unwrap_or(SignedDuration::MAX)
    }

    async fn until(&self, at: Instant) {
        let pause = Duration::try_from(at.since(self.now())).unwrap_or_default();
        tokio::time::sleep(pause).await;
    }
}

/// The limits as intervals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    bot: SignedDuration,
    chat: SignedDuration,
    patience: SignedDuration,
}

/// Whether a message may go, or when to come again.
pub(super) type Turn = std::result::Result<Instant, Instant>;

impl Pace {
    pub(super) fn of(settings: &Settings) -> Self {
        let chat = interval(settings.messages_per_chat_per_second);
        // Shorter than a chat is busy, so that nobody passes while the slot is waited for.
        let patience = chat.min(SignedDuration::from_secs(1)) / 2;
        Self { bot: interval(settings.messages_per_second), chat, patience }
    }

    /// The items that say when a message to this chat may go.
    pub(super) fn keys(chat: i64) -> [Key; 2] {
        [bot_key(), chat_key(chat)]
    }

    /// When to come again, by items read before: `None` where it is worth trying now.
    pub(super) fn too_early(&self, rows: &Rows, chat: i64, now: Instant) -> Option<Instant> {
        let keys = Self::keys(chat);
        let found = rows.iter().filter(|item| item.key().is_some_and(|key| keys.contains(&key)));
        found.filter_map(free_at).max().filter(|free| *free > now + self.patience)
    }

    /// Waits for the turn of a message, and answers the instant from which on it may go; or when
    /// to come again. Two requests when nobody else sends, three at the pace's limit.
    pub(super) async fn turn(&self, table: &Table, chat: i64, clock: Ticking) -> Result<Turn> {
        let latest = clock.now() + self.patience;
        let entered = loop {
            let now = clock.now();
            match self.enter(table, chat, now).await? {
                Ok(_) => break now,
                Err(free_at) if free_at > latest => return Ok(Err(free_at)),
                Err(free_at) => clock.until(free_at).await,
            }
        };
        let turn = self.slot(table, entered).await?;
        if let Some(slot) = turn.ok().filter(|slot| *slot > entered) {
            self.stay(table, chat, slot).await?;
            clock.until(slot).await;
        }
        Ok(turn)
    }

    /// Passes the chat's limit if it is free at `now`, and answers until when it is busy then.
    pub(super) async fn enter(&self, table: &Table, chat: i64, now: Instant) -> Result<Turn> {
        let busy_until = now + self.chat;
        let write = moved(chat_key(chat), busy_until)
            .when("attribute_not_exists(#free_at) OR #free_at <= :now")
            .bind(":now", micros(now));
        match table.write(write).await {
            Ok(_) => Ok(Ok(busy_until)),
            Err(error) => {
                let refusal = error.refusal()?;
                Ok(Err(refusal.old("pace").and_then(free_at).unwrap_or(now)))
            }
        }
    }

    /// Takes the next slot of the bot, unless it is farther off than the patience reaches.
    pub(super) async fn slot(&self, table: &Table, now: Instant) -> Result<Turn> {
        let latest = now + self.patience;
        for _ in 0..TRIES {
            let first = moved(bot_key(), now + self.bot)
                .when("attribute_not_exists(#free_at) OR #free_at <= :now")
                .bind(":now", micros(now));
            let free = match table.write(first).await {
                Ok(_) => return Ok(Ok(now)),
                Err(error) => error.refusal()?.old("pace").and_then(free_at),
            };
            if let Some(free) = free.filter(|free| *free > latest) {
                return Ok(Err(free));
            }
            let interval = i64::try_from(self.bot.as_micros()).unwrap_or(i64::MAX);
            let behind = Write::update("pace", bot_key())
                .add("free_at", interval)
                .set(TTL_ATTRIBUTE, (now + KEPT).seconds())
                .when("#free_at > :now AND #free_at <= :latest")
                .bind(":now", micros(now))
                .bind(":latest", micros(latest));
            match table.write(behind).await {
                Ok(Some(item)) => {
                    let slot = free_at(&item).map(|free_at| free_at - self.bot);
                    return slot.map(Ok).ok_or_else(|| Problem::bug("a pace without an instant"));
                }
                Ok(None) => return Err(Problem::bug("an update without its item")),
                Err(error) => error.refusal().map(|_| ())?,
            }
        }
        Ok(Err(latest))
    }

    /// Keeps the chat busy from a slot on that is later than its turn was. Nobody else can have
    /// passed meanwhile: a chat is busy for longer than the patience reaches.
    async fn stay(&self, table: &Table, chat: i64, slot: Instant) -> Result<()> {
        table.write(moved(chat_key(chat), slot + self.chat)).await?;
        Ok(())
    }

    /// Telegram told the bot to wait: nobody sends before `until`. One request.
    pub(super) async fn hold(&self, table: &Table, until: Instant) -> Result<()> {
        let write = moved(bot_key(), until)
            .when("attribute_not_exists(#free_at) OR #free_at < :until")
            .bind(":until", micros(until));
        match table.write(write).await {
            Ok(_) => Ok(()),
            Err(error) => error.refusal().map(|_| ()).map_err(Problem::from),
        }
    }
}

/// So many in a second are one in each such interval, rounded up: no second sees one more.
fn interval(per_second: u32) -> SignedDuration {
    let micros = 1_000_000_u32.div_ceil(per_second.max(1));
    SignedDuration::from_micros(i64::from(micros))
}

fn bot_key() -> Key {
    Key::new("PACE#BOT", "PACE")
}

fn chat_key(chat: i64) -> Key {
    Key::new(format!("PACE#{chat}"), "PACE")
}

fn moved(key: Key, free_at: Instant) -> Write {
    Write::update("pace", key)
        .set("free_at", micros(free_at))
        .set(TTL_ATTRIBUTE, (free_at + KEPT).seconds())
}

/// Microseconds since the epoch: a number, so that a slot can be added to it.
fn micros(at: Instant) -> i64 {
    at.timestamp().as_microsecond()
}

fn free_at(item: &Item) -> Option<Instant> {
    let since_epoch = SignedDuration::from_micros(item.integer("free_at")?);
    Some(Instant::from_seconds(0) + since_epoch)
}
