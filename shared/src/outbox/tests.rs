//! Entries that are claimed, lost, repeated and found again.

use futures::future::join_all;

use super::*;
use crate::table::testing;

const PAUSES_S: [i64; 3] = [1, 5, 15];
const ONCE: Rules = Rules { pauses_s: &PAUSES_S, after_crash: AfterCrash::Report };
const AT_LEAST_ONCE: Rules = Rules { after_crash: AfterCrash::Repeat, ..ONCE };

fn at(seconds: i64) -> Instant {
    Instant::from_seconds(1_768_900_000 + seconds)
}

async fn asked() -> Table {
    let table = testing::table().await;
    table.transact(vec![ask("hello", &"payload", at(0)).unwrap()]).await.unwrap();
    table
}

async fn claimed(table: &Table, now: Instant) -> Option<Box<Claim>> {
    claimed_by(ONCE, table, now).await
}

async fn claimed_by(rules: Rules, table: &Table, now: Instant) -> Option<Box<Claim>> {
    match claim(table, "hello", now, |_| rules).await.unwrap() {
        Claimed::Yes(claim) => Some(claim),
        _ => None,
    }
}

async fn state(table: &Table) -> State {
    table.get::<Entry>(&Entry::key_of("hello")).await.unwrap().unwrap().state
}

#[tokio::test]
async fn one_of_many_performs_it_once() {
    let table = asked().await;
    let claims = join_all((0..20).map(|_| claimed(&table, at(0)))).await;
    let mut claims: Vec<_> = claims.into_iter().flatten().collect();
    assert_eq!(claims.len(), 1);
    finish(&table, &claims.remove(0), Outcome::Sent, at(1)).await.unwrap();
    assert!(claimed(&table, at(100)).await.is_none());
    assert_eq!(state(&table).await, State::Sent);
}

#[tokio::test]
async fn the_same_thing_is_not_asked_for_twice() {
    let table = asked().await;
    let again = table.transact(vec![ask("hello", &"other", at(5)).unwrap()]).await;
    assert_eq!(again.unwrap_err().refusal().unwrap().name(), "outbox");
}

#[tokio::test]
async fn definite_failures_come_again_and_end() {
    let table = asked().await;
    let mut now = at(0);
    for pause in PAUSES_S {
        let claim = claimed(&table, now).await.unwrap();
        let again = finish(&table, &claim, Outcome::Failed(None), now).await.unwrap().unwrap();
        assert_eq!(again, now + SignedDuration::from_secs(pause));
        assert!(matches!(
            super::claim(&table, "hello", now, |_| ONCE).await.unwrap(),
            Claimed::Later(_)
        ));
        now = again;
    }
    let last = claimed(&table, now).await.unwrap();
    assert_eq!(finish(&table, &last, Outcome::Failed(None), now).await.unwrap(), None);
    assert_eq!(state(&table).await, State::Refused);
}

#[tokio::test]
async fn an_abandoned_claim_is_reported_and_not_repeated() {
    let table = asked().await;
    let dead = claimed(&table, at(0)).await.unwrap();
    assert!(claimed(&table, at(59)).await.is_none());
    assert!(claimed(&table, at(60)).await.is_none());
    assert_eq!(state(&table).await, State::Unconfirmed);
    finish(&table, &dead, Outcome::Failed(None), at(61)).await.unwrap();
    assert_eq!(state(&table).await, State::Unconfirmed);
}

#[tokio::test]
async fn the_sweep_finds_what_was_not_sent() {
    let table = asked().await;
    let found = |by| {
        let table = table.clone();
        async move {
            let mut all = Vec::new();
            for shard in 0..SHARDS {
                all.extend(overdue(&table, shard, by, None).await.unwrap().0);
            }
            all
        }
    };
    assert_eq!(found(at(-1)).await, []);
    assert_eq!(found(at(0)).await, [Hint { outbox_id: "hello".to_owned() }]);
    let claim = claimed(&table, at(0)).await.unwrap();
    finish(&table, &claim, Outcome::Sent, at(0)).await.unwrap();
    assert_eq!(found(at(0)).await, []);
}

#[tokio::test]
async fn an_abandoned_claim_is_taken_over_by_one_where_nothing_may_be_lost() {
    let table = asked().await;
    let dead = claimed_by(AT_LEAST_ONCE, &table, at(0)).await.unwrap();
    assert!(claimed_by(AT_LEAST_ONCE, &table, at(59)).await.is_none());
    let claims = join_all((0..20).map(|_| claimed_by(AT_LEAST_ONCE, &table, at(60)))).await;
    let mut claims: Vec<_> = claims.into_iter().flatten().collect();
    assert_eq!(claims.len(), 1);
    // The dead comes back to life and is not listened to.
    finish(&table, &dead, Outcome::Refused, at(61)).await.unwrap();
    assert_eq!(state(&table).await, State::Pending);
    finish(&table, &claims.remove(0), Outcome::Sent, at(61)).await.unwrap();
    assert_eq!(state(&table).await, State::Sent);
}

