//! The nightly recount: the only walk over all members.
//!
//! A walk goes through the registry. Whatever a contribution says that its member does not is put
//! right at once, by the same transaction as any other change; so is a standing by experience. The
//! totals are compared with what the walk has counted. The registry's index may lag, so that a
//! total is not believed to be wrong until two walks in a row find the same of it; then it is
//! repaired, if it is still the revision that was read. A total that keeps changing while it is
//! counted is left as it is and told of as unsettled: the next night has another try.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result};
use shared::table::{Cursor, Entity, Key, Query, Table, Write};
use shared::telemetry;

use super::census::{self, Drift, Totals, Which};
use super::model::{Contribution, Difference, SHARDS, Standing};
use super::store::{self, overtaken};
use crate::auth::{Member, REGISTRY_SHARDS};
use crate::outbox::{self, Message};
use crate::shift::Shift;
use crate::{App, texts};

/// Walks of one run: two that agree, and two more for totals that changed under the first.
const WALKS: u32 = 4;
/// What the registry's index is given to catch up before a total is looked at again: far more than
/// it ever lags. The embedded engine's does not.
const CATCHING_UP: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 5 });
/// Members whose items are read together: each has two.
const TOGETHER: usize = 50;
/// Members of one page of the registry.
const PAGE: u32 = 1_000;

/// Each night.
#[must_use]
pub fn reconcile() -> Function<App> {
    Function::<App>::schedule("club-ratings-reconcile", "cron(30 1 * * ? *)", run_reconcile)
        .summary("Counts all ratings anew, tells of what has drifted and repairs it")
}

/// What a run has seen.
#[derive(Debug, Default, Serialize)]
pub(super) struct Reconciled {
    /// Was another run under way, so that this one did nothing?
    lease_held: bool,
    members: u64,
    /// Contributions that the stream had not told of yet.
    late: u64,
    /// Items that said something else than they should.
    pub(super) drift: u64,
    /// Those of them that were put right.
    repaired: u64,
    /// Totals that kept changing while they were counted.
    unsettled: u64,
    /// Was everything looked at?
    complete: bool,
}

/// A run.
struct Recount<'a> {
    table: &'a Table,
    shift: &'a Shift,
    now: Instant,
    seen: Reconciled,
    /// Was an alert asked for?
    told: bool,
}

async fn run_reconcile(app: App, invocation: Invocation) -> Result<Reconciled> {
    let Some(shift) = Shift::begin(&app, "ratings_reconcile", &invocation).await? else {
        return Ok(Reconciled { lease_held: true, ..Reconciled::default() });
    };
    let (table, now) = (&app.platform.table, invocation.now);
    let seen = Reconciled::default();
    let mut recount = Recount { table, shift: &shift, now, seen, told: false };
    let outcome = recount.walks().await;
    let seen = recount.seen;
    // Found is found, whatever came after it.
    telemetry::metrics(&app.platform, &[("rating_drift", seen.drift)]);
    if seen.drift > 0 {
        let (drift, repaired, unsettled) = (seen.drift, seen.repaired, seen.unsettled);
        tracing::error!(drift, repaired, unsettled, "ratings have drifted");
    }
    shift.end(&app).await;
    outcome.map(|()| seen)
}

