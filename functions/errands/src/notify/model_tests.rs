//! Nothing is forgotten, nothing is told twice, and nobody is told too often.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::model::*;
use super::*;

const LIFE: SignedDuration = SignedDuration::from_mins(60);

fn at(seconds: i64) -> Instant {
    Instant::from_seconds(1_768_900_000 + seconds)
}

fn matched(state: &mut NotifyState, order: &str, seconds: i64) -> Matched {
    state.matched(order, at(seconds) + LIFE, 10, at(seconds))
}

#[test]
fn the_first_order_is_told_of_alone_and_the_next_ones_wait() {
    let mut state = NotifyState::new(7);
    assert_eq!(matched(&mut state, "a", 0), Matched::Alone);
    assert_eq!(state.digest_at(), None);
    for (order, seconds) in [("b", 1), ("c", 300), ("d", 599)] {
        assert_eq!(matched(&mut state, order, seconds), Matched::Waits);
    }
    assert_eq!(state.digest_at(), Some(at(600)));
    let alive = vec!["b".to_owned(), "c".to_owned(), "d".to_owned()];
    assert_eq!(
        state.flush(alive.clone(), 10, at(600)),
        Flushed::Digest { k: 1, orders: alive, beyond: 0 }
    );
    assert_eq!((state.digest_at(), state.pending().len()), (None, 0));
    assert_eq!(matched(&mut state, "e", 601), Matched::Waits);
    assert_eq!(state.digest_at(), Some(at(1_200)));
    assert_eq!(state.flush(vec!["e".to_owned()], 10, at(1_200)), Flushed::Alone("e".to_owned()));
    assert_eq!(matched(&mut state, "f", 1_800), Matched::Alone);
}

#[test]
fn a_digest_without_anything_alive_does_not_start_a_cool_down() {
    let mut state = NotifyState::new(7);
    matched(&mut state, "a", 0);
    matched(&mut state, "b", 1);
    assert_eq!(state.flush(Vec::new(), 10, at(600)), Flushed::Nothing);
    assert_eq!(matched(&mut state, "c", 601), Matched::Alone);
}

#[test]
fn what_waits_is_not_overtaken_by_a_newer_order() {
    let mut state = NotifyState::new(7);
    matched(&mut state, "a", 0);
    matched(&mut state, "b", 1);
    // The digest is late.
    assert_eq!(matched(&mut state, "c", 700), Matched::Waits);
    assert_eq!(state.pending(), ["b", "c"]);
}

#[test]
fn a_match_that_comes_again_is_known() {
    let mut state = NotifyState::new(7);
    matched(&mut state, "a", 0);
    matched(&mut state, "b", 1);
    let before = state.clone();
    assert_eq!(matched(&mut state, "a", 2), Matched::Known { waits: false });
    assert_eq!(matched(&mut state, "b", 2), Matched::Known { waits: true });
    assert_eq!(state, before);
    state.flush(vec!["b".to_owned()], 10, at(600));
    assert_eq!(matched(&mut state, "b", 3_600), Matched::Known { waits: false });
}

#[test]
fn the_cool_down_follows_the_users_wish() {
    let mut state = NotifyState::new(7);
    matched(&mut state, "a", 0);
    matched(&mut state, "b", 1);
    assert!(state.retime(15) && !state.retime(15));
    assert_eq!(state.digest_at(), Some(at(900)));
    state.retime(5);
    assert_eq!(state.digest_at(), Some(at(300)));
    assert!(state.silence() && !state.silence());
    assert_eq!(state.digest_at(), None);
}

#[test]
fn what_is_kept_is_bounded_and_the_rest_counted() {
    let mut state = NotifyState::new(7);
    for order in 0..REMEMBERED_MAX + 10 {
        matched(&mut state, &order.to_string(), i64::try_from(order / 10).unwrap());
    }
    assert_eq!(state.pending().len(), WAITING_MAX);
    let item = serde_json::to_string(&state).unwrap();
    assert!(item.len() < 100_000, "{}", item.len());
    let last = (REMEMBERED_MAX + 9).to_string();
    assert_eq!(matched(&mut state, &last, 210), Matched::Known { waits: false });
    let told = state.flush(vec!["1".to_owned()], 10, at(600));
    let beyond = REMEMBERED_MAX + 9 - WAITING_MAX;
    assert_eq!(told, Flushed::Digest { k: 1, orders: vec!["1".to_owned()], beyond });
}

