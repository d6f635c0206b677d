//! The offers as administrators keep them: what is stored stands for the seeded offer of its key.

use std::collections::BTreeMap;

use http::StatusCode;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Item, Key, Query, Table, Write};

use super::items::OFFERS;
use super::offers::{Offer, SEEDED};
use crate::texts;

/// Offers of one read.
const PAGE: u32 = 90;
/// Pages of a list: more offers than that are nobody's wish.
const PAGES_MAX: u32 = 10;

/// The offer `key`, given what is stored under it.
#[must_use]
pub fn known(key: &str, stored: Option<Offer>) -> Option<Offer> {
    stored.or_else(|| Offer::seeded(key))
}

/// All offers, by key. One query of an index that may lag, and one read, for each page.
///
/// # Errors
/// When the store does not answer.
pub async fn all(table: &Table) -> Result<Vec<Offer>> {
    let seeded = SEEDED.iter().filter_map(|key| Offer::seeded(key));
    let mut offers: BTreeMap<String, Offer> =
        seeded.map(|offer| (offer.key.clone(), offer)).collect();
    let mut keys: Vec<Key> = SEEDED.iter().map(|key| Offer::key_of(key)).collect();
    let mut cursor = None;
    for _ in 0..PAGES_MAX {
        let query = Query::global_index("registry", ("registry_pk", OFFERS.to_owned()), "pk")
            .limit(PAGE)
            .after(cursor);
        let page = table.query(&query).await?;
        let found = page.items.iter().filter_map(Item::key).filter(|key| !keys.contains(key));
        let found: Vec<Key> = found.collect();
        keys.extend(found);
        let rows = table.batch(&keys).await?;
        for key in keys.drain(..) {
            let stored: Option<Offer> = rows.get(&key)?;
            offers.extend(stored.map(|offer| (offer.key.clone(), offer)));
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(offers.into_values().collect())
}

/// The write that makes an offer; refused under `offer` where one of its key is stored.
///
/// # Errors
/// 409 `offer_exists` for the key of a seeded offer.
pub fn made(offer: &Offer) -> Result<Write> {
    match Offer::seeded(&offer.key) {
        Some(_) => Err(exists()),
        None => Ok(Write::insert("offer", offer)),
    }
}

/// There is an offer of this key.
#[must_use]
pub fn exists() -> Problem {
    Problem::new(StatusCode::CONFLICT, "offer_exists", "Conflict", texts::OFFER_EXISTS)
}

/// Changes an offer as `change` says. One read and one write, anew for each time that another
/// writer came first.
///
/// # Errors
/// 404 `offer_unknown`; what `change` refuses; when the store does not answer.
pub async fn change(
    table: &Table,
    key: &str,
    change: impl Fn(Offer) -> Result<Offer>,
) -> Result<Offer> {
    optimistic(|| async {
        let (stored, offer) = read(table, key).await?;
        let changed = Offer { version: offer.version + 1, ..change(offer.clone())? };
        if stored && changed == (Offer { version: changed.version, ..offer.clone() }) {
            return Ok(Round::Done(offer));
        }
        let write = Write::put("offer", &changed);
        match table.write(seen(write, stored, &offer)).await {
            Ok(_) => Ok(Round::Done(changed)),
            Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
        }
    })
    .await
}

/// Takes an offer away; one that somebody has asked a link for, or that is seeded, is no longer
/// sold and stays. Answers what is left of it. One read and one write.
///
/// # Errors
/// 404 `offer_unknown`; when the store does not answer.
pub async fn remove(table: &Table, key: &str) -> Result<Option<Offer>> {
    optimistic(|| async {
        let (stored, offer) = read(table, key).await?;
        let stays = offer.used || Offer::seeded(key).is_some();
        let left = Offer { active: false, version: offer.version + 1, ..offer.clone() };
        let write = match stays {
            true => Write::put("offer", &left),
            false => Write::delete("offer", Offer::key_of(key)),
        };
        match table.write(seen(write, stored, &offer)).await {
            Ok(_) => Ok(Round::Done(stays.then_some(left))),
            Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
        }
    })
    .await
}

/// Writes down that somebody asks a link for a stored offer, so that it is never taken away. One
/// write for the first link of an offer, none for any other.
///
/// # Errors
/// When the store does not answer.
pub async fn used(table: &Table, offer: &Offer) -> Result<()> {
    if offer.used || offer.version == 0 {
        return Ok(());
    }
    let write = Write::update("offer", Offer::key_of(&offer.key))
        .set("used", true)
        .when("attribute_exists(#pk)");
    match table.write(write).await {
        Ok(_) => Ok(()),
        // It was taken away since it was read: the terms of the link are frozen.
        Err(error) => error.refusal().map(|_| ()).map_err(Problem::from),
    }
}

async fn read(table: &Table, key: &str) -> Result<(bool, Offer)> {
    let stored: Option<Offer> = match Offer::is_key(key) {
        true => table.get(&Offer::key_of(key)).await?,
        false => None,
    };
    let (is_stored, offer) = (stored.is_some(), known(key, stored));
    let unknown = || {
        let status = StatusCode::NOT_FOUND;
        Problem::new(status, "offer_unknown", "Not Found", texts::OFFER_UNKNOWN)
    };
    Ok((is_stored, offer.ok_or_else(unknown)?))
}

/// The write, refused when the offer is not any more as it was read.
fn seen(write: Write, stored: bool, offer: &Offer) -> Write {
    match stored {
        false => write.when("attribute_not_exists(#pk)"),
        // `used` is no part of the version: whoever takes the offer away must not miss it.
        true => write
            .when("#version = :version AND #used = :used")
            .bind(":version", offer.version)
            .bind(":used", offer.used),
    }
}
