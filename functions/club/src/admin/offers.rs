//! What is sold, as administrators set it.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::routing::{delete, get, patch, post};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::clock::Now;
use shared::function::{Access, Function};
use shared::http::{Answer, Json, Params};
use shared::idempotency::Idempotency;
use shared::money::{Currency, Money};
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use super::keyed::commit;
use crate::App;
use crate::payments::{Offer, Periodicity, Provider, Purpose, catalogue};
use crate::wire::{self, success};

/// The most days that a payment buys.
const DAYS_MAX: u32 = 3_660;
/// What a price is below, in minor units.
const PRICE_BOUND: u64 = 1_000_000_000_000;
/// What a subscription in stars costs at most, by Telegram's rules.
const STARS_MAX: u64 = 10_000;

/// `GET` of a path of offers.
#[must_use]
pub fn list_offers(name: &'static str, path: &'static str) -> Function<App> {
    Function::<App>::get(name, path)
        .summary("All offers, by key")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .answers::<OfferList>()
        .handled_by(get(handle_list))
}

/// `POST` to a path of offers.
#[must_use]
pub fn create_offer(name: &'static str, path: &'static str) -> Function<App> {
    Function::<App>::post(name, path)
        .summary("Makes an offer")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .takes::<OfferFields>()
        .answers::<OfferAnswer>()
        .handled_by(post(handle_create))
}

/// `PATCH` of one offer.
#[must_use]
pub fn update_offer(name: &'static str, path: &'static str) -> Function<App> {
    Function::<App>::patch(name, path)
        .summary("Changes an offer; fields that are left out stay as they are")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .takes::<OfferFields>()
        .answers::<OfferAnswer>()
        .handled_by(patch(handle_update))
}

/// `DELETE` of one offer.
#[must_use]
pub fn delete_offer(name: &'static str, path: &'static str) -> Function<App> {
    Function::<App>::delete(name, path)
        .summary("Takes an offer away; one that was used is no longer sold instead")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .answers::<OfferRemoved>()
        .handled_by(delete(handle_delete))
}

