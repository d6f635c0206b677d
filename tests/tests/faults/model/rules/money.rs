//! Money that comes and goes back.

use super::*;

impl Model {
    /// Money came for attempt `index`; `agrees`: amount, currency and payer are what was agreed.
    pub fn success(&mut self, index: usize, external: &str, agrees: bool, now: Instant) {
        let attempt = self.attempts[index].clone();
        let key = (attempt.provider, external.to_owned());
        if let Some(known) = self.payment(attempt.provider, external) {
            if self.payments[known].attempt != index {
                self.aside.insert(key);
            }
            return;
        }
        let live = attempt.contract.as_ref().is_some_and(|id| {
            self.contracts.get(&(attempt.provider, id.clone())).is_some_and(|c| !c.ending)
        });
        let takes = match attempt.status {
            Status::Refunded => !attempt.gift && live,
            Status::Paid => !attempt.gift,
            Status::Pending => true,
            Status::Failed | Status::Abandoned => !self.is(Wrong::LateMoneyIsLost),
        };
        if !agrees || !takes {
            self.aside.insert(key);
            return;
        }
        self.settle(index, external, now);
    }

    fn settle(&mut self, index: usize, external: &str, now: Instant) {
        let attempt = self.attempts[index].clone();
        let gift = attempt.gift.then_some(self.gifts.len());
        self.payments.push(Payment {
            provider: attempt.provider,
            external: external.to_owned(),
            attempt: index,
            refunded: 0,
            refunds: BTreeSet::new(),
            days_back: 0,
            energies_back: 0,
            gift,
        });
        self.attempts[index].status = Status::Paid;
        if attempt.gift {
            self.gifts.push(Gift {
                attempt: index,
                giver: attempt.payer,
                recipient: attempt.recipient,
                made: now,
                held: Held::Paid,
                used: None,
            });
            self.tell(attempt.payer, Told::GiftLink);
            if self.is(Wrong::GiversAreAwarded) {
                self.member(attempt.payer).balance += AWARD;
            }
            return;
        }
        let until = self.extend(attempt.payer, false, now);
        if attempt.provider.renews() {
            self.recurs(index, external, (until - DAYS * DAY, until));
        }
        self.tell(attempt.payer, Told::Congratulated);
    }

    /// A month and an award. Answers until when the subscription lasts.
    pub(super) fn extend(&mut self, id: i64, gifted: bool, now: Instant) -> Instant {
        let stacks = !self.is(Wrong::DaysDoNotStack);
        let member = self.member(id);
        let from = member.expires.filter(|_| stacks).map_or(now, |expires| expires.max(now));
        let until = from + DAYS * DAY;
        member.expires = Some(until);
        member.earns(AWARD, now);
        member.gifted = gifted;
        member.first_purchase.get_or_insert(now);
        until
    }

    /// A payment of a standing subscription: the first begins it, and ends an older one.
    fn recurs(&mut self, index: usize, external: &str, period: (Instant, Instant)) {
        let (provider, payer) = (self.attempts[index].provider, self.attempts[index].payer);
        let begun = self.attempts[index].contract.clone();
        let id = begun.unwrap_or_else(|| provider.contract(&self.attempts[index].id, external));
        self.attempts[index].contract = Some(id.clone());
        let key = (provider, id);
        let contract = self.contracts.entry(key.clone()).or_insert_with(|| Contract {
            attempt: index,
            newest: String::new(),
            ending: false,
            period,
        });
        (contract.newest, contract.period) = (external.to_owned(), period);
        if contract.ending {
            // Money that was taken before the end took effect renews nothing.
            return;
        }
        let member = self.member(payer);
        let begins = member.last_contract.as_ref() != Some(&key);
        member.cancelled &= !begins;
        member.last_contract = Some(key.clone());
        let before = member.contract.replace(key.clone());
        if let Some(before) = before.filter(|before| *before != key) {
            self.contracts.get_mut(&before).expect("the older contract").ending = true;
        }
    }

    /// The provider says that no money will come.
    pub fn failure(&mut self, index: usize, now: Instant) {
        let status = self.attempts[index].status;
        let stays_payable = self.attempts[index].provider == Provider::Cloudpayments;
        if stays_payable {
            return;
        }
        if status == Status::Pending || (status == Status::Paid && self.is(Wrong::FailuresWin)) {
            self.attempts[index].status = Status::Failed;
            self.attempts[index].asked = now;
            self.tell(self.attempts[index].payer, Told::NotCompleted);
        }
    }

