//! Telegram's sending limits as rules over given instants.
//!
//! One [`Pace`] knows what one process has sent. Telegram counts for the whole bot, so a bot that
//! sends from several processes keeps to the limits only by letting one of them send, and must
//! honour `retry_after` in any case ([`Pace::hold`]).

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::user::ChatId;

/// How much may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Messages per second to all chats together.
    pub overall_per_s: usize,
    /// Messages per second to one chat.
    pub chat_per_s: usize,
    /// Messages per minute to one group.
    pub group_per_min: usize,
}

impl Default for Limits {
    /// 30 per second overall, 1 per second and chat, 20 per minute and group.
    fn default() -> Self {
        Self { overall_per_s: 30, chat_per_s: 1, group_per_min: 20 }
    }
}

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const MINUTE: SignedDuration = SignedDuration::from_secs(60);

/// How many chats are remembered before those without effect are forgotten.
const REMEMBERED: usize = 4096;

/// What has been sent, and what may be sent now.
#[derive(Debug, Clone)]
pub struct Pace {
    limits: Limits,
    overall: VecDeque<Timestamp>,
    chats: HashMap<ChatId, VecDeque<Timestamp>>,
    held: Option<Timestamp>,
    held_chats: HashMap<ChatId, Timestamp>,
}

impl Pace {
    /// Nothing sent yet. A limit of 0 means 1: a pace always moves.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let limits = Limits {
            overall_per_s: limits.overall_per_s.max(1),
            chat_per_s: limits.chat_per_s.max(1),
            group_per_min: limits.group_per_min.max(1),
        };
        Self {
            limits,
            overall: VecDeque::new(),
            chats: HashMap::new(),
            held: None,
            held_chats: HashMap::new(),
        }
    }

    /// Takes a place for one message, or tells how long to wait before asking again. Only an
    /// admitted message is counted.
    ///
    /// # Errors
    /// The time to wait, always positive.
    pub fn admit(&mut self, chat: ChatId, now: Timestamp) -> Result<(), SignedDuration> {
        self.forget(now);
        let free = self.free_at(chat, now);
        if free > now {
            return Err(free.duration_since(now));
        }
        self.overall.push_back(now);
        let sent = self.chats.entry(chat).or_default();
        sent.push_back(now);
        while sent.front().is_some_and(|at| past(*at, MINUTE) <= now) {
            sent.pop_front();
        }
        Ok(())
    }

    /// Telegram said `retry_after`: nothing goes to this chat, or to any, before `until`.
    pub fn hold(&mut self, chat: Option<ChatId>, until: Timestamp) {
        let slot = match chat {
            Some(chat) => self.held_chats.entry(chat).or_insert(until),
            None => self.held.get_or_insert(until),
        };
        *slot = until.max(*slot);
    }

    /// The first instant from `now` on at which a message to this chat is within all limits.
    fn free_at(&self, chat: ChatId, now: Timestamp) -> Timestamp {
        let sent = self.chats.get(&chat);
        let group = chat.is_group().then_some(self.limits.group_per_min);
        [
            room(Some(&self.overall), self.limits.overall_per_s, SECOND),
            room(sent, self.limits.chat_per_s, SECOND),
            group.and_then(|limit| room(sent, limit, MINUTE)),
            self.held,
            self.held_chats.get(&chat).copied(),
        ]
        .into_iter()
        .flatten()
        .fold(now, Timestamp::max)
    }

    /// Drops what no longer matters, so that memory follows the rate, not the number of chats.
    fn forget(&mut self, now: Timestamp) {
        while self.overall.front().is_some_and(|sent| past(*sent, SECOND) <= now) {
            self.overall.pop_front();
        }
        self.held = self.held.filter(|until| *until > now);
        if self.chats.len() > REMEMBERED {
            self.chats.retain(|_, sent| sent.back().is_some_and(|at| past(*at, MINUTE) > now));
        }
        if self.held_chats.len() > REMEMBERED {
            self.held_chats.retain(|_, until| *until > now);
        }
    }
}

/// When the window that ends with the newest sending has room again.
fn room(
    sent: Option<&VecDeque<Timestamp>>,
    limit: usize,
    window: SignedDuration,
) -> Option<Timestamp> {
    let sent = sent?;
    let oldest_that_counts = sent.len().checked_sub(limit)?;
    sent.get(oldest_that_counts).map(|at| past(*at, window))
}

