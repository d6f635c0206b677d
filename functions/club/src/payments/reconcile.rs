//! Every hour, what the providers' own books show of the last days is held against ours: the truth
//! about money whose every word was lost.
//!
//! Almost all of it is known, which one read tells of a hundred. What is not is settled or reversed
//! as if its provider had said so now. A run that has no time left keeps where it stands, and the
//! next goes on from there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::clock::{Instant, days};
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result, chain};
use shared::table::{Entity, Item, Key, Write};

use super::items::{Refund, UnassignedPayment};
use super::model::{Payment, Success};
use super::providers::{Provider, Received, asking};
use super::refunds::{self, Word};
use super::settlement::{Settled, settle};
use crate::App;
use crate::shift::Shift;
use crate::wire::LEASE_LOST;

/// How far back the books are read, in days.
const WINDOW_DAYS: u32 = 3;
/// Keys of one read; the table's own limit.
const READ_MAX: usize = 100;

/// Every hour.
#[must_use]
pub fn reconcile() -> Function<App> {
    asking(Function::<App>::schedule("club-payments-reconcile", "rate(1 hour)", handle))
        .summary("Holds the providers' books of the last days against ours")
}

/// What one run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Reconciled {
    /// Another run holds the lease: nothing was done.
    lease_held: bool,
    /// Payments and refunds that the books show.
    listed: usize,
    /// Of these, payments that were settled now.
    settled: usize,
    /// Of these, payments that were put aside now.
    quarantined: usize,
    /// Of these, refunds that were not known.
    refunds: usize,
    /// Providers, payments and refunds that could not be looked at.
    failed: usize,
    /// Was everything looked at?
    complete: bool,
}

/// Where the walk through a provider's books stands that a run did not end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Walk {
    provider: Provider,
    since: Instant,
    page: Option<String>,
}

impl Walk {
    fn key_of(provider: Provider) -> Key {
        Key::new("RECONCILE", format!("WALK#{}", provider.name()))
    }
}

impl Entity for Walk {
    const KIND: &'static str = "ReconcileWalk";

    fn key(&self) -> Key {
        Self::key_of(self.provider)
    }
}

async fn handle(app: App, invocation: Invocation) -> Result<Reconciled> {
    let Some(shift) = Shift::begin(&app, "payments_reconcile", &invocation).await? else {
        return Ok(Reconciled { lease_held: true, ..Reconciled::default() });
    };
    let found = Reconciled { complete: true, ..Reconciled::default() };
    let mut run = Run { app: &app, shift: &shift, now: invocation.now, found };
    let worked = run.all().await;
    let found = run.found;
    shift.end(&app).await;
    worked.map(|()| found)
}

/// The run so far.
struct Run<'a> {
    app: &'a App,
    shift: &'a Shift,
    now: Instant,
    found: Reconciled,
}