impl Recount<'_> {
    async fn walks(&mut self) -> Result<()> {
        let mut before: BTreeMap<Which, Drift> = BTreeMap::new();
        for walk in 1..=WALKS {
            let totals = census::totals(self.table).await?;
            let Some(counted) = self.walk_all(walk == 1).await? else {
                return Ok(());
            };
            if walk == 1 {
                self.stale_standings().await?;
            }
            before = self.settle(&totals, &counted, &before).await?;
            if before.is_empty() {
                self.seen.complete = true;
                return Ok(());
            }
            tokio::time::sleep(CATCHING_UP).await;
        }
        self.seen.unsettled = u64::try_from(before.len()).unwrap_or(u64::MAX);
        self.seen.complete = true;
        Ok(())
    }

    /// Repairs what the last walk has found of a total, too, and answers what has to be looked at
    /// once more.
    async fn settle(
        &mut self,
        totals: &Totals,
        counted: &Difference,
        before: &BTreeMap<Which, Drift>,
    ) -> Result<BTreeMap<Which, Drift>> {
        let mut open = BTreeMap::new();
        for drift in census::drifts(totals, counted) {
            if before.get(&drift.which) != Some(&drift) {
                open.insert(drift.which.clone(), drift);
                continue;
            }
            self.tell().await?;
            if drift.repair(self.table, &self.shift.lease).await? {
                tracing::error!(total = ?drift.which, "a total of the ratings has drifted");
                self.seen.drift += 1;
                self.seen.repaired += 1;
            } else {
                open.insert(drift.which.clone(), drift);
            }
        }
        Ok(open)
    }

    /// Counts all contributions; `None` when there was no time for all. The first walk puts
    /// contributions right, too.
    async fn walk_all(&mut self, first: bool) -> Result<Option<Difference>> {
        let mut counted = Difference::default();
        for shard in 0..REGISTRY_SHARDS {
            let partition = ("registry_pk", format!("MEMBERS#{shard}"));
            let query = Query::global_index("registry", partition, "pk").limit(PAGE);
            let mut cursor: Option<Cursor> = None;
            loop {
                let page = self.table.query(&query.clone().after(cursor)).await?;
                let tg_ids = page.items.iter().filter_map(|item| {
                    item.text("pk")?.strip_prefix("MEMBER#")?.parse::<i64>().ok()
                });
                let tg_ids: Vec<i64> = tg_ids.collect();
                for some in tg_ids.chunks(TOGETHER) {
                    if self.shift.is_over() {
                        return Ok(None);
                    }
                    let found = match first {
                        true => self.examined(some).await?,
                        false => store::contributions(self.table, some).await?,
                    };
                    found.iter().for_each(|contribution| counted.count(contribution, 1));
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(Some(counted))
    }

    /// The contributions of these members, after they were put right. Two reads.
    async fn examined(&mut self, tg_ids: &[i64]) -> Result<Vec<Contribution>> {
        let pairs: Vec<(Key, Key)> = tg_ids
            .iter()
            .map(|tg_id| (crate::auth::member_key(*tg_id), Contribution::key_of(*tg_id)))
            .collect();
        let keys: Vec<Key> = pairs.iter().flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
        let rows = self.table.batch(&keys).await?;
        let mut found = Vec::new();
        for (member, contribution) in &pairs {
            let Some(member) = rows.get::<Member>(member)? else { continue };
            let held: Option<Contribution> = rows.get(contribution)?;
            self.seen.members += 1;
            found.extend(self.right(&member, held).await?);
        }
        self.missing_standings(&found).await?;
        Ok(found)
    }

    /// A member's contribution, put right if it is not. What only the stream or the next publishing
    /// has to bring is not drift.
    async fn right(
        &mut self,
        member: &Member,
        held: Option<Contribution>,
    ) -> Result<Option<Contribution>> {
        let (table, now) = (self.table, self.now);
        if Contribution::next(held.as_ref(), member, now).is_some()
            && held.as_ref().is_none_or(|held| held.member_version < member.version)
        {
            self.seen.late += 1;
            store::apply(table, member, now, Some(&self.shift.lease)).await?;
            return Ok(table.get(&Contribution::key_of(member.tg_id)).await?);
        }
        let Some(old) = held else { return Ok(None) };
        let should = Contribution::after(Some(&old), member, now);
        // Whose time has run out is taken out by publishing.
        let waits = old.counted && !should.counted && old.until == should.until;
        let counted = waits || should.counted;
        let same = Contribution { revision: old.revision, counted, ..should.clone() };
        if old.member_version != member.version || same == old {
            return Ok(Some(old));
        }
        self.tell().await?;
        tracing::error!(member_id = %member.id, "a contribution to the ratings has drifted");
        self.seen.drift += 1;
        if store::replace(table, Some(&old), &should, Some(&self.shift.lease)).await? {
            self.seen.repaired += 1;
        }
        Ok(table.get(&Contribution::key_of(member.tg_id)).await?)
    }

    /// Puts standings where members with experience have none. One read.
    async fn missing_standings(&mut self, contributions: &[Contribution]) -> Result<()> {
        let expected: Vec<(&Contribution, Standing)> = contributions
            .iter()
            .filter_map(|contribution| Some((contribution, contribution.standing()?)))
            .collect();
        if expected.is_empty() {
            return Ok(());
        }
        let keys: Vec<Key> = expected.iter().map(|(_, standing)| standing.key()).collect();
        let rows = self.table.batch(&keys).await?;
        for (contribution, standing) in expected {
            let there: Option<Standing> = rows.get(&standing.key())?;
            if there.as_ref() != Some(&standing) {
                let put = Write::put("standing", &standing);
                self.beside(contribution, put).await?;
            }
        }
        Ok(())
    }

    /// Takes standings away that are nobody's any more.
    async fn stale_standings(&mut self) -> Result<()> {
        for shard in 0..SHARDS {
            let query = Query::partition(Standing::partition(shard)).limit(PAGE);
            let mut cursor: Option<Cursor> = None;
            loop {
                if self.shift.is_over() {
                    return Ok(());
                }
                let page = self.table.query(&query.clone().after(cursor)).await?;
                let standings = page
                    .items
                    .iter()
                    .filter_map(|item| Some((item.key()?, item.integer("tg_id")?)));
                for some in standings.collect::<Vec<_>>().chunks(100) {
                    self.stale_among(some).await?;
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn stale_among(&mut self, standings: &[(Key, i64)]) -> Result<()> {
        let tg_ids: Vec<i64> = standings.iter().map(|(_, tg_id)| *tg_id).collect();
        let unique: std::collections::BTreeSet<i64> = tg_ids.iter().copied().collect();
        let unique: Vec<i64> = unique.into_iter().collect();
        let held = store::contributions(self.table, &unique).await?;
        let held: BTreeMap<i64, &Contribution> =
            held.iter().map(|held| (held.tg_id, held)).collect();
        for (key, tg_id) in standings {
            // Whose contribution is not there at all is put right when the stream tells of them.
            let Some(contribution) = held.get(tg_id) else { continue };
            let place = contribution.standing().map(|standing| standing.key());
            // The page of standings was read before the contributions.
            if place.as_ref() != Some(key) && self.table.get_item(key).await?.is_some() {
                let delete = Write::delete("standing", key.clone()).when("attribute_exists(#pk)");
                self.beside(contribution, delete).await?;
            }
        }
        Ok(())
    }

    /// Has the contribution been changed since it was read? Then what stands beside it was, too.
    async fn has_moved(&self, contribution: &Contribution) -> Result<bool> {
        let held: Option<Contribution> = self.table.get(&contribution.key()).await?;
        Ok(held.is_none_or(|held| held.revision != contribution.revision))
    }

    /// Writes a standing, if the contribution that it follows from is still the same; else it was
    /// moved meanwhile, by the transaction that has changed it.
    async fn beside(&mut self, contribution: &Contribution, write: Write) -> Result<()> {
        // Nobody is to be told of what no repair would find; what was told needs no such look.
        if !self.told && self.has_moved(contribution).await? {
            return Ok(());
        }
        let unchanged = Write::check("contribution", contribution.key())
            .when("#revision = :seen")
            .bind(":seen", contribution.revision);
        self.tell().await?;
        match self.table.transact(vec![self.shift.lease.fence(), unchanged, write]).await {
            Ok(()) => {
                tracing::error!(member_id = %contribution.id, "a standing has drifted");
                self.seen.drift += 1;
                self.seen.repaired += 1;
                Ok(())
            }
            Err(error) => match error.refusal() {
                Ok(refusal) if refusal.has("lease") => Err(overtaken()),
                Ok(_) => Ok(()),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Tells those who run the club, once for each run, and before anything is put right: whoever
    /// repairs and dies has told.
    async fn tell(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.told, true) {
            return Ok(());
        }
        let text = texts::RATING_DRIFT.to_owned();
        let id = format!("rating_drift:{}", self.now);
        let alert = outbox::ask(&id, &Message::AdminAlert { text }, self.now)?;
        match self.table.write(alert).await {
            Ok(_) => Ok(()),
            Err(error) => error.refusal().map(|_| ()).map_err(Problem::from),
        }
    }
}
