//! What one batch read tells of a wish for a link, and what the rules make of it.

use shared::clock::Instant;
use shared::http::Subject;
use shared::idempotency::{Idempotency, Outcome, Record};
use shared::money::{Currency, Money};
use shared::problem::Result;
use shared::table::{Key, Rows};

use super::refusals::{cooling_down, failed, refused, unknown_offer};
use super::taker::{taker, takers};
use super::{Linked, Wanted, again, renewal};
use crate::auth::{Member, member_key};
use crate::payments::items::{OpenAttempt, Slot};
use crate::payments::model::{Attempt, Status};
use crate::payments::offers::{Offer, Purpose};
use crate::payments::providers::Provider;
use crate::payments::settlement::LAST_PROVIDER;
use crate::{App, texts};

/// What is stored that a link depends on.
pub(super) struct Known {
    rows: Rows,
    pub(super) member: Option<Member>,
    offer: Option<Offer>,
    slot: Slot,
    record: Option<Key>,
}

/// What an earlier call under the same key means.
pub(super) enum Replay {
    /// There was none.
    None,
    /// This is its answer.
    Answer(Linked),
    /// Its try failed, with this attempt.
    Renew(String),
}

impl Known {
    /// Reads it. Who takes the money is known only with the offer and the payer, so what stands
    /// open is read for all who may.
    pub(super) async fn read(
        app: &App,
        subject: &Subject,
        wanted: &Wanted,
        key: &Idempotency,
        now: Instant,
    ) -> Result<Self> {
        let takers = takers(&app.payments, wanted.provider.as_deref(), wanted.currency);
        let slot = |(provider, currency): (Provider, Currency), recipient| Slot {
            payer: subject.telegram_id,
            offer: wanted.offer.clone(),
            provider,
            currency,
            recipient,
        };
        let (member_at, offer_at) = (member_key(subject.telegram_id), Offer::key_of(&wanted.offer));
        let mut keys = vec![member_at.clone(), offer_at.clone()];
        for taker in &takers {
            keys.push(slot(*taker, None).key());
            // Whether it is a gift is known only with the offer.
            keys.extend(wanted.recipient.map(|_| slot(*taker, wanted.recipient).key()));
        }
        keys.extend(key.key());
        let rows = app.platform.table.batch(&keys).await?;
        let record = key.key();
        if let Some(at) = &record {
            key.replay(rows.get::<Record>(at)?.as_ref(), now)?;
        }
        let offer = rows.get(&offer_at)?.or_else(|| Offer::seeded(&wanted.offer));
        let payer = rows.iter().find(|item| item.key().as_ref() == Some(&member_at));
        let last = payer.and_then(|item| item.text(LAST_PROVIDER));
        let taker = taker(&takers, offer.as_ref(), wanted.prefers, last);
        let taker = taker.ok_or_else(|| failed("no provider is enabled"))?;
        let is_gift = offer.as_ref().is_some_and(|offer| offer.purpose == Purpose::Gift);
        let slot = slot(taker, wanted.recipient.filter(|_| is_gift));
        Ok(Self { member: rows.get(&member_at)?, offer, slot, record, rows })
    }

    /// What an earlier call under the same key means for this one.
    pub(super) async fn replay(
        &self,
        app: &App,
        key: &Idempotency,
        now: Instant,
    ) -> Result<Replay> {
        let Some(at) = &self.record else { return Ok(Replay::None) };
        let record = self.rows.get::<Record>(at)?;
        let Some(Outcome::Entity(id)) = key.replay(record.as_ref(), now)? else {
            return Ok(Replay::None);
        };
        Ok(match again::answer_of(app, &id, now).await? {
            Some(linked) => Replay::Answer(linked),
            None => Replay::Renew(id),
        })
    }

    /// Refuses what the rules refuse; answers why no link is needed, if none is.
    pub(super) fn refuse(
        &self,
        app: &App,
        member: &Member,
        wanted: &Wanted,
        now: Instant,
    ) -> Result<Option<Linked>> {
        let (offer, _) = self.terms()?;
        match offer.purpose {
            Purpose::Gift if self.slot.recipient == Some(member.tg_id) => {
                Err(refused("gift_self", texts::GIFT_SELF))
            }
            Purpose::Gift => Ok(None),
            Purpose::Own => {
                let expires = member.subscription_expires;
                match app.payments.cooldown.unlocks(expires, now) {
                    Some(unlock) => Err(cooling_down(unlock)),
                    None => Ok(renewal(member, wanted.force_renew, now)),
                }
            }
        }
    }

    /// The offer and its price.
    pub(super) fn terms(&self) -> Result<(&Offer, Money)> {
        let offer = self.offer.as_ref().ok_or_else(unknown_offer)?;
        if !offer.active {
            return Err(refused("offer_inactive", texts::OFFER_INACTIVE));
        }
        let Slot { provider, currency, .. } = self.slot;
        let price = offer.price(currency).filter(|_| offer.is_sold(provider, currency));
        let missing = || refused("currency_not_offered", texts::CURRENCY_NOT_OFFERED);
        Ok((offer, price.ok_or_else(missing)?))
    }

    /// The attempt that stands in the slot.
    pub(super) fn holder(&self) -> Result<Option<String>> {
        let open: Option<OpenAttempt> = self.rows.get(&self.slot.key())?;
        Ok(open.map(|open| open.attempt_id))
    }

    /// A new attempt of these terms.
    pub(super) fn attempt(&self, wanted: &Wanted, now: Instant) -> Result<Attempt> {
        let (offer, price) = self.terms()?;
        let provider = self.slot.provider;
        let at_lavatop = || offer.at_lavatop(wanted.paypal);
        Ok(Attempt {
            id: Attempt::new_id(self.slot.payer, now),
            payer: self.slot.payer,
            recipient: self.slot.recipient,
            purpose: offer.purpose,
            offer: offer.key.clone(),
            days: offer.days,
            price,
            provider,
            recurs: offer.recurs(provider),
            contract: None,
            contract_over: false,
            lavatop: if provider == Provider::Lavatop { at_lavatop() } else { None },
            status: Status::Created,
            checks_done: 0,
            unrefunded: 0,
            due_at: Attempt::follow_up(now, now),
            invoice_id: None,
            url: None,
            reason: None,
            email: Some(wanted.email.clone()),
            phone: wanted.phone.clone(),
            created_at: now,
            updated_at: now,
        })
    }
}