impl Run<'_> {
    /// One provider that does not answer keeps no other from its turn.
    async fn all(&mut self) -> Result<()> {
        let enabled = |provider: &Provider| self.app.payments.enables(*provider);
        let providers: Vec<_> = Provider::ALL.into_iter().filter(enabled).collect();
        let keys: Vec<_> = providers.iter().map(|provider| Walk::key_of(*provider)).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let rows = self.app.platform.table.batch(&keys).await?;
        for provider in providers {
            let walk: Option<Walk> = rows.get(&Walk::key_of(provider))?;
            if let Err(problem) = Box::pin(self.walk(provider, walk)).await {
                if problem.code() == LEASE_LOST {
                    return Err(problem);
                }
                self.failed(&problem, provider.name());
            }
        }
        Ok(())
    }

    fn failed(&mut self, problem: &Problem, what: &str) {
        tracing::error!(error = %chain(problem), what, "not reconciled");
        self.found.failed += 1;
        self.found.complete = false;
    }

    /// Goes through one provider's books, from where an earlier run left them.
    async fn walk(&mut self, provider: Provider, left: Option<Walk>) -> Result<()> {
        let since = self.now - days(WINDOW_DAYS);
        let (mut went_on, mut kept) = (left.is_some(), left.is_some());
        let mut walk = left.unwrap_or(Walk { provider, since, page: None });
        loop {
            if self.shift.is_over() {
                self.found.complete = false;
                return self.keep(&walk).await;
            }
            let limit = self.app.payments.provider_timeout.min(self.shift.left());
            let page = provider.received(self.app, walk.since, walk.page.clone(), limit).await;
            let page = match page {
                Ok(page) => page,
                // A place in the books may be forgotten: the next run begins anew.
                Err(error) if went_on => {
                    self.forget(provider).await?;
                    return Err(Problem::try_again(error));
                }
                Err(error) => {
                    self.keep(&walk).await?;
                    return Err(Problem::try_again(error));
                }
            };
            went_on = false;
            self.hold(&page).await?;
            match page.next {
                Some(next) => walk.page = Some(next),
                None if kept => return self.forget(provider).await,
                None => return Ok(()),
            }
            kept = true;
        }
    }

    async fn keep(&self, walk: &Walk) -> Result<()> {
        if walk.page.is_none() {
            return Ok(());
        }
        self.write(Write::put("walk", walk)).await
    }

    async fn forget(&self, provider: Provider) -> Result<()> {
        self.write(Write::delete("walk", Walk::key_of(provider))).await
    }

    async fn write(&self, write: Write) -> Result<()> {
        let writes = vec![write, self.shift.lease.fence()];
        match self.app.platform.table.transact(writes).await {
            Ok(()) => Ok(()),
            Err(error) => error.refusal().map(|_| Err(crate::wire::lease_lost()))?,
        }
    }

    /// Holds a page against what is stored, and makes up for what is missing. A payment that fails
    /// keeps no other from its turn: the next run finds it again.
    async fn hold(&mut self, page: &Received) -> Result<()> {
        self.found.listed += page.successes.len() + page.refunds.len();
        for success in
            self.unknown(page.successes.iter().map(|paid| (payment_at(paid), paid))).await?
        {
            match settle(self.app, success, Some(&self.shift.lease.fence()), self.now).await {
                Ok(Settled::Now) => self.found.settled += 1,
                Ok(Settled::Quarantined) => self.found.quarantined += 1,
                Ok(Settled::Before) => {}
                Err(problem) if problem.code() == LEASE_LOST => return Err(problem),
                Err(problem) => self.failed(&problem, &success.external_id),
            }
        }
        for word in self.unknown(page.refunds.iter().map(|word| (refund_at(word), word))).await? {
            let fence = self.shift.lease.fence();
            match Box::pin(refunds::refund(self.app, word, Some(&fence), self.now)).await {
                Ok(()) => self.found.refunds += 1,
                Err(problem) if problem.code() == LEASE_LOST => return Err(problem),
                Err(problem) => self.failed(&problem, &word.external_id),
            }
        }
        Ok(())
    }

    /// Those of them that are not stored, each once. One read for a hundred; one more where some
    /// are missing, of which payments may have been put aside.
    async fn unknown<'p, T: Listed + 'p>(
        &self,
        listed: impl Iterator<Item = (Key, &'p T)>,
    ) -> Result<Vec<&'p T>> {
        let by_key: BTreeMap<(String, String), (Key, &T)> =
            listed.map(|(key, what)| ((key.pk.clone(), key.sk.clone()), (key, what))).collect();
        let mut missing = Vec::new();
        let all: Vec<_> = by_key.into_values().collect();
        for some in all.chunks(READ_MAX) {
            let known = self.stored(some.iter().map(|(key, _)| key.clone()).collect()).await?;
            missing
                .extend(some.iter().filter(|(key, _)| !known.contains(key)).map(|(_, what)| *what));
        }
        let mut left = Vec::new();
        for some in missing.chunks(READ_MAX) {
            let aside: Vec<_> = some.iter().filter_map(|what| what.aside()).collect();
            let known = if aside.is_empty() { Vec::new() } else { self.stored(aside).await? };
            let is_aside = |what: &T| what.aside().is_some_and(|key| known.contains(&key));
            left.extend(some.iter().filter(|what| !is_aside(what)).copied());
        }
        Ok(left)
    }

    async fn stored(&self, keys: Vec<Key>) -> Result<Vec<Key>> {
        let rows = self.app.platform.table.batch(&keys).await?;
        Ok(rows.iter().filter_map(Item::key).collect())
    }
}

/// What a provider's books list.
trait Listed {
    /// Where it stands where it was put aside, if it can be.
    fn aside(&self) -> Option<Key>;
}

impl Listed for Success {
    fn aside(&self) -> Option<Key> {
        Some(UnassignedPayment::key_of(self.provider, &self.external_id))
    }
}

impl Listed for Word {
    fn aside(&self) -> Option<Key> {
        None
    }
}

fn payment_at(success: &Success) -> Key {
    Payment::key_of(success.provider, &success.external_id)
}

fn refund_at(word: &Word) -> Key {
    Refund::key_of(word.provider, &word.external_id, &word.refund_id)
}

/// A walk that an earlier run did not end.
#[cfg(test)]
pub(super) fn left_at(provider: Provider, now: Instant, page: &str) -> impl Entity + use<> {
    Walk { provider, since: now - days(WINDOW_DAYS), page: Some(page.to_owned()) }
}
