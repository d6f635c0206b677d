//! Whose attempt a provider's word is about.
//!
//! A word may name an attempt by its own id, by the provider's id of its invoice and by the
//! provider's id of its standing subscription; never by an e-mail. All that it names must be one:
//! money that names two attempts is nobody's until a person decides.

use shared::problem::Result;
use shared::table::{Item, Query};

use super::contracts::RecurringContract;
use super::items::invoice_partition;
use super::model::Attempt;
use super::providers::Provider;
use crate::App;

/// An invoice has one attempt; two are enough to see that something is wrong.
const INVOICES: u32 = 2;

/// What a provider's word names, in the provider's own words.
#[derive(Clone, Copy, Debug, Default)]
pub struct Named<'a> {
    /// The attempt's id, as it travelled to the provider and back. Whatever does not read like one
    /// names nothing: the field may be one that strangers fill, too.
    pub attempt_id: Option<&'a str>,
    /// The provider's id of the invoice.
    pub invoice_id: Option<&'a str>,
    /// The provider's id of the standing subscription.
    pub contract_id: Option<&'a str>,
}

/// Whom it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matched {
    /// This attempt.
    Attempt(String),
    /// Two different ones.
    Two,
    /// None that is known.
    Nobody,
}

/// What is stored of what a word names.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// The attempt, where the word names it by its own id.
    pub(super) attempt: Option<Attempt>,
    /// The standing subscription.
    pub(super) contract: Option<RecurringContract>,
    /// The attempts of the invoice, where it was looked for.
    invoiced: Vec<String>,
}

/// Finds the attempt that a word is about: the one it names, else the one of its invoice, else the
/// one of its contract. One read; a query more where the attempt itself does not say whose invoice
/// it is.
///
/// # Errors
/// When the store does not answer.
pub async fn find(app: &App, provider: Provider, named: Named<'_>) -> Result<Matched> {
    Ok(look(app, provider, named).await?.matched())
}

/// The same, with what was read for it.
pub(super) async fn look(app: &App, provider: Provider, named: Named<'_>) -> Result<Found> {
    let table = &app.platform.table;
    let attempt_at = named.attempt_id.filter(|id| Attempt::is_id(id)).map(Attempt::key_of);
    let contract_at = named.contract_id.map(|id| RecurringContract::key_of(provider, id));
    let keys: Vec<_> = [&attempt_at, &contract_at].into_iter().flatten().cloned().collect();
    let mut found = Found::default();
    if !keys.is_empty() {
        let rows = table.batch(&keys).await?;
        found.attempt = attempt_at.map_or(Ok(None), |at| rows.get(&at))?;
        found.contract = contract_at.map_or(Ok(None), |at| rows.get(&at))?;
    }
    let own = found.attempt.as_ref().and_then(|attempt| attempt.invoice_id.as_deref());
    let unsure = named.invoice_id.filter(|id| own != Some(*id));
    let partition = unsure.and_then(|id| invoice_partition(provider, id));
    if let Some(partition) = partition {
        let query = Query::global_index("invoice", ("invoice_pk", partition), "pk").limit(INVOICES);
        let page = table.query(&query).await?;
        found.invoiced = page.items.iter().filter_map(attempt_of).collect();
    }
    Ok(found)
}

/// The attempt behind an item of the index, which has its keys alone. An invoice is never another
/// attempt's, so that it does not matter that the index lags.
fn attempt_of(item: &Item) -> Option<String> {
    let pk = item.text("pk")?;
    pk.strip_prefix("ATTEMPT#").map(str::to_owned)
}

impl Found {
    /// Whom all of it names.
    pub(super) fn matched(&self) -> Matched {
        let named = self.attempt.iter().map(|attempt| &attempt.id);
        let renewed = self.contract.iter().map(|contract| &contract.attempt_id);
        let mut all = named.chain(&self.invoiced).chain(renewed);
        match all.next() {
            None => Matched::Nobody,
            Some(first) if all.all(|other| other == first) => Matched::Attempt(first.clone()),
            Some(_) => Matched::Two,
        }
    }
}