    /// Money went back. False when the payment is not there yet: to be told again.
    pub fn refund(
        &mut self,
        index: usize,
        external: &str,
        refund: &str,
        minor: Option<i64>,
        now: Instant,
    ) -> bool {
        let attempt = self.attempts[index].clone();
        let Some(at) = self.payment(attempt.provider, external) else {
            let settled = matches!(attempt.status, Status::Paid | Status::Refunded);
            let recurs = !attempt.gift && attempt.provider.renews();
            let aside = self.aside.contains(&(attempt.provider, external.to_owned()));
            return aside || (settled && !recurs);
        };
        let (price, payment) = (attempt.provider.price(), self.payments[at].clone());
        let minor = minor.unwrap_or(price - payment.refunded);
        let known = payment.refunds.contains(refund) && !self.is(Wrong::RefundsRepeat);
        if known || payment.attempt != index || minor <= 0 || payment.refunded + minor > price {
            return true;
        }
        let total = payment.refunded + minor;
        self.payments[at].refunded = total;
        self.payments[at].refunds.insert(refund.to_owned());
        match payment.gift {
            None => self.reverse(at, attempt.payer, now),
            Some(gift) => match self.gifts[gift].used {
                Some((recipient, ..)) => self.reverse(at, recipient, now),
                None if total == price => self.gifts[gift].held = Held::Revoked,
                None => {}
            },
        }
        if total < price {
            return true;
        }
        self.end_contract_of(index, external);
        let all_back = |p: &Payment| p.attempt != index || p.refunded == price;
        if self.attempts[index].status == Status::Paid && self.payments.iter().all(all_back) {
            self.attempts[index].status = Status::Refunded;
            self.tell(attempt.payer, Told::Refunded);
        }
        true
    }

    /// The provider has ended a standing subscription by itself: paid time stays. Where it says
    /// until when that is, the period that it made last is cut to that, never below now.
    pub fn over(&mut self, index: usize, until: Option<Instant>, now: Instant) {
        let attempt = &self.attempts[index];
        let Some(id) = attempt.contract.clone() else { return };
        let (key, payer) = ((attempt.provider, id), attempt.payer);
        let any = self.is(Wrong::AnyTimeIsCut);
        let contract = self.contracts.get_mut(&key).expect("the contract");
        contract.ending = true;
        let (from, end) = contract.period;
        let member = self.member(payer);
        member.contract = member.contract.take().filter(|own| *own != key);
        let (Some(until), Some(expires)) = (until, member.expires) else { return };
        if expires > now && until < expires && (expires == end || any) {
            member.expires = Some(until.max(now).max(from));
        }
    }

    /// A member ends what renews their subscription: what is paid stays. Who takes the money, or
    /// why nothing is done; `None` where the rules do not say.
    pub fn cancel(&mut self, who: i64, now: Instant) -> Option<Result<Provider, &'static str>> {
        let member = &self.members[&who];
        let Some(last) = member.last_contract.clone() else {
            return Some(Err("no_active_subscription"));
        };
        if member.contract.is_none() {
            return (member.cancelled && member.is_paid(now)).then_some(Ok(last.0));
        }
        if !member.is_paid(now) {
            return None;
        }
        if self.silent.contains(&last.0) {
            return Some(Err("provider_error"));
        }
        self.contracts.get_mut(&last).expect("the contract").ending = true;
        let member = self.member(who);
        (member.contract, member.cancelled) = (None, true);
        Some(Ok(last.0))
    }

    /// An administrator gives days; they bring no energies.
    pub fn grant(&mut self, who: i64, days: Instant, now: Instant) -> Instant {
        let member = self.member(who);
        let until = member.expires.map_or(now, |expires| expires.max(now)) + days * DAY;
        member.expires = Some(until);
        member.gifted = false;
        until
    }

    /// Takes back the share of what a payment gave that belongs to what was given back of it.
    fn reverse(&mut self, at: usize, id: i64, now: Instant) {
        let price = self.payments[at].provider.price();
        let payment = &mut self.payments[at];
        let days = DAYS * payment.refunded / price - payment.days_back;
        let energies = AWARD * payment.refunded / price - payment.energies_back;
        payment.days_back += days;
        payment.energies_back += energies;
        let member = self.member(id);
        member.expires = member
            .expires
            .map(|expires| if expires <= now { expires } else { now.max(expires - days * DAY) });
        member.loses(energies);
    }

    /// The newest payment of a contract was given back whole: it is to end.
    fn end_contract_of(&mut self, index: usize, external: &str) {
        let attempt = self.attempts[index].clone();
        let Some(id) = attempt.contract else { return };
        let key = (attempt.provider, id);
        let Some(contract) = self.contracts.get_mut(&key) else { return };
        if contract.newest == external {
            contract.ending = true;
            let member = self.member(attempt.payer);
            member.contract = member.contract.take().filter(|own| *own != key);
        }
    }
}