#[tokio::test]
async fn what_kills_whoever_performs_it_ends() {
    let table = asked().await;
    let mut performed = 0;
    for crash in 0..20 {
        performed += u32::from(claimed_by(AT_LEAST_ONCE, &table, at(60 * crash)).await.is_some());
    }
    assert_eq!((performed, state(&table).await), (1 + CRASHES_MAX, State::Unconfirmed));
}

#[tokio::test]
async fn a_lost_answer_is_repeated_once_where_nothing_may_be_lost() {
    let table = asked().await;
    let first = claimed_by(AT_LEAST_ONCE, &table, at(0)).await.unwrap();
    let again = finish(&table, &first, Outcome::Unknown, at(10)).await.unwrap();
    assert_eq!(again, Some(at(11)));
    assert!(claimed_by(AT_LEAST_ONCE, &table, at(10)).await.is_none());
    let second = claimed_by(AT_LEAST_ONCE, &table, at(11)).await.unwrap();
    assert_eq!(finish(&table, &second, Outcome::Unknown, at(20)).await.unwrap(), None);
    assert_eq!(state(&table).await, State::Unconfirmed);
    let table = asked().await;
    let only = claimed(&table, at(0)).await.unwrap();
    assert_eq!(finish(&table, &only, Outcome::Unknown, at(10)).await.unwrap(), None);
    assert_eq!(state(&table).await, State::Unconfirmed);
}

#[tokio::test]
async fn being_told_to_wait_is_no_failure() {
    let table = asked().await;
    let mut now = at(0);
    for _ in 0..9 {
        let claim = claimed(&table, now).await.unwrap();
        let pause = Some(SignedDuration::from_secs(30));
        now = finish(&table, &claim, Outcome::Failed(pause), now).await.unwrap().unwrap();
    }
    let claim = claimed(&table, now).await.unwrap();
    assert_eq!(
        finish(&table, &claim, Outcome::Failed(None), now).await.unwrap(),
        Some(now + SignedDuration::from_secs(1))
    );
}

fn child(id: &str) -> Write {
    ask(id, &"child", at(1)).unwrap()
}

async fn exists(table: &Table, id: &str) -> bool {
    table.get::<Entry>(&Entry::key_of(id)).await.unwrap().is_some()
}

#[tokio::test]
async fn what_follows_an_entry_is_asked_for_with_its_end() {
    let table = asked().await;
    let other = ask("b", &"asked for by another", at(0)).unwrap();
    table.transact(vec![other]).await.unwrap();
    let claim = claimed_by(AT_LEAST_ONCE, &table, at(0)).await.unwrap();
    let follows = vec![child("a"), child("b"), child("c")];
    finish_with(&table, &claim, Outcome::Sent, follows.clone(), at(1)).await.unwrap();
    assert!(exists(&table, "a").await && exists(&table, "c").await);
    let b: Entry = table.get(&Entry::key_of("b")).await.unwrap().unwrap();
    assert_eq!(b.payload, "asked for by another");
    assert_eq!(state(&table).await, State::Sent);
    // Done again, it is nothing.
    finish_with(&table, &claim, Outcome::Sent, follows, at(2)).await.unwrap();
    assert_eq!(state(&table).await, State::Sent);
}

#[tokio::test]
async fn nothing_follows_from_who_lost_the_entry_or_must_try_again() {
    let table = asked().await;
    let slow = claimed_by(AT_LEAST_ONCE, &table, at(0)).await.unwrap();
    let other = claimed_by(AT_LEAST_ONCE, &table, at(60)).await.unwrap();
    let lost = finish_with(&table, &slow, Outcome::Sent, vec![child("a")], at(61)).await;
    assert_eq!((lost.unwrap(), exists(&table, "a").await), (None, false));
    let failed = Outcome::Failed(None);
    let again = finish_with(&table, &other, failed, vec![child("a")], at(61)).await.unwrap();
    assert_eq!((again, exists(&table, "a").await), (Some(at(62)), false));
    assert_eq!(state(&table).await, State::Pending);
    let third = claimed_by(AT_LEAST_ONCE, &table, at(62)).await.unwrap();
    finish_with(&table, &third, Outcome::Refused, vec![child("a")], at(63)).await.unwrap();
    assert_eq!((state(&table).await, exists(&table, "a").await), (State::Refused, true));
}

#[tokio::test]
async fn all_that_follows_may_be_there_already() {
    let table = asked().await;
    table.transact(vec![child("a"), child("b")]).await.unwrap();
    let claim = claimed_by(AT_LEAST_ONCE, &table, at(0)).await.unwrap();
    let follows = vec![child("a"), child("b")];
    finish_with(&table, &claim, Outcome::Sent, follows, at(1)).await.unwrap();
    assert_eq!(state(&table).await, State::Sent);
}