/// What may happen to one user.
#[derive(Clone, Debug)]
enum Step {
    Match(u8),
    Pass(u16),
    Digest,
    Frequency(i64),
    Silence,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0_u8..30).prop_map(Step::Match),
        4 => (0_u16..400).prop_map(Step::Pass),
        3 => Just(Step::Digest),
        1 => (5_i64..=15).prop_map(Step::Frequency),
        1 => Just(Step::Silence),
    ];
    proptest::collection::vec(step, 1..120)
}

/// One user and what became of each order.
#[derive(Default)]
struct World {
    now: i64,
    minutes: i64,
    first_seen: BTreeMap<u8, i64>,
    told: BTreeMap<String, u32>,
    dropped: BTreeSet<String>,
    last_message: Option<i64>,
}

impl World {
    fn alive(&self, order: &str) -> bool {
        let seen = self.first_seen[&order.parse::<u8>().unwrap()];
        self.now < seen + 3_600
    }

    fn tell(&mut self, orders: &[String]) {
        if let Some(last) = self.last_message {
            assert!(self.now >= last + self.minutes * 60, "too soon");
        }
        self.last_message = Some(self.now);
        for order in orders {
            *self.told.entry(order.clone()).or_default() += 1;
        }
    }

    fn digest(&mut self, state: &mut NotifyState) {
        state.retime(self.minutes);
        if state.digest_at().is_none_or(|due| due > at(self.now)) {
            return;
        }
        let (alive, ended): (Vec<_>, Vec<_>) =
            state.pending().to_vec().into_iter().partition(|order| self.alive(order));
        self.dropped.extend(ended);
        match state.flush(alive, self.minutes, at(self.now)) {
            Flushed::Nothing => {}
            Flushed::Alone(order) => self.tell(&[order]),
            Flushed::Digest { orders, .. } => self.tell(&orders),
        }
    }

    fn step(&mut self, state: &mut NotifyState, step: Step) {
        match step {
            Step::Pass(seconds) => self.now += i64::from(seconds),
            Step::Frequency(minutes) => self.minutes = minutes,
            Step::Digest => self.digest(state),
            Step::Silence => {
                self.dropped.extend(state.pending().to_vec());
                state.silence();
            }
            Step::Match(order) => {
                let created = *self.first_seen.entry(order).or_insert(self.now);
                let id = order.to_string();
                // The fan-out passes over what has ended.
                if !self.alive(&id) {
                    return;
                }
                let ends_at = at(created + 3_600);
                match state.matched(&id, ends_at, self.minutes, at(self.now)) {
                    Matched::Alone => self.tell(&[id]),
                    Matched::Waits | Matched::Known { .. } => {}
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn a_matched_order_is_in_exactly_one_message_unless_it_ended_or_the_user_left(steps in steps()) {
        let mut state = NotifyState::new(7);
        let mut world = World { minutes: 10, ..World::default() };
        for step in steps {
            world.step(&mut state, step);
            let waiting: BTreeSet<_> = state.pending().iter().cloned().collect();
            prop_assert_eq!(waiting.len(), state.pending().len());
            for order in world.first_seen.keys().map(ToString::to_string) {
                let told = world.told.get(&order).copied().unwrap_or(0);
                let places = u32::from(waiting.contains(&order))
                    + u32::from(world.dropped.contains(&order))
                    + told;
                prop_assert_eq!(places, 1, "order {}", order);
            }
        }
        // Whoever waits long enough has nothing left waiting.
        world.now += 15 * 60;
        world.digest(&mut state);
        prop_assert!(state.digest_at().is_none());
    }
}
