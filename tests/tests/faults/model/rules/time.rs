//! What happens by the clock.

use super::*;

impl Model {
    /// A message that an attempt is to be checked for the `n`th time: the state decides, it is a
    /// hint alone.
    pub fn hint(&mut self, index: usize, n: u32, now: Instant) {
        let attempt = &mut self.attempts[index];
        if attempt.status != Status::Pending || n <= attempt.checks {
            return;
        }
        attempt.hinted = true;
        if now < attempt.due {
            return;
        }
        match self.asked(index) {
            Says::Paid(external) => return self.success(index, &external, true, now),
            Says::Failed => return self.failure(index, now),
            Says::Unpaid => {}
        }
        let attempt = &mut self.attempts[index];
        attempt.checks += 1;
        attempt.due = now + CHECK_EVERY;
        if attempt.checks == CHECKS {
            attempt.status = Status::Abandoned;
            attempt.asked = now;
            self.tell(self.attempts[index].payer, Told::NotCompleted);
        }
    }

    fn asked(&self, index: usize) -> Says {
        let attempt = &self.attempts[index];
        // LavaTop knows an invoice by its own id alone.
        let nameless = attempt.provider == Provider::Lavatop && !attempt.answered;
        let silent = nameless || self.silent.contains(&attempt.provider);
        if silent { Says::Unpaid } else { attempt.says.clone() }
    }

    /// Time goes by: messages come when they are due, and jobs run at `ticks`.
    pub fn pass(&mut self, ticks: &[(Instant, Job)], to: Instant) {
        for (at, job) in ticks {
            self.checks_until(*at);
            match job {
                Job::Sweep => self.sweep(*at),
                Job::Reconcile => self.reconcile(*at),
                Job::GiftsExpire => self.gifts_expire(*at),
                Job::Guard => self.guard(*at),
                Job::Remind => self.remind(*at),
                Job::EnergiesExpire => self.energies_expire(*at),
            }
        }
        self.checks_until(to);
    }

    fn checks_until(&mut self, to: Instant) {
        loop {
            let due = self.attempts.iter().enumerate().filter(|(_, attempt)| {
                attempt.status == Status::Pending && attempt.hinted && attempt.due <= to
            });
            let Some((at, index)) = due.map(|(index, attempt)| (attempt.due, index)).min() else {
                return;
            };
            self.hint(index, self.attempts[index].checks + 1, at);
        }
    }

    /// Sends lost messages anew, and asks once more about attempts without money.
    fn sweep(&mut self, now: Instant) {
        for index in 0..self.attempts.len() {
            let attempt = &self.attempts[index];
            match attempt.status {
                Status::Pending if attempt.due + LATE <= now => {
                    self.hint(index, self.attempts[index].checks + 1, now);
                }
                Status::Failed | Status::Abandoned => {
                    let (made, since) = (attempt.made, attempt.asked);
                    let due = FOLLOW_UPS.iter().any(|age| since < made + age && made + age <= now);
                    if due {
                        self.attempts[index].asked = now;
                        if let Says::Paid(external) = self.asked(index) {
                            self.success(index, &external, true, now);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// What the books of the last three days show is settled, whoever's word was lost.
    fn reconcile(&mut self, now: Instant) {
        for (index, external, at) in self.books.clone() {
            let provider = self.attempts[index].provider;
            let silent = self.silent.contains(&provider);
            // Clocks of two machines differ.
            let skew = if provider == Provider::Stars { 300 } else { 0 };
            if at >= now - 3 * DAY - skew
                && !silent
                && !self.aside.contains(&(provider, external.clone()))
            {
                self.success(index, &external, true, now);
            }
        }
    }

    /// A day after its end a subscription is closed, once for each end.
    fn guard(&mut self, now: Instant) {
        let over = |member: &Member| {
            let end = member.expires.filter(|end| *end <= now - DAY);
            end.filter(|end| member.closed != Some(*end))
        };
        let ids: Vec<i64> = self.members.keys().copied().collect();
        for id in ids {
            if let Some(end) = over(&self.members[&id]) {
                self.member(id).closed = Some(end);
                self.tell(id, Told::AccessClosed);
            }
        }
    }

    /// By days of Moscow: two days before, one, on the day; of a gift three, two, one.
    fn remind(&mut self, now: Instant) {
        let day = |at: Instant| (at + 3 * 3_600).div_euclid(DAY);
        let ids: Vec<i64> = self.members.keys().copied().collect();
        for id in ids {
            let member = &self.members[&id];
            let days: &[Instant] = if member.gifted { &[3, 2, 1] } else { &[2, 1, 0] };
            if member.expires.is_some_and(|end| days.contains(&(day(end) - day(now)))) {
                self.tell(id, Told::Reminded);
            }
        }
    }

    /// What is left of an income after half a year is gone.
    fn energies_expire(&mut self, now: Instant) {
        if self.is(Wrong::EnergiesLast) {
            return;
        }
        for member in self.members.values_mut() {
            for (ends, left) in &mut member.lots {
                if *ends <= now && *left > 0 {
                    member.balance -= *left;
                    member.entries += 1;
                    *left = 0;
                }
            }
        }
    }

    fn gifts_expire(&mut self, now: Instant) {
        for index in 0..self.gifts.len() {
            if self.gifts[index].held == Held::Paid
                && self.gifts[index].held_at(now) == Held::Expired
            {
                self.gifts[index].held = Held::Expired;
                self.tell(self.gifts[index].giver, Told::GiftExpired);
            }
        }
    }
}
