//! Telegram's limits, kept by all senders together.
//!
//! Telegram takes about 30 messages a second from one bot and one a second for one chat, however
//! many processes send. Both limits are an item with the instant from which it lets somebody
//! through again, moved on by a conditional update:
//!
//! - a chat's lets one message through each second: one request for each message;
//! - the bot's lets five through each 200 ms, and whoever moves it on keeps the four others for
//!   the same process: one request for up to five messages. A second of any beginning meets at
//!   most six such intervals, so that no second sees more than 30 messages; in the long run it
//!   is 25.
//!
//! A message whose turn comes shortly waits in the process. One that would wait for longer goes
//! back to the outbox, and a delayed hint brings it again.

use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use jiff::SignedDuration;
use shared::clock::Instant;
use shared::problem::{Problem, Result};
use shared::table::{Key, TTL_ATTRIBUTE, Table, Write};
use tokio::sync::Mutex;

/// Between two messages to one chat.
const CHAT_INTERVAL: SignedDuration = SignedDuration::from_secs(1);
/// Between two blocks of messages of the bot.
const BLOCK_INTERVAL: SignedDuration = SignedDuration::from_millis(200);
/// Messages of one block.
const BLOCK: u32 = 5;
/// The longest that a message waits in the process, in all.
const PATIENCE: SignedDuration = SignedDuration::from_millis(2_500);
/// How long an item that lets through again stays in the table.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

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

    /// The invocation's instant. What is asked for on the way is due as of it: by a clock that
    /// stands still a later instant might not come.
    pub(super) fn begun(&self) -> Instant {
        self.begun
    }

    pub(super) fn now(&self) -> Instant {
        self.begun + SignedDuration::try_from(self.since.elapsed()).unwrap_or(SignedDuration::MAX)
    }
}

/// What is left of the block that this process has taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace(Arc<Mutex<Option<Block>>>);

#[derive(Clone, Copy, Debug)]
struct Block {
    left: u32,
    until: Instant,
}

impl Pace {
    /// Returns when it is this message's turn, or answers after what pause to come again.
    pub(super) async fn turn(
        &self,
        table: &Table,
        chat: i64,
        clock: Ticking,
    ) -> Result<std::result::Result<(), SignedDuration>> {
        let deadline = clock.now() + PATIENCE;
        let chat = Key::new(format!("PACE#{chat}"), "PACE");
        loop {
            let Err(free_at) = pass(table, chat.clone(), CHAT_INTERVAL, clock.now()).await? else {
                break;
            };
            if let Err(pause) = wait(free_at, deadline, clock).await {
                return Ok(Err(pause));
            }
        }
        self.block(table, deadline, clock).await
    }

    /// The same for what goes to no chat: the bot's own limit alone.
    pub(super) async fn turn_of_bot(
        &self,
        table: &Table,
        clock: Ticking,
    ) -> Result<std::result::Result<(), SignedDuration>> {
        self.block(table, clock.now() + PATIENCE, clock).await
    }

    async fn block(
        &self,
        table: &Table,
        deadline: Instant,
        clock: Ticking,
    ) -> Result<std::result::Result<(), SignedDuration>> {
        // Held while waiting, so that a process takes one block at a time.
        let mut block = self.0.lock().await;
        loop {
            let now = clock.now();
            if let Some(taken) = block.as_mut().filter(|taken| taken.left > 0 && taken.until > now)
            {
                taken.left -= 1;
                return Ok(Ok(()));
            }
            match pass(table, everybody(), BLOCK_INTERVAL, now).await? {
                Ok(()) => {
                    *block = Some(Block { left: BLOCK - 1, until: now + BLOCK_INTERVAL });
                    return Ok(Ok(()));
                }
                Err(free_at) => {
                    if let Err(pause) = wait(free_at, deadline, clock).await {
                        return Ok(Err(pause));
                    }
                }
            }
        }
    }

