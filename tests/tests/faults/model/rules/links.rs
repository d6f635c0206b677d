//! Links and gifts: who may have which.

use super::*;

impl Model {
    /// What asking for a link comes to (6.1).
    pub fn link(&self, wish: &Wish, now: Instant) -> Link {
        let member = &self.members[&wish.payer];
        if wish.gift && wish.recipient == Some(wish.payer) {
            return Link::GiftSelf;
        }
        if !wish.gift {
            if let Some(unlock) = member.unlocks(now) {
                return Link::Cooldown(unlock);
            }
            match (&member.contract, member.expires.filter(|end| *end > now)) {
                (Some((Provider::Cloudpayments, _)), Some(_)) => return Link::AutoRenewal,
                (Some(_), Some(expires)) if !wish.force => return Link::Active(expires),
                _ => {}
            }
        }
        let open = self.attempts.iter().position(|a| {
            a.status == Status::Pending
                && (a.payer, a.gift, a.provider) == (wish.payer, wish.gift, wish.provider)
                && a.recipient == wish.recipient
        });
        open.map_or(Link::New, Link::Open)
    }

    /// A new attempt; `answered`: the provider made a link.
    pub fn open(&mut self, id: &str, wish: &Wish, answered: bool, invoiced: bool, now: Instant) {
        self.attempts.push(Attempt {
            id: id.to_owned(),
            payer: wish.payer,
            gift: wish.gift,
            recipient: wish.recipient,
            provider: wish.provider,
            status: if answered { Status::Pending } else { Status::Failed },
            made: now,
            checks: 0,
            due: now + CHECK_EVERY,
            hinted: answered,
            asked: now,
            says: Says::Unpaid,
            invoiced,
            answered,
            contract: None,
        });
    }

    /// Somebody activates a gift: until when the subscription lasted by it, or why not.
    pub fn activate(
        &mut self,
        gift: usize,
        who: i64,
        now: Instant,
    ) -> Result<Instant, &'static str> {
        let held = self.gifts[gift].held_at(now);
        let Gift { giver, recipient, used, .. } = self.gifts[gift].clone();
        if giver == who {
            return Err("gift_self");
        }
        if recipient.is_some_and(|own| own != who) && !self.is(Wrong::AnyoneActivates) {
            return Err("gift_wrong_recipient");
        }
        match (held, used) {
            (Held::Activated, Some((by, _, until))) if by == who => Ok(until),
            (Held::Activated, _) => Err("gift_already_activated"),
            (Held::Expired, _) => Err("gift_expired"),
            (Held::Revoked, _) => Err("gift_revoked"),
            (Held::Paid, _) => {
                let until = self.extend(who, true, now);
                self.gifts[gift].held = Held::Activated;
                self.gifts[gift].used = Some((who, now, until));
                self.tell(giver, Told::GiftActivated);
                Ok(until)
            }
        }
    }

    /// May an attempt be paid now? Else the code that says why not. (The payer and the price are
    /// right.)
    pub fn payable(&self, index: usize, now: Instant) -> Result<(), i64> {
        let attempt = &self.attempts[index];
        let own = self.members[&attempt.payer].unlocks(now).is_some() && !attempt.gift;
        let open = matches!(attempt.status, Status::Pending | Status::Abandoned);
        match (open && !own, now < attempt.made + DAY) {
            (false, _) => Err(13),
            (true, false) => Err(20),
            (true, true) => Ok(()),
        }
    }
}
