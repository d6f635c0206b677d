//! The state tables of attempts, payments, contracts, gifts and subscriptions, executed as a small
//! model beside the real functions: whatever happens, in whatever order, both have to say the same,
//! after each step and when all has come to rest.
//!
//! `MODEL_STEPS` and `MODEL_SEED` make it longer and other; `MODEL_STORY` is how many steps one
//! stack lives for.

mod acts;
mod bank;
mod compare;
mod driver;
mod rules;

use std::env;
use std::time::Instant;

use acts::{Act, Part, Terms, Word, story};
use driver::Driver;
use rules::{Provider, Wrong};

const STEPS: u64 = 300;
const SEED: u64 = 20_260_120;
/// Steps of one stack: a table that is read whole after each of them must not grow for ever.
const STORY: u64 = 50;
/// How often a sequence that differs is played again to find a shorter one.
const TRIES: usize = 40;
/// How many of the last lines are printed.
const LINES: usize = 60;

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// How a story went.
struct Played {
    steps: usize,
    counts: [usize; 9],
    differences: Vec<String>,
    log: Vec<String>,
}

/// Plays a story up to the first difference, or to its end and until all has come to rest.
async fn play(seed: u64, story: &[Act], wrong: Option<Wrong>) -> Played {
    let mut driver = Driver::start(seed, wrong).await;
    let mut steps = 0;
    for act in story {
        driver.act(act).await;
        driver.compare().await;
        steps += 1;
        if !driver.differences.is_empty() {
            break;
        }
    }
    if driver.differences.is_empty() {
        driver.calm().await;
        driver.compare_at_rest().await;
    }
    let counts = driver.model.counts();
    Played { steps, counts, differences: driver.differences, log: driver.log }
}

/// Leaves out of a story what does not take part in its difference.
async fn shrink(seed: u64, mut story: Vec<Act>, played: &mut Played) {
    story.truncate(played.steps);
    let (mut chunk, mut tries) = (story.len().div_ceil(2), 0);
    while chunk > 0 {
        let mut at = 0;
        while at < story.len() && tries < TRIES {
            let mut shorter = story.clone();
            shorter.drain(at..story.len().min(at + chunk));
            tries += 1;
            let again = play(seed, &shorter, None).await;
            if again.differences.is_empty() {
                at += chunk;
            } else {
                shorter.truncate(again.steps);
                (story, *played) = (shorter, again);
            }
        }
        chunk /= 2;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn service_and_model_agree_after_every_step() {
    let (steps, first) = (setting("MODEL_STEPS", STEPS), setting("MODEL_SEED", SEED));
    let length = setting("MODEL_STORY", STORY);
    let (began, mut run, mut counts) = (Instant::now(), 0, [0; 9]);
    for seed in first.. {
        let story = story(seed, usize::try_from(length.min(steps - run)).unwrap());
        let mut played = play(seed, &story, None).await;
        run += u64::try_from(story.len()).unwrap();
        counts.iter_mut().zip(played.counts).for_each(|(all, own)| *all += own);
        let count = played.differences.len();
        if count > 0 {
            println!("model, club: seed {seed}, step {}: {:#?}", played.steps, played.differences);
            shrink(seed, story, &mut played).await;
            println!("the shortest found, again with MODEL_SEED={seed} MODEL_STORY={length}:");
            let from = played.log.len().saturating_sub(LINES);
            played.log[from..].iter().for_each(|line| println!("  {line}"));
        }
        if count > 0 || run >= steps {
            let [sandbox, stars, cards, lava, payments, refunds, gifts, contracts, told] = counts;
            println!(
                "model, club: seeds {first} to {seed}, {run} steps, {count} differences, {} s: \
                 attempts at sandbox {sandbox}, stars {stars}, cloudpayments {cards}, lavatop \
                 {lava}, {payments} payments, {refunds} refunds, {gifts} gifts \
                 activated, {contracts} contracts, {told} messages",
                began.elapsed().as_secs()
            );
            assert_eq!(played.differences, Vec::<String>::new(), "seed {seed}");
            return;
        }
    }
}

/// A comparison that finds nothing whatever the rules are would be worth nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_told_wrong_differs() {
    for wrong in [
        Wrong::DaysDoNotStack,
        Wrong::LateMoneyIsLost,
        Wrong::RefundsRepeat,
        Wrong::AnyoneActivates,
        Wrong::GiversAreAwarded,
    ] {
        let mut found = None;
        for seed in SEED..SEED + 8 {
            let played = play(seed, &story(seed, 60), Some(wrong)).await;
            if !played.differences.is_empty() {
                found = Some((seed, played));
                break;
            }
        }
        let (seed, played) = found.unwrap_or_else(|| panic!("{wrong:?} shows nowhere"));
        println!("model, {wrong:?}: seed {seed}, step {}: {}", played.steps, played.differences[0]);
    }
    for (wrong, story) in rare() {
        let right = play(SEED, &story, None).await;
        assert_eq!(right.differences, Vec::<String>::new(), "{story:?}");
        let played = play(SEED, &story, Some(wrong)).await;
        let shown = played.differences.first().unwrap_or_else(|| panic!("{wrong:?} shows nowhere"));
        println!("model, {wrong:?}: step {}: {shown}", played.steps);
    }
}

/// What chance alone would bring too seldom.
fn rare() -> [(Wrong, Vec<Act>); 4] {
    let link = |provider| Act::Link {
        who: 42,
        gift: false,
        recipient: None,
        provider,
        force: false,
        key: false,
        trouble: None,
    };
    let word = Word::Told { times: 1, at_once: false };
    let pay = Act::Pay { which: 0, new: true, word, terms: Terms::Right };
    let over = Act::Over { which: 0, status: "Cancelled", days: Some(4) };
    let fail = Act::Fail { which: 0, told: true };
    [
        (Wrong::FailuresWin, vec![link(Provider::Sandbox), pay.clone(), fail]),
        (
            Wrong::AnyTimeIsCut,
            vec![link(Provider::Lavatop), pay.clone(), Act::Grant { who: 42, days: 10 }, over],
        ),
        (
            Wrong::TheOfficeTakesNothing,
            vec![
                link(Provider::Sandbox),
                pay.clone(),
                Act::GiveBack { which: 0, part: Part::Half, times: 2 },
            ],
        ),
        (
            Wrong::EnergiesLast,
            vec![link(Provider::Sandbox), pay, Act::Pass { seconds: 365 * 86_400 }],
        ),
    ]
}
