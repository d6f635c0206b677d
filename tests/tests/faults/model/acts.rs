//! What can happen, drawn from a seed. The numbers in an act choose among what there is when its
//! turn comes, so that acts can be left out of a sequence and the rest still makes sense.

use super::rules::Provider;
use crate::storm::dice::Dice;

/// Whom the stories are about.
pub const PEOPLE: [i64; 4] = [42, 43, 44, 45];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The provider refuses.
    Refused,
    /// The provider makes the link, and its answer is lost.
    LostAnswer,
    /// Somebody pays before the provider's answer is stored.
    PaidMeanwhile,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The provider tells it so often, at once or one after another.
    Told { times: usize, at_once: bool },
    /// Nobody is told; who asks hears it.
    Quiet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    Right,
    OtherSum,
    OtherCurrency,
    OtherPayer,
    NoAttempt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    Half,
    Seventh,
    TooMuch,
}

/// Something that happens. `which` chooses among what there is.
#[derive(Clone, Debug)]
pub enum Act {
    Link {
        who: i64,
        gift: bool,
        recipient: Option<i64>,
        provider: Provider,
        force: bool,
        key: bool,
        trouble: Option<Trouble>,
    },
    /// A request under a key once more: the same, or another body.
    Again {
        which: usize,
        same: bool,
    },
    /// Money comes: the first, one more, or one that was told before.
    Pay {
        which: usize,
        new: bool,
        word: Word,
        terms: Terms,
    },
    Fail {
        which: usize,
        told: bool,
    },
    Refund {
        which: usize,
        part: Part,
        times: usize,
    },
    /// A refund of money that nobody has heard of.
    RefundEarly {
        which: usize,
    },
    /// An administrator gives back, under one key however often.
    GiveBack {
        which: usize,
        part: Part,
        times: usize,
    },
    /// A standing subscription is over, or late, as its provider says; perhaps paid for so many days
    /// from now alone.
    Over {
        which: usize,
        status: &'static str,
        days: Option<i64>,
    },
    /// Before it takes money the provider asks whether it may.
    Query {
        which: usize,
        terms: Terms,
    },
    /// By the app, or by the gift's link to the bot.
    Activate {
        which: usize,
        who: i64,
        times: usize,
        by_bot: bool,
    },
    /// A member ends what renews their subscription.
    Cancel {
        who: i64,
    },
    /// An administrator gives days, or takes all that are left.
    Grant {
        who: i64,
        days: i64,
    },
    Revoke {
        who: i64,
    },
    /// A message to check an attempt comes once more.
    Hint {
        which: usize,
        n: u32,
        times: usize,
    },
    /// All messages of a queue are lost.
    LoseHints,
    LoseNotices,
    /// A provider does not answer questions, or does again.
    Silence {
        provider: Provider,
        silent: bool,
    },
    Pass {
        seconds: u64,
    },
}

/// How far the clock goes, in seconds, and how often compared with others.
const LEAPS: [(u64, usize); 20] = [
    (1, 6),
    (7, 6),
    (29, 5),
    (30, 10),
    (31, 6),
    (90, 6),
    (130, 5),
    (300, 8),
    (601, 6),
    (1_000, 6),
    (3_600, 6),
    (4 * 3_600, 4),
    (25 * 3_600, 5),
    (3 * 86_400, 5),
    (6 * 86_400 + 80_000, 4),
    (9 * 86_400, 4),
    (29 * 86_400 + 86_000, 4),
    (31 * 86_400, 4),
    (84 * 86_400, 2),
    (365 * 86_400, 1),
];

/// How an act is drawn.
type Draw = fn(&mut Dice) -> Act;

/// The acts, each with how often it is drawn: the table that new ones are added to.
const TABLE: [(Draw, usize); 18] = [
    (link, 26),
    (again, 4),
    (pay, 34),
    (fail, 4),
    (refund, 12),
    (refund_early, 2),
    (give_back, 5),
    (over, 4),
    (query, 4),
    (activate, 18),
    (cancel, 4),
    (grant, 2),
    (revoke, 1),
    (hint, 5),
    (|_| Act::LoseHints, 2),
    (|_| Act::LoseNotices, 2),
    (silence, 3),
    (pass, 22),
];

