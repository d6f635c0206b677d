//! Gifts in the table.

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::ledger::shard;
use shared::problem::Result;
use shared::table::{Cursor, Entity, Key, Query, Table, Write};

use super::model::{Activation, Gift, GiftStatus};
use crate::auth::{self, Member, member_key};
use crate::energies::{self, Award};
use crate::outbox::{self, Message};
use crate::subscriptions::{SubscriptionEvent, extended, set_expiry};

/// Partitions of the index of gifts that can still be activated.
pub(super) const DUE_SHARDS: u64 = 4;
/// Gifts of one page of that index.
const DUE_PAGE: u32 = 100;
/// What the sort keys of a giver's rows begin with.
const GIVEN: &str = "GIVEN#";
/// The most gifts that a giver's list shows.
const LIST_MAX: u32 = 200;

impl Gift {
    /// Where the gift with this token is.
    #[must_use]
    pub fn key_of(token: &str) -> Key {
        Key::new(format!("GIFT#{token}"), "GIFT")
    }
}

impl Entity for Gift {
    const KIND: &'static str = "Gift";

    fn key(&self) -> Key {
        Self::key_of(&self.token)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        if self.status != GiftStatus::Paid {
            return Vec::new();
        }
        let partition = due_partition(shard(&self.id, DUE_SHARDS));
        vec![("due_pk", partition), ("due_at", self.valid_until.to_string())]
    }
}

fn due_partition(shard: u64) -> String {
    format!("GIFT#{shard}")
}

/// A gift among its giver's rows: a copy, written with the gift. Ids sort by the time they were
/// made at, and so do these rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Given(pub(super) Gift);

impl Entity for Given {
    const KIND: &'static str = "GivenGift";

    fn key(&self) -> Key {
        Key::new(member_key(self.0.giver).pk, format!("{GIVEN}{}", self.0.id))
    }
}

/// The gift with this token. One read.
///
/// # Errors
/// When the store does not answer.
pub async fn find(table: &Table, token: &str) -> Result<Option<Gift>> {
    Ok(table.get(&Gift::key_of(token)).await?)
}

/// The writes that make a gift, for the transaction that settles its payment; refusal `gift`.
#[must_use]
pub fn granted(gift: &Gift) -> [Write; 2] {
    [Write::insert("gift", gift), Write::insert("given", &Given(gift.clone()))]
}

/// The writes that revoke a gift, for the transaction that gives its money back; refusal `gift`.
/// `None` when it was activated or revoked before.
#[must_use]
pub fn revoked(gift: &Gift) -> Option<[Write; 2]> {
    gift.revoked().map(|next| changed(gift, &next))
}

/// A write that changes nothing, refused under `gift` when the gift is not any more as it was
/// seen. A condition check would do, and would be one more thing that roles have to allow.
#[must_use]
pub fn untouched(gift: &Gift) -> Write {
    seen(gift, gift)
}

fn changed(gift: &Gift, next: &Gift) -> [Write; 2] {
    [seen(gift, next), Write::put("given", &Given(next.clone()))]
}

fn seen(gift: &Gift, next: &Gift) -> Write {
    Write::put("gift", next).when("#status = :seen").bind(":seen", gift.status)
}

/// What an activation would give at `now`.
pub(super) fn activation(gift: &Gift, member: &Member, award: u32, now: Instant) -> Activation {
    let until = extended(member.subscription_expires, gift.days, now);
    Activation { recipient: member.tg_id, until, energies: award, at: now }
}

/// The writes that activate a gift: six. Refused under `gift` when the gift has moved on, under
/// `member` when the recipient has.
pub(super) fn activating(gift: &Gift, member: &Member, made: Activation) -> Result<Vec<Write>> {
    let now = made.at;
    let income = energies::income(member, &Award::gift(&gift.id).of(made.energies), now);
    let event = SubscriptionEvent {
        tg_id: member.tg_id,
        cause: gift.id.clone(),
        event: "gift".to_owned(),
        from: member.subscription_expires,
        until: made.until,
        at: now,
    };
    let recipient = set_expiry(auth::change(member, now), member, made.until, now)
        .set("gifted", true)
        .set("gifted_by", gift.giver)
        .set_once("first_purchase_at", now);
    // One row; whoever delivers it asks for all that follows, each under a key of its own.
    let follows = Message::GiftTaken {
        gift_id: gift.id.clone(),
        giver: gift.giver,
        recipient: member.tg_id,
        days: gift.days,
    };
    let follows = outbox::ask(&format!("activated:{}", gift.id), &follows, now)?;
    let mut writes = Vec::from(changed(gift, &gift.activated(made)));
    writes.push(income.on(recipient));
    writes.extend([income.entry, Write::insert("subscription", &event), follows]);
    Ok(writes)
}

/// The writes that end a gift whose time is over, and tell its giver; `None` when it is not.
/// Refused under `gift` when the gift has moved on.
pub(super) fn expiring(gift: &Gift, now: Instant) -> Result<Option<Vec<Write>>> {
    let Some(next) = gift.expired(now) else { return Ok(None) };
    let notice = Message::GiftExpired { tg_id: gift.giver };
    let mut writes = Vec::from(changed(gift, &next));
    writes.push(outbox::ask(&format!("gift_expired:{}", gift.id), &notice, now)?);
    Ok(Some(writes))
}

/// One page of the gifts of a partition of the index that were to be activated by then and may
/// not have been: the index lags. One query and one read.
pub(super) async fn overdue(
    table: &Table,
    shard: u64,
    by: Instant,
    cursor: Option<Cursor>,
) -> Result<(Vec<Gift>, Option<Cursor>)> {
    let query = Query::global_index("due", ("due_pk", due_partition(shard)), "due_at")
        .up_to(by.to_string())
        .limit(DUE_PAGE)
        .after(cursor);
    let page = table.query(&query).await?;
    Ok((table.behind(&page.items).await?, page.next))
}

/// A member and the newest gifts that the member gave, newest first. One query: the member's row
/// follows those of the gifts.
///
/// # Errors
/// When the store does not answer.
pub async fn given(table: &Table, tg_id: i64) -> Result<(Option<Member>, Vec<Gift>)> {
    let member_at = member_key(tg_id);
    let query = Query::partition(member_at.pk)
        .between(GIVEN, member_at.sk)
        .descending()
        .limit(LIST_MAX + 1);
    let (mut member, mut gifts) = (None, Vec::new());
    for item in table.query(&query).await?.items {
        match item.text("kind") {
            Some(Member::KIND) => member = Some(item.read()?),
            Some(Given::KIND) => gifts.push(item.read::<Given>()?.0),
            _ => {}
        }
    }
    Ok((member, gifts))
}
