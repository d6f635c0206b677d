//! People who do what comes to their minds, as real clients do it: what was not answered is asked
//! again under the same key, at once or when there is nothing better to do.

use std::collections::VecDeque;

use serde_json::Value;

use super::asks::Answer;
use super::dice::Dice;

/// How often something is sent again before its sender gives up for now.
const TRIES: usize = 4;
/// Requests that somebody means to send again later.
const LATER: usize = 8;

/// Somebody in a storm.
pub trait Life: Send + Sync {
    /// A request, and what is known of it.
    type Step: Send + Sync;

    fn is_over(&self) -> bool;

    /// What comes to mind; none where there is nothing yet to do it to.
    fn next(&self, dice: &mut Dice) -> Option<Self::Step>;

    /// The same request as it is sent later.
    fn again(&self, step: Self::Step) -> Self::Step {
        step
    }

    /// One request; none where there was no answer.
    fn send(&self, step: &Self::Step) -> impl Future<Output = Option<Answer>> + Send;

    /// In how many of a hundred cases a request that succeeded is sent once more at once, where its
    /// answer tells what has become of it, not of anything else.
    fn doubled(&self, step: &Self::Step) -> Option<usize>;

    /// What of an answer is told again under the same key.
    fn told(&self, _: &Self::Step, body: Value) -> Value {
        body
    }

    /// A request that was answered in two ways.
    fn differs(&self, step: &Self::Step, first: &Answer, second: &Answer);
}

/// One person's life, until the storm is over.
pub async fn live<L: Life>(me: L, mut dice: Dice) {
    let mut later: VecDeque<L::Step> = VecDeque::new();
    while !me.is_over() {
        let step = match later.pop_front() {
            Some(step) if dice.chance(40) => me.again(step),
            kept => {
                later.extend(kept);
                let Some(step) = me.next(&mut dice) else {
                    tokio::task::yield_now().await;
                    continue;
                };
                step
            }
        };
        if let Some(unanswered) = perform(&me, &mut dice, step).await
            && later.len() < LATER
        {
            later.push_back(unanswered);
        }
    }
}

/// Sends a request until it is answered or patience is over; gives it back then.
async fn perform<L: Life>(me: &L, dice: &mut Dice, step: L::Step) -> Option<L::Step> {
    for _ in 0..TRIES {
        let Some(answer) = me.send(&step).await else { continue };
        if !matches!(answer.status, 429 | 503) {
            let doubled = me.doubled(&step).filter(|_| answer.status < 300);
            if doubled.is_some_and(|percent| dice.chance(percent)) {
                replay(me, &step, &answer).await;
            }
            return None;
        }
        // A client that is told to wait does something else meanwhile, or is too hasty to.
        if dice.chance(50) {
            return Some(step);
        }
    }
    Some(step)
}

/// The same request under the same key, at once: the same answer, and nothing else.
async fn replay<L: Life>(me: &L, step: &L::Step, first: &Answer) {
    let Some(second) = me.send(step).await else { return };
    if matches!(second.status, 429 | 503) {
        return;
    }
    let told = |answer: &Answer| me.told(step, answer.json());
    if first.status != second.status || told(first) != told(&second) {
        me.differs(step, first, &second);
    }
}
