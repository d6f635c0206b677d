//! Many at once: of two changes that race one commits, and the other judges anew.

use engine::{Fault, FaultKind, Target, When};
use tokio::task::JoinSet;

use super::*;

/// All of these at once. Answers in the order in which they came.
async fn all<F>(calls: impl IntoIterator<Item = F>) -> Vec<Told>
where
    F: Future<Output = Told> + Send + 'static,
{
    let mut running = JoinSet::new();
    for call in calls {
        running.spawn(call);
    }
    running.join_all().await
}

fn count(told: &[Told], status: u16) -> usize {
    told.iter().filter(|told| told.status == status).count()
}

impl Market {
    /// A take of its own task, by the record as it stands when the task begins.
    fn taking(&self, id: &str, executor: i64) -> impl Future<Output = Told> + Send + 'static {
        let (market, id) = (self.clone(), id.to_owned());
        async move { market.take(&id, executor).await }
    }

    fn acting(&self, id: &str, what: Act) -> impl Future<Output = Told> + Send + 'static {
        let (market, id) = (self.clone(), id.to_owned());
        async move { market.act(&id, what).await }
    }

    fn making(&self, contact: String) -> impl Future<Output = Told> + Send + 'static {
        let market = self.clone();
        async move { market.create(&draft(&contact)).await }
    }

    fn deleting(&self, id: &str) -> impl Future<Output = Told> + Send + 'static {
        let (market, id) = (self.clone(), id.to_owned());
        async move { market.delete(&id).await }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn money_is_spent_once() {
    for _ in 0..5 {
        let market = Market::of(1, 2).await;
        let mut ids = Vec::new();
        for n in 0..10 {
            ids.push(market.create(&draft(&format!("contact {n}"))).await.id());
        }
        let told = all(ids.iter().map(|id| market.taking(id, EXECUTOR))).await;
        assert_eq!((count(&told, 200), count(&told, 402)), (1, 9));
        assert_eq!(market.balance(EXECUTOR).await, 0);
        // The top-up and one take.
        assert_eq!(market.count("LedgerEntry").await, 2);
        market.check_invariants().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_creation_is_lost() {
    let market = Market::open().await;
    let told = all((0..20).map(|n| market.making(format!("contact {n}")))).await;
    assert_eq!(count(&told, 201), 20);
    let client = market.record(CLIENT).await;
    assert_eq!((client.active_orders, client.own_active), (20, 20));
    market.check_invariants().await;
}

/// The embedded engine answers one call after the other: what DynamoDB calls a conflict is made up.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conflicts_are_nobodys_business() {
    let market = Market::of(3, 100).await;
    let fault = Fault::new(Target::Dynamodb, FaultKind::Conflict)
        .when(When::rate(0.3))
        .operation("TransactWriteItems");
    market.world.engine.faults().inject(fault);
    let made = all((0..20).map(|n| market.making(format!("contact {n}")))).await;
    assert_eq!(count(&made, 201), 20);
    let ids: Vec<_> = made.iter().map(Told::id).collect();
    // Each loses at most as often as others win: fewer than it tries.
    for some in ids.chunks(4) {
        let executors = [EXECUTOR, EXECUTOR + 1, EXECUTOR + 2];
        let takes =
            some.iter().flat_map(|id| executors.map(|executor| market.taking(id, executor)));
        let taken = all(takes.collect::<Vec<_>>()).await;
        assert_eq!(count(&taken, 200), 12);
        let closed = all(some.iter().map(|id| market.acting(id, Act::Close))).await;
        assert_eq!(count(&closed, 204), 4);
    }
    assert_eq!(market.balance(EXECUTOR).await, 100);
    market.world.engine.faults().clear();
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_limit_of_active_orders_holds_at_once() {
    let market = Market::with(&[("ACTIVE_ORDERS_PER_CLIENT_MAX", "3")]).await;
    let told = all((0..12).map(|n| market.making(format!("contact {n}")))).await;
    assert_eq!((count(&told, 201), count(&told, 409)), (3, 9));
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_contact_has_one_order_at_once() {
    for _ in 0..5 {
        let market = Market::open().await;
        let spellings =
            ["+7 (900) 000-00-00", "8 900 000 00 00", "89000000000", "9000000000", "79000000000"];
        let calls = spellings.iter().cycle().take(10);
        let told = all(calls.map(|contact| market.making((*contact).to_owned()))).await;
        assert_eq!((count(&told, 201), count(&told, 409)), (1, 9));
        market.check_invariants().await;
        // The same where the contact's order is due.
        market.pass(minutes(60));
        let told = all((0..10).map(|_| market.making("89000000000".to_owned()))).await;
        assert_eq!((count(&told, 201), count(&told, 409)), (1, 9));
        assert_eq!(market.record(CLIENT).await.own_expired, 1);
        market.check_invariants().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_five_executors_three_get_it() {
    for _ in 0..10 {
        let market = Market::of(5, 2).await;
        let id = market.post().await;
        let told = all((EXECUTOR..EXECUTOR + 5).map(|executor| market.taking(&id, executor))).await;
        assert_eq!((count(&told, 200), count(&told, 409)), (3, 2));
        let mut counts: Vec<_> =
            told.iter().filter_map(|t| t.body["executor_count"].as_i64()).collect();
        counts.sort_unstable();
        assert_eq!(counts, [1, 2, 3]);
        let order = market.order(&id).await;
        assert_eq!((order.taken_by.len(), order.version), (3, 4));
        market.check_invariants().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_impatient_executor_pays_once() {
    let market = Market::of(1, 20).await;
    let id = market.post().await;
    let told = all((0..10).map(|_| market.taking(&id, EXECUTOR))).await;
    assert_eq!(count(&told, 200), 10);
    assert!(told.iter().all(|told| told.body["new_balance"] == 18), "{told:?}");
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn never_is_a_deleted_order_taken() {
    let market = Market::of(1, 100).await;
    let mut outcomes = [0, 0];
    for round in 0..30 {
        let id = market.create(&draft(&format!("contact {round}"))).await.id();
        let (take, delete) = (market.taking(&id, EXECUTOR), market.deleting(&id));
        let (first, second) = if round % 2 == 0 {
            (tokio::spawn(take), tokio::spawn(delete))
        } else {
            let delete = tokio::spawn(delete);
            (tokio::spawn(take), delete)
        };
        let (take, delete) = (first.await.unwrap(), second.await.unwrap());
        match (take.status, delete.status) {
            (200, 403) => outcomes[0] += 1,
            (410, 204) => outcomes[1] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(outcomes[0] + outcomes[1], 30);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_order_is_completed_once() {
    for _ in 0..5 {
        let market = Market::of(3, 2).await;
        let id = market.post().await;
        market.take_all(&id, 3).await;
        let told = all((0..6).map(|_| market.acting(&id, Act::Complete))).await;
        assert_eq!((count(&told, 200), count(&told, 410)), (1, 5));
        let client = market.record(CLIENT).await;
        assert_eq!((client.active_orders, client.completed_orders), (0, 1));
        assert_eq!(market.record(EXECUTOR).await.completed_orders, 1);
        market.check_invariants().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_ends_an_order_executors_are_refunded_once() {
    for round in 0..6 {
        let market = Market::of(3, 2).await;
        let id = market.post().await;
        market.take_all(&id, 3).await;
        // In every other round the clock has not ended it: then the client's close may.
        market.pass(minutes(if round % 2 == 0 { 15 } else { 14 }));
        let mut running = JoinSet::new();
        for _ in 0..5 {
            let (reminded, swept, id) = (market.clone(), market.clone(), id.clone());
            running.spawn(async move {
                reminded.remind(&id, 1).await;
            });
            running.spawn(async move {
                swept.sweep().await;
            });
        }
        let close = market.acting(&id, Act::Close);
        running.spawn(async move {
            let told = close.await;
            assert!([204, 410].contains(&told.status), "{}", told.body);
        });
        running.join_all().await;
        assert_eq!(market.order(&id).await.status, Status::ClosedNoResponse);
        let refunds = market.world.items("LedgerEntry").await;
        let refunds = refunds.iter().filter(|entry| entry["entry"]["S"] == "refund");
        assert_eq!(refunds.count(), 3);
        market.check_invariants().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refund_and_a_take_of_one_executor_meet() {
    for _ in 0..5 {
        let market = Market::of(1, 20).await;
        let mut ids = Vec::new();
        for n in 0..8 {
            ids.push(market.create(&draft(&format!("contact {n}"))).await.id());
        }
        let (old, new) = ids.split_at(4);
        for id in old {
            market.take_all(id, 1).await;
        }
        let closing: Vec<_> = old.iter().map(|id| market.acting(id, Act::Close)).collect();
        let taking: Vec<_> = new.iter().map(|id| market.taking(id, EXECUTOR)).collect();
        let mut running = JoinSet::new();
        for (close, take) in closing.into_iter().zip(taking) {
            running.spawn(close);
            running.spawn(take);
        }
        let told = running.join_all().await;
        assert_eq!((count(&told, 204), count(&told, 200)), (4, 4), "{told:?}");
        assert_eq!(market.balance(EXECUTOR).await, 12);
        market.check_invariants().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_mix_of_acts_leaves_everything_right() {
    for _ in 0..10 {
        let market = Market::of(4, 4).await;
        let id = market.post().await;
        market.take_all(&id, 1).await;
        let acts = [Act::Respond, Act::Complete, Act::Close, Act::Respond, Act::Close];
        let mut running = JoinSet::new();
        for act in acts {
            running.spawn(market.acting(&id, act));
        }
        for executor in EXECUTOR..EXECUTOR + 4 {
            running.spawn(market.taking(&id, executor));
        }
        let told = running.join_all().await;
        let allowed = [200, 204, 409, 410];
        assert!(told.iter().all(|told| allowed.contains(&told.status)), "{told:?}");
        assert_ne!(market.order(&id).await.status, Status::Active);
        market.check_invariants().await;
    }
}
