//! Does what an act says to the service and to the model, and tells where their answers differ.

mod links;
mod members;
mod money;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use engine::{Fault, FaultKind, Target, When};
use jiff::{Timestamp, tz::Offset};
use local::Options;
use serde_json::{Value, json};

use super::acts::{Act, PEOPLE};
use super::bank::{Bank, Mood};
use super::rules::{DAY, Instant, Job, Model, Provider, Wish, Wrong};
use crate::bench::{Bench, Reply};

pub const PATIENCE: Duration = Duration::from_secs(60);
/// A move of the clock by more than this has each schedule run once, as it last fell due.
const LONG: i64 = 3_600;

/// Whose messages go astray, how, and how often.
const MISLED: [(&str, FaultKind, f64); 7] = [
    ("club-outbox-relay", FaultKind::MessageLost, 0.15),
    ("club-outbox-relay", FaultKind::MessageTwice, 0.3),
    ("club-outbox-relay", FaultKind::MessageLate, 0.1),
    ("club-outbox-deliver", FaultKind::MessageTwice, 0.2),
    ("club-bot-webhook", FaultKind::MessageTwice, 0.3),
    ("club-payments-link", FaultKind::MessageTwice, 0.2),
    ("club-payments-check", FaultKind::MessageTwice, 0.1),
];

/// What runs by the clock: its function, how often in seconds, from when in the day, and as what.
const JOBS: [(&str, i64, i64, Job); 6] = [
    ("club-payments-sweep", 900, 0, Job::Sweep),
    ("club-payments-reconcile", 3_600, 0, Job::Reconcile),
    ("club-gifts-expire", DAY, 6 * 3_600, Job::GiftsExpire),
    ("club-subscriptions-guard", DAY, 6 * 3_600, Job::Guard),
    ("club-subscriptions-remind", DAY, 6 * 3_600, Job::Remind),
    ("club-energies-expire", DAY, 3 * 3_600, Job::EnergiesExpire),
];

/// A request that was made under a key.
struct Key {
    name: String,
    wish: Wish,
    attempt: usize,
    at: Instant,
}

pub struct Driver {
    pub bench: Bench,
    bank: Bank,
    /// Is LavaTop there?
    lavatop: bool,
    pub model: Model,
    /// What happened, and what came of it.
    pub log: Vec<String>,
    pub differences: Vec<String>,
    /// Tokens of gifts by the attempts that paid them.
    pub tokens: BTreeMap<String, String>,
    /// Contracts whose ends their providers have not confirmed.
    pub live: BTreeSet<String>,
    /// Whom and what the last act was about.
    pub touched: (i64, Option<usize>),
    keys: Vec<Key>,
    counted: i64,
    seed: u64,
}

impl Driver {
    pub async fn start(seed: u64, wrong: Option<Wrong>) -> Self {
        let bank = Bank::start().await;
        let settings = [
            ("CLOUDPAYMENTS_PUBLIC_ID", "pk_test"),
            ("CLOUDPAYMENTS_API_SECRET", words::API_SECRET),
            ("CLOUDPAYMENTS_API_URL", bank.url.as_str()),
            ("LAVATOP_API_URL", bank.url.as_str()),
            ("LAVATOP_API_KEY", words::API_SECRET),
            ("LAVATOP_WEBHOOK_SECRET", words::WEBHOOK_SECRET),
        ];
        let set = |options, (name, value): &(&str, &str)| Options::set(options, name, value);
        let bench = Bench::start_with(|options| settings.iter().fold(options, set)).await;
        let mut model = Model { wrong, ..Model::default() };
        for id in PEOPLE {
            bench.sign_in(id).await;
            model.members.insert(id, Default::default());
        }
        let mut driver = Self {
            bench,
            bank,
            lavatop: false,
            model,
            log: Vec::new(),
            differences: Vec::new(),
            tokens: BTreeMap::new(),
            live: BTreeSet::new(),
            touched: (PEOPLE[0], None),
            keys: Vec::new(),
            counted: 0,
            seed,
        };
        driver.lavatop = driver.has("club-lavatop-payment") && driver.sells_at_lavatop().await;
        driver.mislead();
        driver
    }

    /// LavaTop sells under ids of its own.
    async fn sells_at_lavatop(&self) -> bool {
        let secret = self.bench.secret("ADMIN_SECRET");
        let mut sold = true;
        for (offer, periodicity) in [("monthly_rub_2000", "MONTHLY"), ("gift_rub_2000", "ONE_TIME")]
        {
            let body = json!({ "offer_id": format!("lava-{offer}"), "periodicity": periodicity });
            let path = format!("/api/admin/offers/{offer}");
            let reply =
                self.bench.send("PATCH", &path, &[("x-admin-secret", &secret)], &body).await;
            sold &= reply.status == 200;
        }
        sold
    }

