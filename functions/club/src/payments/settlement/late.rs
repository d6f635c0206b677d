//! A standing subscription that is told after its first payment was settled without it: a provider's
//! answer to a check may not name what its notification does.

use shared::clock::Instant;
use shared::problem::{Problem, Result};
use shared::retry::Round;
use shared::table::{Entity as _, Write};

use super::{Known, Settled, catch_up, is_there, refuses};
use crate::App;
use crate::auth::{self, Member};
use crate::bot;
use crate::outbox;
use crate::payments::contracts::{ContractHandle, RecurringContract, Standing};
use crate::payments::model::{Attempt, Payment, Success};
use crate::wire::lease_lost;

/// A subscription that nobody knew of when its first payment was settled.
pub(super) struct Late<'a> {
    attempt: &'a Attempt,
    payment: &'a Payment,
    payer: &'a Member,
    handle: ContractHandle,
    /// Has its provider said that it is over?
    over: bool,
}

impl<'a> Late<'a> {
    /// What a success that was settled before tells that is new, if anything.
    pub(super) fn of(known: &'a Known, success: &Success) -> Option<Self> {
        let id = success.contract_id.clone()?;
        let (attempt, payment) = (known.attempt.as_ref()?, known.payment.as_ref()?);
        let payer = known.payer.as_ref().filter(|payer| payer.tg_id == attempt.payer)?;
        let is_new =
            known.contract.is_none() && payment.contract.is_none() && attempt.contract.is_none();
        let fits = success.is_of_contract(attempt)
            && success.said.agrees(attempt.price)
            && success.payer.is_none_or(|payer| payer == attempt.payer)
            && !known.is_foreign(success);
        let handle = ContractHandle { provider: success.provider, contract_id: id };
        let over = known.over;
        (is_new && fits).then_some(Self { attempt, payment, payer, handle, over })
    }

    /// Begins it: the payer has had what the payment gives, and is renewed from now on. Where the
    /// payment was given back whole, the subscription is over or another renews the payer, it is to
    /// end instead. One transaction of six items at most, and one read.
    pub(super) async fn begin(
        &self,
        app: &App,
        also: Option<&Write>,
        now: Instant,
    ) -> Result<Round<Settled>> {
        let mut writes = self.writes(now)?;
        writes.extend(also.cloned());
        match app.platform.table.transact(writes).await {
            Ok(()) => {
                // No row of the outbox looks for its early end.
                catch_up(app, &self.handle, now).await;
                Ok(Round::Done(Settled::Before))
            }
            Err(error) if refuses(&error, "lease") => Err(lease_lost()),
            Err(error) if is_there(&error, bot::WRITE) => Ok(Round::Done(Settled::Before)),
            // The payment, the attempt, the contract or the member has changed.
            Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
        }
    }

    fn writes(&self, now: Instant) -> Result<Vec<Write>> {
        let Self { attempt, payment, payer, handle, over } = self;
        let id = &handle.contract_id;
        let given_back = payment.refunded >= payment.sum.minor;
        // Another that was begun meanwhile is what its payer wants.
        let replaced = payer.auto_renewal && payer.contract.is_some();
        let (renewed_by, ends) = if given_back || *over || replaced {
            (None, Some(handle.clone()))
        } else {
            Standing::Begins(id.clone()).follow(attempt.provider, payer)
        };
        let member = auth::change(payer, now);
        let member = match renewed_by {
            Some(handle) => member.set("auto_renewal", true).set("contract", handle),
            // What it takes until it has ended asks for its end once more.
            None if !payer.auto_renewal => member.set("contract", handle),
            None => member,
        };
        let contract = RecurringContract::begun(attempt, payment, id, None, now);
        let mut writes = vec![
            Write::insert("contract", &contract),
            Write::update("attempt", attempt.key())
                .set("contract", id)
                .set("contract_over", false)
                .set("updated_at", now)
                .when("attribute_not_exists(#contract)"),
            Write::update("payment", payment.key())
                .set("contract", id)
                .when("attribute_not_exists(#contract) AND #refunded = :seen")
                .bind(":seen", payment.refunded),
            member,
        ];
        if let Some(ended) = ends {
            writes.push(outbox::end(payer.tg_id, &ended, &payment.id(), now)?);
        }
        Ok(writes)
    }
}
