//! P17: an order ends at its instant, whoever looks and whether or not any timer ran.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Verdict;
use super::orders::stop_timers;
use super::town::{Person, Town, at_once, must, seconds};

/// An order whose end comes, and how.
struct Ending {
    client: Person,
    taker: Person,
    order: String,
    at: Timestamp,
    status: &'static str,
}

impl Ending {
    /// Untaken; taken and answered; taken and not answered.
    async fn of(town: &Arc<Town>, kind: usize) -> Self {
        let (client, taker) = (town.person(), town.person());
        taker.recharge(10).await;
        let order = client.orders().await;
        if kind > 0 {
            taker.act(&order, "take").await;
        }
        if kind == 1 {
            client.act(&order, "respond").await;
        }
        let seen = client.sees(&order).await;
        let instant = |name: &str| seen[name].as_str().and_then(|at| at.parse().ok());
        let (at, status) = match kind {
            2 => (instant("response_deadline_at"), "closed_no_response"),
            _ => (instant("expires_at"), "expired"),
        };
        Self { client, taker, order, at: at.expect("an instant"), status }
    }

    /// What everybody is told at this instant, all at once.
    async fn look(&self, found: &mut Vec<String>, town: &Arc<Town>) {
        let (alive, stranger) = (town.now() < self.at, town.person());
        stranger.recharge(2).await;
        let id = &self.order;
        let path = format!("/api/orders/{id}");
        let mut asks = vec![
            stranger.ask("GET", "/api/orders?limit=100"),
            stranger.ask("GET", path.clone()),
            self.client.ask("GET", path.clone()),
            self.taker.ask("GET", path),
            self.client.ask("GET", "/api/orders?mine=true"),
        ];
        // Alive, these would change it.
        if !alive {
            asks.extend(["respond", "complete", "close"].map(|act| self.client.acting(id, act)));
            asks.push(stranger.acting(id, "take"));
        }
        let answers = at_once(town, asks).await;
        let status = if alive { "active" } else { self.status };
        let listed = |body: &Value| {
            let orders = body["orders"].as_array().into_iter().flatten();
            let own = orders.filter(|order| order["id"] == id.as_str());
            own.map(|order| order["status"].clone()).collect::<Vec<_>>()
        };
        let shown = if alive { vec![json!("active")] } else { Vec::new() };
        must(found, "the list", listed(&answers[0].json()), shown);
        let hidden = status == "closed_no_response";
        must(found, "a stranger", answers[1].status, if hidden { 404 } else { 200 });
        for seen in &answers[1..4] {
            if seen.status == 200 {
                must(found, "get", seen.json()["status"].clone(), json!(status));
            }
        }
        must(found, "mine", listed(&answers[4].json()), vec![json!(status)]);
        let codes: Vec<_> =
            answers[5..].iter().map(|answer| (answer.status, answer.code())).collect();
        let over = |code: &str| (410, code.to_owned());
        let take = if hidden { "order_not_active" } else { "order_expired" };
        let due = match alive {
            true => Vec::new(),
            false => {
                let over_ = || over("order_not_active");
                vec![over_(), over_(), over_(), over(take)]
            }
        };
        must(found, "changes", codes, due);
    }
}

/// A millisecond before the end, at the end, and after it, with all timers stopped.
pub async fn clock_truth(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 5;
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        for kind in 0..3 {
            let ending = Ending::of(&town, kind).await;
            stop_timers(&town);
            town.jump(ending.at - jiff::SignedDuration::from_millis(1));
            ending.look(&mut found, &town).await;
            town.jump(ending.at);
            ending.look(&mut found, &town).await;
            town.jump(ending.at + seconds(1));
            ending.look(&mut found, &town).await;
            let rubles = ending.taker.balance().await;
            must(&mut found, "balance", rubles, if kind == 1 { 8 } else { 10 });
            town.bench.stack.engine().faults().clear();
        }
    }
    (ROUNDS, found)
}