    /// From now on messages come twice, late and not at all, whoever sends them; hints of checks
    /// come twice.
    fn mislead(&self) {
        let faults = self.bench.stack.engine().faults();
        for (caller, kind, rate) in MISLED {
            let fault = Fault::new(Target::Sqs, kind).when(When::rate(rate)).seed(self.seed);
            faults.inject(fault.caller(&format!("local-{caller}")));
        }
    }

    /// Is the provider there?
    fn takes(&self, provider: Provider) -> bool {
        match provider {
            Provider::Sandbox | Provider::Stars => true,
            Provider::Cloudpayments => self.has("club-cloudpayments-pay"),
            Provider::Lavatop => self.lavatop,
        }
    }

    fn has(&self, function: &str) -> bool {
        self.bench.stack.wiring().functions.contains_key(function)
    }

    pub fn now(&self) -> Instant {
        self.bench.stack.clock().now().as_second()
    }

    fn count(&mut self) -> i64 {
        self.counted += 1;
        self.counted
    }

    pub fn note(&mut self, line: String) {
        self.log.push(format!("{} {line}", self.bench.stack.clock().now()));
    }

    pub fn differ(&mut self, what: String) {
        self.log.push(format!("    DIFFERS: {what}"));
        self.differences.push(what);
    }

    fn must(&mut self, reply: &Reply, status: u16, code: Option<&str>) -> bool {
        let told = reply.body["code"].as_str();
        let fine = reply.status == status && (code.is_none() || told == code);
        if !fine {
            self.differ(format!(
                "wanted {status} {}, got {} {}",
                code.unwrap_or_default(),
                reply.status,
                reply.body
            ));
        }
        fine
    }

    fn same(&mut self, what: &str, found: &Value, expected: &Value) {
        if found != expected {
            self.differ(format!("{what} is {found}, not {expected}"));
        }
    }

    /// An attempt, counted from the newest.
    fn attempt(&self, which: usize) -> Option<usize> {
        let count = self.model.attempts.len();
        (count > 0).then(|| count - 1 - which % count)
    }

    async fn idle(&self) {
        assert!(self.bench.stack.idle(PATIENCE).await, "the stack comes to rest");
    }

    /// What is out of order outside; `also` for the next call.
    async fn weather(&self, also: Option<(&str, &str)>) {
        let silent = |provider| self.model.silent.contains(&provider);
        self.bench.desk("DELETE", "faults", &Value::Null).await;
        self.mislead();
        let mut troubles: Vec<(&str, &str)> = also.into_iter().collect();
        troubles.extend(silent(Provider::Sandbox).then_some(("provider", "error")));
        let banks = silent(Provider::Cloudpayments) || silent(Provider::Lavatop);
        self.bank.book().trouble = banks.then_some(Mood::Refuses);
        for (target, kind) in troubles {
            let fault = json!({
                "target": target, "kind": kind, "rate": 1.0, "seed": 1, "delay_ms": 200,
            });
            match (target, kind) {
                ("bank", "lost_answer") => self.bank.book().trouble = Some(Mood::LosesAnswers),
                ("bank", _) => self.bank.book().trouble = Some(Mood::Refuses),
                _ => _ = self.bench.desk("POST", "faults", &fault).await,
            }
        }
    }