/// An offer's fields, as administrators write them.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct OfferFields {
    /// 1 to 64 of `[a-z0-9_]`; of a new offer only.
    key: Option<String>,
    /// 1 to 200 characters.
    label: Option<String>,
    /// Of a new offer as `is_gift` says, where it is left out.
    purpose: Option<Purpose>,
    /// 1 to 3660.
    days: Option<u32>,
    /// A decimal string for each currency; replaces all prices.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    prices: Option<BTreeMap<String, Box<RawValue>>>,
    /// What the provider calls it, 128 characters at most; none when empty.
    offer_id: Option<String>,
    /// `ONE_TIME` unless given.
    periodicity: Option<Periodicity>,
    /// Is it sold? Yes, unless given.
    is_active: Option<bool>,
    /// The same as the purpose `gift`.
    is_gift: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OfferList {
    offers: Vec<OfferView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OfferAnswer {
    offer: OfferView,
}

#[derive(Debug, Serialize, ToSchema)]
struct OfferRemoved {
    /// Is it gone for good?
    deleted: bool,
    /// What is left of it.
    offer: Option<OfferView>,
}

/// An offer.
#[derive(Debug, Serialize, ToSchema)]
struct OfferView {
    key: String,
    label: String,
    purpose: Purpose,
    days: u32,
    /// A decimal string for each currency.
    #[schema(value_type = BTreeMap<String, String>)]
    prices: BTreeMap<&'static str, String>,
    offer_id: Option<String>,
    periodicity: Periodicity,
    is_active: bool,
    is_gift: bool,
}

impl From<Offer> for OfferView {
    fn from(offer: Offer) -> Self {
        let prices = offer.prices.iter();
        Self {
            prices: prices.map(|price| (price.currency.code(), price.to_string())).collect(),
            key: offer.key,
            label: offer.label,
            is_gift: offer.purpose == Purpose::Gift,
            purpose: offer.purpose,
            days: offer.days,
            offer_id: offer.offer_id,
            periodicity: offer.periodicity,
            is_active: offer.active,
        }
    }
}

impl OfferFields {
    /// The offer that these fields make of nothing.
    fn made(&self) -> Result<Offer> {
        let missing = |field| Problem::invalid(field, "is required");
        let key = self.key.clone().ok_or_else(|| missing("key"))?;
        if !Offer::is_key(&key) {
            return Err(Problem::invalid("key", "1 to 64 of a-z 0-9 _"));
        }
        if self.label.is_none() {
            return Err(missing("label"));
        }
        if self.prices.is_none() {
            return Err(missing("prices"));
        }
        if self.purpose.is_none() && self.is_gift.is_none() {
            return Err(missing("purpose"));
        }
        let periodicity = self.periodicity.unwrap_or(Periodicity::OneTime);
        self.changed(Offer {
            key,
            label: String::new(),
            offer_id: None,
            purpose: Purpose::Own,
            periodicity,
            days: periodicity.days(),
            prices: Vec::new(),
            active: true,
            used: false,
            version: 1,
        })
    }

    /// The offer with these fields instead of its own.
    fn changed(&self, mut offer: Offer) -> Result<Offer> {
        if self.key.as_ref().is_some_and(|key| *key != offer.key) {
            return Err(Problem::invalid("key", "cannot be changed"));
        }
        if let Some(label) = &self.label {
            text("label", label, 1, 200)?;
            offer.label.clone_from(label);
        }
        if let Some(id) = &self.offer_id {
            text("offer_id", id, 0, 128)?;
            offer.offer_id = Some(id.clone()).filter(|id| !id.is_empty());
        }
        offer.purpose = self.purpose_or(offer.purpose)?;
        offer.periodicity = self.periodicity.unwrap_or(offer.periodicity);
        offer.days = self.days.unwrap_or(offer.days);
        if !(1..=DAYS_MAX).contains(&offer.days) {
            return Err(Problem::invalid("days", "1 to 3660"));
        }
        if let Some(prices) = &self.prices {
            offer.prices = read_prices(prices)?;
        }
        let stars = offer.price(Currency::Xtr).map(|price| price.minor).unwrap_or_default();
        if offer.recurs(Provider::Stars) && stars > STARS_MAX {
            return Err(Problem::invalid("prices", "a subscription costs 10000 stars at most"));
        }
        offer.active = self.is_active.unwrap_or(offer.active);
        Ok(offer)
    }

    fn purpose_or(&self, known: Purpose) -> Result<Purpose> {
        let told = self.is_gift.map(|gift| if gift { Purpose::Gift } else { Purpose::Own });
        match (self.purpose, told) {
            (Some(purpose), Some(told)) if purpose != told => {
                Err(Problem::invalid("is_gift", "contradicts purpose"))
            }
            (purpose, told) => Ok(purpose.or(told).unwrap_or(known)),
        }
    }
}

fn text(field: &'static str, text: &str, least: usize, most: usize) -> Result<()> {
    match (least..=most).contains(&text.chars().count()) {
        true => Ok(()),
        false => Err(Problem::invalid(field, format!("{least} to {most} characters"))),
    }
}

fn read_prices(prices: &BTreeMap<String, Box<RawValue>>) -> Result<Vec<Money>> {
    let wrong = || Problem::invalid("prices", "decimal strings above 0 by RUB, USD, EUR, XTR");
    let mut read = Vec::new();
    for (code, amount) in prices {
        let currency: Currency = code.parse().map_err(|_| wrong())?;
        // A number is taken as it is written.
        let amount = serde_json::from_str(amount.get()).unwrap_or_else(|_| amount.get().to_owned());
        let price = Money::parse(&amount, currency).ok();
        let price = price.filter(|price| (1..PRICE_BOUND).contains(&price.minor));
        read.push(price.ok_or_else(wrong)?);
    }
    if read.is_empty() {
        return Err(wrong());
    }
    Ok(read)
}

async fn handle_list(State(app): State<App>) -> Answer {
    let offers = catalogue::all(&app.platform.table).await?;
    success(OfferList { offers: offers.into_iter().map(OfferView::from).collect() })
}

async fn handle_create(
    State(app): State<App>,
    Now(now): Now,
    key: Idempotency,
    Json(fields): Json<OfferFields>,
) -> Answer {
    let offer = fields.made()?;
    let at = Offer::key_of(&offer.key);
    commit(&app, &key, std::slice::from_ref(&at), now, |rows| {
        if rows.get::<Offer>(&at)?.is_some() {
            return Err(catalogue::exists());
        }
        Ok((OfferAnswer { offer: offer.clone().into() }, vec![catalogue::made(&offer)?]))
    })
    .await
}

async fn handle_update(
    State(app): State<App>,
    Params(key): Params<String>,
    Json(fields): Json<OfferFields>,
) -> Answer {
    let table = &app.platform.table;
    let offer = catalogue::change(table, &key, |offer| fields.changed(offer)).await?;
    success(OfferAnswer { offer: offer.into() })
}

async fn handle_delete(State(app): State<App>, Params(key): Params<String>) -> Answer {
    let left = catalogue::remove(&app.platform.table, &key).await?;
    success(OfferRemoved { deleted: left.is_none(), offer: left.map(OfferView::from) })
}
