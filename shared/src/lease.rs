//! Exclusive work: a lease by conditional write.
//!
//! A lease has an owner, an expiry no earlier than the end of the function that holds it, and a
//! fencing token that grows with each acquisition. Expiry alone proves nothing about a holder
//! that was paused, so every write the holder makes carries [`Lease::fence`], a check inside the
//! same transaction: whoever was overtaken cannot write any more.

use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::ids;
use crate::problem::{Problem, Result};
use crate::table::{Entity, Key, Refusal, Table, Write, WriteError};

/// The right to do the work `name` alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    name: String,
    owner: String,
    /// Grows with each acquisition.
    pub token: i64,
}

/// The item behind a lease. It stays for good: the token must never start anew.
#[derive(Debug, Serialize, Deserialize)]
struct Held {
    name: String,
    owner: String,
    token: i64,
    until: Instant,
}

impl Held {
    fn key_of(name: &str) -> Key {
        Key::new(format!("LEASE#{name}"), "LEASE")
    }
}

impl Entity for Held {
    const KIND: &'static str = "Lease";

    fn key(&self) -> Key {
        Self::key_of(&self.name)
    }
}

impl Lease {
    /// Takes the lease `name` until `until`, if nobody holds it at `now`. One request.
    ///
    /// # Errors
    /// 409 `lease_held` when somebody does; `conflict_retry` when the store does not answer: the
    /// work does not run then.
    pub async fn acquire(table: &Table, name: &str, now: Instant, until: Instant) -> Result<Self> {
        let owner = ids::token();
        let write = Write::update("lease", Held::key_of(name))
            .set("name", name)
            .set("kind", Held::KIND)
            .set("owner", &owner)
            .set("until", until)
            .add("token", 1)
            .when("attribute_not_exists(#pk) OR #until <= :now")
            .bind(":now", now);
        let held = match table.write(write).await {
            Ok(item) => item,
            // The SDK repeats an attempt whose answer was lost, and then meets its own write.
            Err(WriteError::Refused(refusal)) => owned(refusal, &owner)?,
            Err(error) => return Err(error.into()),
        };
        let token = held.and_then(|item| item.integer("token"));
        let token = token.ok_or_else(|| Problem::bug("a lease without a token"))?;
        Ok(Self { name: name.to_owned(), owner, token })
    }

    /// The check that belongs into every transaction of the holder; its name is `lease`.
    #[must_use]
    pub fn fence(&self) -> Write {
        Write::check("lease", Held::key_of(&self.name))
            .when("#owner = :owner AND #token = :token")
            .bind(":owner", &self.owner)
            .bind(":token", self.token)
    }

    /// Gives the lease back, if it is still held. One request.
    ///
    /// # Errors
    /// When the store does not answer; the lease then ends by itself.
    pub async fn release(self, table: &Table, now: Instant) -> Result<()> {
        let write = Write::update("lease", Held::key_of(&self.name))
            .set("until", now)
            .when("#owner = :owner AND #token = :token")
            .bind(":owner", &self.owner)
            .bind(":token", self.token);
        match table.write(write).await {
            Ok(_) => Ok(()),
            Err(error) => error.refusal().map(|_| ()).map_err(Problem::from),
        }
    }
}

fn owned(refusal: Refusal, owner: &str) -> Result<Option<crate::table::Item>> {
    let item = refusal.old("lease").filter(|item| item.text("owner") == Some(owner));
    match item {
        Some(item) => Ok(Some(item.clone())),
        None => Err(held()),
    }
}

fn held() -> Problem {
    let text = "Работа уже выполняется";
    Problem::new(http::StatusCode::CONFLICT, "lease_held", "Conflict", text)
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::table::testing;

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(1_768_900_000 + seconds)
    }

    #[tokio::test]
    async fn one_of_many_gets_it() {
        let table = testing::table().await;
        let tries = (0..50).map(|_| Lease::acquire(&table, "job", at(0), at(60)));
        let (held, refused): (Vec<_>, Vec<_>) =
            join_all(tries).await.into_iter().partition(Result::is_ok);
        assert_eq!((held.len(), refused.len()), (1, 49));
        assert!(refused.into_iter().all(|r| r.unwrap_err().code() == "lease_held"));
    }

    #[tokio::test]
    async fn an_overtaken_holder_cannot_write() {
        let table = testing::table().await;
        let slow = Lease::acquire(&table, "job", at(0), at(60)).await.unwrap();
        let next = Lease::acquire(&table, "job", at(60), at(120)).await.unwrap();
        assert!(next.token > slow.token);
        let work = |lease: &Lease, by: &str| {
            vec![lease.fence(), Write::update("result", Key::new("R", "R")).set("by", by)]
        };
        let refusal = table.transact(work(&slow, "slow")).await.unwrap_err().refusal().unwrap();
        assert_eq!(refusal.name(), "lease");
        table.transact(work(&next, "next")).await.unwrap();
        slow.release(&table, at(61)).await.unwrap();
        assert!(Lease::acquire(&table, "job", at(61), at(120)).await.is_err());
    }

    #[tokio::test]
    async fn a_released_lease_is_free_and_its_token_still_grows() {
        let table = testing::table().await;
        let first = Lease::acquire(&table, "job", at(0), at(60)).await.unwrap();
        let token = first.token;
        first.release(&table, at(1)).await.unwrap();
        assert_eq!(Lease::acquire(&table, "job", at(1), at(60)).await.unwrap().token, token + 1);
    }
}