    pub async fn act(&mut self, act: &Act) {
        let line = format!("{act:?}");
        self.note(line);
        match act.clone() {
            Act::Link { who, gift, recipient, provider, force, key, trouble } => {
                let provider = if self.takes(provider) { provider } else { Provider::Sandbox };
                let wish = Wish { payer: who, gift, recipient, provider, force };
                let key = key.then(|| format!("key-{}", self.count()));
                self.wish(&wish, key, trouble).await;
            }
            Act::Again { which, same } => self.again(which, same).await,
            Act::Pay { which, new, word, terms } => self.pay(which, new, word, terms).await,
            Act::Fail { which, told } => self.fail(which, told).await,
            Act::Refund { which, part, times } => self.refund(which, part, times).await,
            Act::RefundEarly { which } => self.refund_early(which).await,
            Act::GiveBack { which, part, times } => self.give_back(which, part, times).await,
            Act::Over { which, status, days } => self.over(which, status, days).await,
            Act::Query { which, terms } => self.query(which, terms).await,
            Act::Activate { which, who, times, by_bot } => {
                self.activate(which, who, times, by_bot).await;
            }
            Act::Cancel { who } => self.cancel(who).await,
            Act::Grant { who, days } => self.grant(who, days).await,
            Act::Revoke { who } => self.revoke(who).await,
            Act::Hint { which, n, times } => self.hint(which, n, times).await,
            Act::LoseHints => {
                self.purge("payment-checks");
                self.model.attempts.iter_mut().for_each(|attempt| attempt.hinted = false);
            }
            Act::LoseNotices => self.purge("outbox"),
            // Telegram would not take messages either.
            Act::Silence { provider: Provider::Stars, .. } => {}
            Act::Silence { provider, silent } => {
                // One server is both.
                let one = [provider];
                let both = [Provider::Cloudpayments, Provider::Lavatop];
                let them = if both.contains(&provider) { &both[..] } else { &one[..] };
                for provider in them {
                    match silent {
                        true => self.model.silent.insert(*provider),
                        false => self.model.silent.remove(provider),
                    };
                }
                self.weather(None).await;
            }
            Act::Pass { seconds } => self.pass(seconds).await,
        }
        self.idle().await;
    }

    fn purge(&self, ending: &str) {
        let queues = self.bench.stack.engine().queues();
        for queue in queues.depths().expect("depths") {
            if queue.name.ends_with(ending) {
                queues.purge(&queue.name).expect("a purge");
            }
        }
    }

    /// Lets time go by. Before it leaps, what is on its way arrives: no sweep runs meanwhile, and rows
    /// are not kept for a year.
    pub async fn pass(&mut self, seconds: u64) {
        let soon = if i64::try_from(seconds).expect("a step") > LONG { 900 } else { 0 };
        if soon > 0 {
            self.leap(soon).await;
        }
        self.leap(seconds - soon).await;
    }

    async fn leap(&mut self, seconds: u64) {
        let from = self.now();
        let seconds = apart(from, seconds);
        self.bench.advance(seconds).await;
        let to = self.now();
        let mut ticks = Vec::new();
        let functions = &self.bench.stack.wiring().functions;
        for (function, every, offset, job) in JOBS {
            if !functions.contains_key(function) {
                continue;
            }
            let last = (to - offset).div_euclid(every) * every + offset;
            let mut at = last;
            while at > from {
                ticks.push((at, job));
                at = if to - from > LONG { from } else { at - every };
            }
        }
        ticks.sort_unstable();
        self.model.pass(&ticks, to);
    }

    async fn hint(&mut self, which: usize, n: u32, times: usize) {
        let Some(index) = self.attempt(which) else { return };
        let (now, attempt) = (self.now(), self.model.attempts[index].clone());
        self.touched = (attempt.payer, Some(index));
        let n = if attempt.due <= now { n.min(attempt.checks + 1) } else { n };
        for _ in 0..times {
            let body = json!({ "attempt_id": attempt.id, "n": n }).to_string();
            let record = json!({
                "messageId": format!("m{}", self.count()), "receiptHandle": "r", "body": body,
                "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {},
                "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:0:payment-checks",
                "awsRegion": "us-east-1", "md5OfBody": "",
            });
            let event = json!({ "Records": [record] });
            self.bench.stack.invoke("club-payments-check", &event).await.expect("the check runs");
            self.model.hint(index, n, now);
        }
    }

    /// Ends all troubles and lets everything come to rest.
    pub async fn calm(&mut self) {
        self.note("calm".to_owned());
        self.model.silent.clear();
        self.weather(None).await;
        self.bench.stack.engine().faults().clear();
        for seconds in [60, 240, 900, 3_600] {
            self.pass(seconds).await;
        }
    }
}
/// So far, or farther: jobs of the day run in the hour from six, in which no other job is to run
/// last, as of two at one instant either may be the first.
fn apart(from: Instant, mut seconds: u64) -> u64 {
    let six = |at: Instant| (at - 6 * 3_600).rem_euclid(DAY);
    let step = |seconds| i64::try_from(seconds).expect("a step");
    if step(seconds) <= LONG && six(from) > six(from + step(seconds)) {
        seconds += 2 * 3_600;
    }
    while step(seconds) > LONG && six(from + step(seconds)) < 3_600 {
        seconds += 3_600;
    }
    seconds
}

pub fn iso(at: Instant) -> String {
    let at = Timestamp::from_second(at).expect("an instant");
    at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// A day of Moscow as people write it.
pub fn date(at: Instant) -> String {
    let at = Timestamp::from_second(at).expect("an instant");
    Offset::constant(3).to_datetime(at).strftime("%d.%m.%Y").to_string()
}