/// So many acts of a seed.
pub fn story(seed: u64, length: usize) -> Vec<Act> {
    let mut dice = Dice::new(seed, 1);
    (0..length).map(|_| dice.drawn(&TABLE)(&mut dice)).collect()
}

fn who(dice: &mut Dice) -> i64 {
    *dice.pick(&PEOPLE)
}

fn provider(dice: &mut Dice) -> Provider {
    *dice.pick(&[
        Provider::Sandbox,
        Provider::Sandbox,
        Provider::Stars,
        Provider::Stars,
        Provider::Cloudpayments,
        Provider::Lavatop,
    ])
}

fn which(dice: &mut Dice) -> usize {
    // The newest are the most interesting.
    if dice.chance(60) { dice.below(3) } else { dice.below(1_000) }
}

fn link(dice: &mut Dice) -> Act {
    let gift = dice.chance(45);
    let to = who(dice);
    let trouble = match dice.below(20) {
        0 => Some(Trouble::Refused),
        1 => Some(Trouble::LostAnswer),
        2 => Some(Trouble::PaidMeanwhile),
        _ => None,
    };
    Act::Link {
        who: who(dice),
        gift,
        recipient: (gift && dice.chance(60)).then_some(to),
        provider: provider(dice),
        force: dice.chance(25),
        key: dice.chance(30),
        trouble,
    }
}

fn again(dice: &mut Dice) -> Act {
    Act::Again { which: which(dice), same: dice.chance(75) }
}

fn terms(dice: &mut Dice) -> Terms {
    let wrong = [Terms::OtherSum, Terms::OtherCurrency, Terms::OtherPayer, Terms::NoAttempt];
    if dice.chance(88) { Terms::Right } else { *dice.pick(&wrong) }
}

fn pay(dice: &mut Dice) -> Act {
    let word = match dice.chance(25) {
        true => Word::Quiet,
        false => Word::Told { times: 1 + dice.below(3), at_once: dice.chance(40) },
    };
    Act::Pay { which: which(dice), new: dice.chance(70), word, terms: terms(dice) }
}

fn fail(dice: &mut Dice) -> Act {
    Act::Fail { which: which(dice), told: dice.chance(60) }
}

fn refund(dice: &mut Dice) -> Act {
    Act::Refund { which: which(dice), part: part(dice), times: 1 + dice.below(2) }
}

fn part(dice: &mut Dice) -> Part {
    *dice.pick(&[Part::Whole, Part::Whole, Part::Half, Part::Seventh, Part::TooMuch])
}

fn give_back(dice: &mut Dice) -> Act {
    Act::GiveBack { which: which(dice), part: part(dice), times: 1 + dice.below(2) }
}

fn refund_early(dice: &mut Dice) -> Act {
    Act::RefundEarly { which: which(dice) }
}

fn over(dice: &mut Dice) -> Act {
    let status = *dice.pick(&["Cancelled", "Rejected", "Expired", "PastDue"]);
    let days = *dice.pick(&[None, Some(-3), Some(4), Some(20), Some(400)]);
    Act::Over { which: which(dice), status, days }
}

fn query(dice: &mut Dice) -> Act {
    Act::Query { which: which(dice), terms: terms(dice) }
}

fn activate(dice: &mut Dice) -> Act {
    let times = 1 + dice.below(2);
    Act::Activate { which: which(dice), who: who(dice), times, by_bot: dice.chance(35) }
}

fn cancel(dice: &mut Dice) -> Act {
    Act::Cancel { who: who(dice) }
}

fn grant(dice: &mut Dice) -> Act {
    Act::Grant { who: who(dice), days: dice.number(1, 40) }
}

fn revoke(dice: &mut Dice) -> Act {
    Act::Revoke { who: who(dice) }
}

fn hint(dice: &mut Dice) -> Act {
    let n = u32::try_from(1 + dice.below(11)).unwrap();
    Act::Hint { which: which(dice), n, times: 1 + dice.below(2) }
}

fn silence(dice: &mut Dice) -> Act {
    Act::Silence { provider: provider(dice), silent: dice.chance(40) }
}

fn pass(dice: &mut Dice) -> Act {
    Act::Pass { seconds: dice.drawn(&LEAPS) }
}
