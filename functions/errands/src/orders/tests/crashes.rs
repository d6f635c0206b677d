//! The process dies at every call to the store, or the store fails it; whoever comes again, or the
//! sweep, heals it.

use engine::{CrashMode, CrashPlan, Fault, FaultKind, Target, When};

use tokio::task::JoinSet;

use super::*;

const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];
const KINDS: [FaultKind; 5] = [
    FaultKind::Throttle,
    FaultKind::Conflict,
    FaultKind::FailBefore,
    FaultKind::LostAnswer,
    FaultKind::Error,
];
/// Under whose name the use cases of these tests run.
const CALLER: &str = "local-test";

/// A change of an order in a certain state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) what: What,
    /// Takes before it.
    takes: i64,
    /// Minutes between the last take and it.
    wait: u64,
    /// What it answers.
    done: u16,
    /// What it may answer when it had happened already.
    again: u16,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Create,
    Update,
    Delete,
    Take,
    Act(Act),
    /// A take that finds an order which is due.
    TakeLate,
}

const fn case(what: What, takes: i64, wait: u64, done: u16, again: u16) -> Case {
    Case { what, takes, wait, done, again }
}

pub(super) const CASES: [Case; 11] = [
    case(What::Create, 0, 0, 201, 409),
    case(What::Create, 2, 15, 201, 409),
    case(What::Update, 0, 0, 200, 200),
    case(What::Delete, 0, 0, 204, 204),
    case(What::Delete, 0, 60, 204, 204),
    case(What::Take, 0, 0, 200, 200),
    case(What::Take, 2, 0, 200, 200),
    case(What::TakeLate, 2, 15, 410, 410),
    case(What::Act(Act::Respond), 2, 0, 200, 409),
    case(What::Act(Act::Complete), 3, 0, 200, 410),
    case(What::Act(Act::Close), 3, 0, 204, 410),
];

/// A market in which the case is about to happen.
pub(super) struct Scene {
    pub(super) market: Market,
    id: String,
    client: User,
    executor: User,
}

impl Scene {
    pub(super) async fn of(case: Case) -> Self {
        let market = Market::of(4, 4).await;
        let id = match case {
            Case { what: What::Create, wait: 0, .. } => String::new(),
            _ => market.post().await,
        };
        market.take_all(&id, case.takes).await;
        market.pass(minutes(case.wait));
        let client = market.record(CLIENT).await;
        let executor = market.record(EXECUTOR + 3).await;
        Self { market, id, client, executor }
    }

    pub(super) async fn run(&self, case: Case) -> Told {
        let Self { market, id, .. } = self;
        match case.what {
            What::Create => market.create_by(&self.client, &draft("@ivan_123")).await,
            What::Update => {
                let changes = Changes {
                    category: Some(Category::Other),
                    description: None,
                    contact: Some("another contact".to_owned()),
                };
                market.update(id, &changes).await
            }
            What::Delete => market.delete(id).await,
            What::Take | What::TakeLate => market.take_by(id, &self.executor).await,
            What::Act(act) => market.act(id, act).await,
        }
    }

    /// What the change was for, once it has happened.
    pub(super) async fn check(&self, case: Case) {
        self.market.check_invariants().await;
        let client = self.market.record(CLIENT).await;
        if let What::Create = case.what {
            assert_eq!(client.own_active, 1);
            return;
        }
        let order = self.market.order(&self.id).await;
        let status = match case.what {
            What::Create | What::Take | What::Update | What::Act(Act::Respond) => Status::Active,
            What::Delete => Status::Deleted,
            What::Act(Act::Complete) => Status::Completed,
            What::Act(Act::Close) | What::TakeLate => Status::ClosedNoResponse,
        };
        assert_eq!(order.status, status);
        let paid = i64::from(matches!(case.what, What::Take));
        assert_eq!(self.market.balance(self.executor.id).await, 4 - 2 * paid);
        assert_eq!(order.taken_by.len(), usize::try_from(case.takes + paid).unwrap());
    }
}