/// The end of a window, clamped to what a timestamp can hold.
fn past(at: Timestamp, window: SignedDuration) -> Timestamp {
    at.saturating_add(window).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_768_900_000_000 + ms).unwrap()
    }

    fn wait(ms: i64) -> Result<(), SignedDuration> {
        Err(SignedDuration::from_millis(ms))
    }

    #[test]
    fn one_per_second_and_chat() {
        let mut pace = Pace::new(Limits::default());
        assert_eq!(pace.admit(ChatId(1), at(0)), Ok(()));
        assert_eq!(pace.admit(ChatId(1), at(0)), wait(1000));
        assert_eq!(pace.admit(ChatId(1), at(999)), wait(1));
        assert_eq!(pace.admit(ChatId(2), at(999)), Ok(()));
        assert_eq!(pace.admit(ChatId(1), at(1000)), Ok(()));
    }

    #[test]
    fn thirty_per_second_overall() {
        let mut pace = Pace::new(Limits::default());
        for chat in 1..=30 {
            assert_eq!(pace.admit(ChatId(chat), at(chat)), Ok(()), "{chat}");
        }
        assert_eq!(pace.admit(ChatId(31), at(31)), wait(970));
        assert_eq!(pace.admit(ChatId(31), at(1001)), Ok(()));
        assert_eq!(pace.admit(ChatId(32), at(1001)), wait(1));
    }

    #[test]
    fn twenty_per_minute_and_group() {
        let mut pace = Pace::new(Limits::default());
        for n in 0..20 {
            assert_eq!(pace.admit(ChatId(-5), at(n * 1000)), Ok(()), "{n}");
        }
        assert_eq!(pace.admit(ChatId(-5), at(20_000)), wait(40_000));
        assert_eq!(pace.admit(ChatId(5), at(20_000)), Ok(()), "a person is no group");
        assert_eq!(pace.admit(ChatId(-5), at(60_000)), Ok(()));
        assert_eq!(pace.admit(ChatId(-5), at(60_999)), wait(1));
    }

    #[test]
    fn holds_are_honoured_and_never_shortened() {
        let mut pace = Pace::new(Limits::default());
        pace.hold(Some(ChatId(1)), at(5000));
        pace.hold(Some(ChatId(1)), at(3000));
        assert_eq!(pace.admit(ChatId(1), at(0)), wait(5000));
        assert_eq!(pace.admit(ChatId(2), at(0)), Ok(()));
        pace.hold(None, at(7000));
        assert_eq!(pace.admit(ChatId(2), at(6000)), wait(1000));
        assert_eq!(pace.admit(ChatId(1), at(7000)), Ok(()));
    }

    #[test]
    fn memory_stays_bounded() {
        let mut pace = Pace::new(Limits { overall_per_s: 100_000, ..Limits::default() });
        for chat in 1..=20_000_i64 {
            pace.hold(Some(ChatId(chat)), at(chat * 20));
            assert!(pace.admit(ChatId(chat), at(chat * 20)).is_ok());
        }
        assert!(pace.chats.len() <= REMEMBERED + 1, "{}", pace.chats.len());
        assert!(pace.held_chats.len() <= REMEMBERED + 1, "{}", pace.held_chats.len());
    }

    #[test]
    fn extremes_do_not_panic() {
        let mut pace = Pace::new(Limits { overall_per_s: 0, chat_per_s: 0, group_per_min: 0 });
        for now in [Timestamp::MAX, Timestamp::MIN, Timestamp::UNIX_EPOCH] {
            let _ = pace.admit(ChatId(-1), now);
        }
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more(
            steps in proptest::collection::vec((0_i64..400, -3_i64..4), 1..300),
        ) {
            let limits = Limits { overall_per_s: 4, chat_per_s: 1, group_per_min: 5 };
            let mut pace = Pace::new(limits);
            let mut sent: Vec<(i64, i64)> = Vec::new();
            let mut now = 0;
            for (step, chat) in steps {
                now += step;
                if pace.admit(ChatId(chat), at(now)).is_ok() {
                    sent.push((now, chat));
                }
            }
            for (start, _) in &sent {
                let within = |ms: i64, chat: Option<i64>| {
                    sent.iter()
                        .filter(|(at, to)| (*start..*start + ms).contains(at)
                            && chat.is_none_or(|chat| chat == *to))
                        .count()
                };
                prop_assert!(within(1000, None) <= 4);
                for chat in -3..4 {
                    prop_assert!(within(1000, Some(chat)) <= 1);
                    prop_assert!(chat >= 0 || within(60_000, Some(chat)) <= 5);
                }
            }
        }
    }
}