    /// Telegram told the bot to wait: nobody sends before `until`. One request.
    pub(super) async fn hold(&self, table: &Table, until: Instant) -> Result<()> {
        *self.0.lock().await = None;
        let write = moved(everybody(), until)
            .when("attribute_not_exists(#free_at) OR #free_at < :until")
            .bind(":until", until.millis());
        match table.write(write).await {
            Ok(_) => Ok(()),
            Err(error) => error.refusal().map(|_| ()).map_err(Problem::from),
        }
    }
}

fn everybody() -> Key {
    Key::new("PACE#BOT", "PACE")
}

fn moved(key: Key, free_at: Instant) -> Write {
    Write::update("pace", key)
        .set("free_at", free_at.millis())
        .set(TTL_ATTRIBUTE, (free_at + KEPT).seconds())
}

/// Passes if the item lets somebody through at `now`, else answers from when on it does. One
/// request.
async fn pass(
    table: &Table,
    key: Key,
    interval: SignedDuration,
    now: Instant,
) -> Result<std::result::Result<(), Instant>> {
    let write = moved(key, now + interval)
        .when("attribute_not_exists(#free_at) OR #free_at <= :now")
        .bind(":now", now.millis());
    let refusal = match table.write(write).await {
        Ok(_) => return Ok(Ok(())),
        Err(error) => error.refusal().map_err(Problem::from)?,
    };
    let free_at = refusal.old("pace").and_then(|item| item.integer("free_at"));
    Ok(Err(free_at.map_or(now, Instant::from_millis)))
}

/// Waits until `free_at`, or answers the pause when that is after `deadline`.
async fn wait(
    free_at: Instant,
    deadline: Instant,
    clock: Ticking,
) -> std::result::Result<(), SignedDuration> {
    let now = clock.now();
    let pause = free_at.since(now).max(SignedDuration::from_millis(1));
    if free_at > deadline || now > deadline {
        return Err(pause);
    }
    tokio::time::sleep(Duration::try_from(pause).unwrap_or_default()).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[tokio::test]
    async fn a_chat_gets_one_message_a_second() {
        let world = World::new().await;
        let (table, pace) = (world.table(), Pace::default());
        let clock = Ticking::from(world.now());
        pace.turn(table, 1, clock).await.unwrap().unwrap();
        let first = clock.now();
        let other = Pace::default();
        other.turn(table, 2, clock).await.unwrap().unwrap();
        other.turn(table, 1, clock).await.unwrap().unwrap();
        assert!(clock.now().since(first) >= SignedDuration::from_millis(900));
    }

    #[tokio::test]
    async fn no_second_sees_more_than_thirty_messages() {
        let world = World::new().await;
        let clock = Ticking::from(world.now());
        let senders = [Pace::default(), Pace::default()];
        let mut turns = Vec::new();
        for chat in 0..50 {
            let (table, pace) = (world.table().clone(), senders[chat % 2].clone());
            turns.push(tokio::spawn(async move {
                let chat = i64::try_from(chat).unwrap();
                let turn = pace.turn(&table, chat, clock).await.unwrap();
                turn.ok().map(|()| clock.now())
            }));
        }
        let mut sent = Vec::new();
        for turn in turns {
            sent.extend(turn.await.unwrap());
        }
        sent.sort();
        assert!(sent.len() >= 30, "{}", sent.len());
        for start in &sent {
            let second = *start + SignedDuration::from_secs(1);
            let within = sent.iter().filter(|at| (*start..second).contains(at)).count();
            assert!(within <= 30, "{within}");
        }
    }

    #[tokio::test]
    async fn a_hold_holds_everybody() {
        let world = World::new().await;
        let (table, clock) = (world.table(), Ticking::from(world.now()));
        let until = world.now() + SignedDuration::from_secs(30);
        Pace::default().hold(table, until).await.unwrap();
        Pace::default().hold(table, until - SignedDuration::from_secs(20)).await.unwrap();
        let pause = Pace::default().turn(table, 1, clock).await.unwrap().unwrap_err();
        assert!(pause > SignedDuration::from_secs(28), "{pause}");
    }
}
