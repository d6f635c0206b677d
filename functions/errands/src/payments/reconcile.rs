//! Every hour, what the providers' own books show of the last days is held against ours: the truth
//! about money whose every word was lost.

use serde::Serialize;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result, chain};
use shared::table::Query;

use super::asking;
use super::items::{Receipt, SHARDS};
use super::jobs::Budget;
use super::model::{Payment, Provider, Status};
use super::providers::{Booked, CryptoPages, ProviderError, StarPages, Told};
use super::reversal::{Reversed, reverse};
use super::settlement::{Settled, settle};
use crate::App;

/// Every hour, at seven minutes past.
#[must_use]
pub fn reconcile() -> Function<App> {
    let schedule = "cron(7 * * * ? *)";
    asking(Function::<App>::schedule("errands-payments-reconcile", schedule, handle_reconcile))
        .summary("Holds the providers' books of the last days against ours")
}

/// What one run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Reconciled {
    /// Movements of money that the providers' books show.
    booked: usize,
    /// Of these, how many were put on a balance now.
    credited: usize,
    /// Of these, how many were taken off a balance now.
    reversed: usize,
    /// Providers or movements that could not be looked at.
    failed: usize,
    /// Was everything looked at?
    complete: bool,
}

/// The run so far.
struct Run {
    app: App,
    budget: Budget,
    now: Instant,
    found: Reconciled,
}

async fn handle_reconcile(app: App, invocation: Invocation) -> Result<Reconciled> {
    let (budget, now) = (Budget::of(&invocation), invocation.now);
    let window = jiff::SignedDuration::from_hours(app.settings.reconcile_window_hours);
    let found = Reconciled { complete: true, ..Reconciled::default() };
    let mut run = Run { app, budget, now, found };
    for provider in Provider::ALL {
        if !provider.is_on(&run.app) {
            continue;
        }
        let since = now - window;
        let looked = match provider {
            Provider::CryptoBot => run.crypto_bot(since).await,
            Provider::TelegramStars => run.stars(since).await,
            Provider::Sandbox => run.sandbox(since).await,
        };
        if let Err(problem) = looked {
            run.failed(&problem, provider.name());
        }
    }
    Ok(run.found)
}

fn silent(error: ProviderError) -> Problem {
    Problem::try_again(error)
}

impl Run {
    fn failed(&mut self, problem: &Problem, provider: &'static str) {
        let error = chain(problem);
        tracing::error!(%error, provider, "not reconciled");
        self.found.failed += 1;
        self.found.complete = false;
    }

    fn goes_on(&mut self) -> bool {
        let spent = self.budget.is_spent();
        self.found.complete &= !spent;
        !spent
    }

    async fn crypto_bot(&mut self, since: Instant) -> Result<()> {
        let mut pages = CryptoPages::paid_since(since);
        while self.goes_on() {
            match pages.booked(&self.app).await.map_err(silent)? {
                Some(page) => self.settle_all(page).await?,
                None => break,
            }
        }
        Ok(())
    }

    async fn stars(&mut self, since: Instant) -> Result<()> {
        let mut pages = StarPages::since(&self.app, since).await.map_err(silent)?;
        while self.goes_on() {
            match pages.booked(&self.app).await.map_err(silent)? {
                Some(page) => self.settle_all(page).await?,
                None => break,
            }
        }
        pages.remember(&self.app).await
    }

    /// The sandbox has no books to page through: it is asked about each payment that was given up.
    async fn sandbox(&mut self, since: Instant) -> Result<()> {
        for shard in 0..SHARDS {
            let mut cursor = None;
            while self.goes_on() {
                let partition = ("registry_pk", Payment::partition(shard));
                let query = Query::global_index("registry", partition, "pk").descending();
                let page = self.app.platform.table.query(&query.limit(100).after(cursor)).await?;
                let payments: Vec<Payment> = self.app.platform.table.behind(&page.items).await?;
                let is_past = payments.iter().any(|payment| payment.created_at < since);
                for payment in payments.iter().filter(|payment| payment.created_at >= since) {
                    self.ask_again(payment).await?;
                }
                cursor = page.next.filter(|_| !is_past);
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn ask_again(&mut self, payment: &Payment) -> Result<()> {
        let given_up = matches!(payment.status, Status::Expired | Status::Failed);
        if payment.provider != Provider::Sandbox || !given_up {
            return Ok(());
        }
        match payment.provider.ask(&self.app, payment).await.map_err(silent)? {
            Told::Paid(proof) => self.settle_all(vec![Booked::Came(proof)]).await,
            Told::Unpaid => Ok(()),
        }
    }

    /// Settles what is not settled yet. One batch read for what is; one that fails keeps no other
    /// from its turn.
    async fn settle_all(&mut self, page: Vec<Booked>) -> Result<()> {
        let at = |booked: &Booked| match booked {
            Booked::Came(proof) | Booked::WentBack(proof) => {
                Receipt::key_of(proof.provider, &proof.receipt_id)
            }
        };
        let mut keys: Vec<_> = page.iter().map(at).collect();
        keys.sort_by(|a, b| a.pk.cmp(&b.pk));
        keys.dedup();
        if keys.is_empty() {
            return Ok(());
        }
        let receipts = self.app.platform.table.batch(&keys).await?;
        self.found.booked += page.len();
        for booked in page {
            let receipt: Option<Receipt> = receipts.get(&at(&booked))?;
            let done = match (&booked, receipt) {
                (Booked::Came(_), receipt) => receipt.is_some(),
                (Booked::WentBack(_), receipt) => receipt.is_some_and(|r| r.reversed.is_some()),
            };
            if done {
                continue;
            }
            match self.settle_one(&booked).await {
                Ok(()) => {}
                Err(problem) => self.failed(&problem, "one"),
            }
        }
        Ok(())
    }

    async fn settle_one(&mut self, booked: &Booked) -> Result<()> {
        match booked {
            Booked::Came(proof) => {
                let settled = Box::pin(settle(&self.app, proof, None, self.now)).await?;
                self.found.credited += usize::from(settled == Settled::Now);
            }
            Booked::WentBack(proof) => {
                let reversed = Box::pin(reverse(&self.app, proof, None, self.now)).await?;
                self.found.reversed += usize::from(reversed == Reversed::Now);
            }
        }
        Ok(())
    }
}