#[tokio::test]
async fn a_change_that_dies_anywhere_happens_once() {
    for case in CASES {
        let scene = Scene::of(case).await;
        scene.market.world.engine.faults().reset_counts();
        assert_eq!(scene.run(case).await.status, case.done, "{case:?}");
        let calls = scene.market.world.engine.faults().seen(Some(CALLER));
        assert!((1..=5).contains(&calls), "{case:?}: {calls}");
        scene.check(case).await;
        for at in 0..calls {
            for mode in MODES {
                let scene = Scene::of(case).await;
                let faults = scene.market.world.engine.faults();
                faults.crash(CrashPlan { caller: Some(CALLER.to_owned()), at, mode });
                let first = scene.run(case).await;
                faults.clear();
                scene.market.check_invariants().await;
                let second = scene.run(case).await;
                let seen = (first.status, second.status);
                // Never acknowledged without being stored, never refused for what was not.
                assert!(
                    [(case.done, case.again), (503, case.done), (503, case.again)].contains(&seen),
                    "{case:?} {mode:?} at {at}: {seen:?}"
                );
                scene.check(case).await;
            }
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_any_call_once_changes_nothing_for_good() {
    // At once, as most of it is waiting between tries.
    let mut running = JoinSet::new();
    for case in CASES {
        for kind in KINDS {
            for nth in 0..4 {
                running.spawn(fails_once(case, kind, nth));
            }
        }
    }
    running.join_all().await;
}

async fn fails_once(case: Case, kind: FaultKind, nth: u64) {
    let scene = Scene::of(case).await;
    let fault = Fault::new(Target::Dynamodb, kind).when(When::Calls(vec![nth])).caller(CALLER);
    let faults = scene.market.world.engine.faults();
    faults.inject(fault);
    let first = scene.run(case).await;
    faults.clear();
    scene.market.check_invariants().await;
    let allowed = [case.done, case.again, 503];
    assert!(allowed.contains(&first.status), "{case:?} {kind:?} {nth}: {first:?}");
    let second = scene.run(case).await;
    let allowed = [case.done, case.again];
    assert!(allowed.contains(&second.status), "{case:?} {kind:?} {nth}: {second:?}");
    scene.check(case).await;
}

#[tokio::test]
async fn conflicts_that_never_end_are_told_to_come_again() {
    let mut running = JoinSet::new();
    for case in CASES {
        running.spawn(conflicts(case));
    }
    running.join_all().await;
}

async fn conflicts(case: Case) {
    let scene = Scene::of(case).await;
    let fault = Fault::new(Target::Dynamodb, FaultKind::Conflict).operation("TransactWriteItems");
    let faults = scene.market.world.engine.faults();
    faults.inject(fault);
    let told = scene.run(case).await;
    assert_eq!(told.code(), (503, "conflict_retry"), "{case:?}");
    faults.clear();
    assert_eq!(scene.run(case).await.status, case.done, "{case:?}");
    scene.check(case).await;
}

/// The jobs are functions of their own.
#[tokio::test]
async fn a_job_that_dies_anywhere_leaves_the_rest_to_the_next() {
    for by_sweep in [true, false] {
        let name = if by_sweep { "errands-orders-sweep" } else { "errands-orders-deadline" };
        let caller = format!("local-{name}");
        let run = async |market: &Market, id: &str| {
            if by_sweep {
                let _ = market.world.tick(sweep()).await;
            } else {
                market.remind(id, 1).await;
            }
        };
        let scene = async || {
            let market = Market::of(3, 4).await;
            let id = market.post().await;
            market.take_all(&id, 3).await;
            // One balance has changed since: that is told by a refusal.
            let other = market.create(&draft("another contact")).await.id();
            assert_eq!(market.take(&other, EXECUTOR).await.status, 200);
            market.pass(minutes(15));
            (market, id)
        };
        let (market, id) = scene().await;
        market.world.engine.faults().reset_counts();
        run(&market, &id).await;
        let calls = market.world.engine.faults().seen(Some(&caller));
        assert!(calls >= 3, "{name}: {calls}");
        for at in 0..calls {
            for mode in MODES {
                let (market, id) = scene().await;
                let faults = market.world.engine.faults();
                faults.crash(CrashPlan { caller: Some(caller.clone()), at, mode });
                run(&market, &id).await;
                faults.clear();
                market.check_invariants().await;
                market.sweep().await;
                market.check_invariants().await;
                assert_eq!(market.order(&id).await.status, Status::ClosedNoResponse);
                assert_eq!(market.balance(EXECUTOR).await, 4, "{name} {mode:?} at {at}");
            }
        }
    }
}
