//! Messages and how they read. No I/O.

use serde::{Deserialize, Serialize};
use shared::clock::Instant;

use crate::onboarding::Line;
use crate::payments::{ContractHandle, Provider};
use crate::subscriptions::Reminder;
use crate::texts;

/// The longest text that Telegram takes, in characters.
const TEXT_MAX: usize = 4096;

/// Something to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum Message {
    /// A payment of a member's own has settled: not told, but what follows is asked for.
    Settled {
        /// Who paid.
        tg_id: i64,
        /// By which attempt.
        attempt_id: String,
        /// The payment.
        payment_id: String,
        /// Is it the attempt's first?
        first: bool,
        /// Is it the first time that the member has a subscription?
        newcomer: bool,
        /// Until when the subscription is paid.
        until: Instant,
        /// Energies that came with it.
        energies: u32,
        /// The standing subscription that it began.
        #[serde(default)]
        begins: Option<ContractHandle>,
        /// The standing subscription that another takes the place of.
        ends: Option<ContractHandle>,
    },
    /// A gift was activated: not told, but what follows is asked for.
    GiftTaken {
        /// The gift, by its public id.
        gift_id: String,
        /// The giver.
        giver: i64,
        /// Who activated it.
        recipient: i64,
        /// The days that it held.
        days: u32,
    },
    /// Somebody may come into a chat again: not told, but done.
    Unban {
        /// Who.
        tg_id: i64,
        /// The chat.
        chat: i64,
    },
    /// Somebody has to leave a chat: not told, but done.
    Kick {
        /// Who.
        tg_id: i64,
        /// The chat.
        chat: i64,
    },
    /// A payment has settled.
    Congratulation {
        /// Whom to tell.
        tg_id: i64,
        /// Until when the subscription is paid.
        until: Instant,
        /// Energies that came with it.
        energies: u32,
    },
    /// The checks of an attempt have ended without a payment.
    PaymentNotCompleted {
        /// Whom to tell.
        tg_id: i64,
    },
    /// A gift is paid.
    GiftLink {
        /// The giver.
        tg_id: i64,
        /// What activates the gift: a secret of the giver's.
        link: String,
    },
    /// A gift is activated.
    GiftActivated {
        /// The giver.
        tg_id: i64,
        /// The days that it held.
        days: u32,
    },
    /// A gift was not activated in time.
    GiftExpired {
        /// The giver.
        tg_id: i64,
    },
    /// All that an attempt brought was given back.
    Refunded {
        /// The payer.
        tg_id: i64,
        /// Until when the subscription lasts all the same.
        until: Option<Instant>,
    },
    /// Somebody has opened the bot.
    Welcome {
        /// Who.
        tg_id: i64,
    },
    /// Somebody has asked for help with a payment.
    PaySupport {
        /// Who.
        tg_id: i64,
        /// Whom to write to, if anybody.
        contact: Option<String>,
    },
    /// A standing subscription is to end: not told to anybody, but done at its provider.
    EndContract {
        /// Whose.
        tg_id: i64,
        /// Who takes the money.
        provider: Provider,
        /// The provider's id of it.
        contract_id: String,
    },
    /// A gift is activated by its link.
    GiftReceived {
        /// Its recipient.
        tg_id: i64,
        /// Until when the subscription lasts by it.
        until: Instant,
        /// Energies that came with it.
        energies: u32,
    },
    /// The bot answers something that was written to it.
    Answer {
        /// Who wrote it.
        tg_id: i64,
        /// The answer.
        text: String,
    },
    /// A line of the onboarding; see [`crate::onboarding::tell`] for how it reads.
    Onboarding {
        /// Whose.
        tg_id: i64,
        /// Which.
        line: Line,
    },
    /// Somebody has come into a chat without a subscription: not told, but done, a ban that is
    /// lifted at once.
    TurnAway {
        /// Who.
        tg_id: i64,
        /// The chat.
        chat: i64,
    },
    /// A message in a chat has earned energies: not told, but a reaction under it.
    React {
        /// Whose message.
        tg_id: i64,
        /// The chat.
        chat: i64,
        /// The message within it.
        message_id: i64,
        /// The reaction.
        emoji: String,
    },
    /// The bot has nothing to do in a chat: it says why and leaves.
    LeaveChat {
        /// The chat.
        chat: i64,
        /// Why.
        text: String,
    },
    /// A team needs a link into its chat: not told, but done.
    InviteLink {
        /// The team.
        team_id: String,
        /// Its chat.
        chat: i64,
    },
    /// A subscription was closed: not told, but what follows is asked for.
    Closed {
        /// Whose.
        tg_id: i64,
    },
    /// Access has ended with the subscription.
    AccessClosed {
        /// Whose.
        tg_id: i64,
    },
    /// A subscription ends within days.
    RenewalReminder {
        /// Whose.
        tg_id: i64,
        /// How far off the end is.
        kind: Reminder,
        /// The end.
        until: Instant,
        /// Does a provider renew it by itself?
        renews: bool,
    },
    /// Somebody who runs the club should look at something.
    AdminAlert {
        /// What at, without personal data; cut to 4096 characters.
        text: String,
    },
}

impl Message {
    /// The chat it goes to; `None` where nobody is to be told.
    pub(super) fn chat(&self, admin: Option<i64>) -> Option<i64> {
        match self {
            Self::GiftTaken { recipient, .. } => Some(*recipient),
            Self::Settled { tg_id, .. }
            | Self::Unban { tg_id, .. }
            | Self::Kick { tg_id, .. }
            | Self::Congratulation { tg_id, .. }
            | Self::PaymentNotCompleted { tg_id }
            | Self::GiftLink { tg_id, .. }
            | Self::GiftActivated { tg_id, .. }
            | Self::GiftExpired { tg_id }
            | Self::Refunded { tg_id, .. }
            | Self::Welcome { tg_id }
            | Self::PaySupport { tg_id, .. }
            | Self::GiftReceived { tg_id, .. }
            | Self::Answer { tg_id, .. }
            | Self::Onboarding { tg_id, .. }
            | Self::TurnAway { tg_id, .. }
            | Self::React { tg_id, .. }
            | Self::Closed { tg_id }
            | Self::AccessClosed { tg_id }
            | Self::RenewalReminder { tg_id, .. }
            | Self::EndContract { tg_id, .. } => Some(*tg_id),
            Self::LeaveChat { chat, .. } | Self::InviteLink { chat, .. } => Some(*chat),
            Self::AdminAlert { .. } => admin,
        }
    }

    /// How it reads.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Congratulation { until, energies, .. } => {
                texts::congratulation(&day(*until), *energies)
            }
            Self::PaymentNotCompleted { .. } => texts::PAYMENT_NOT_COMPLETED.to_owned(),
            Self::GiftLink { link, .. } => texts::gift_link(link),
            Self::GiftActivated { days, .. } => texts::gift_activated(*days),
            Self::GiftExpired { .. } => texts::GIFT_EXPIRED.to_owned(),
            Self::Refunded { until: Some(until), .. } => texts::refunded(&day(*until)),
            Self::Refunded { until: None, .. } => texts::REFUNDED.to_owned(),
            Self::Welcome { .. } => texts::WELCOME.to_owned(),
            Self::PaySupport { contact, .. } => texts::pay_support(contact.as_deref()),
            Self::GiftReceived { until, energies, .. } => {
                texts::gift_received(&day(*until), *energies)
            }
            Self::Answer { text, .. } | Self::LeaveChat { text, .. } => text.clone(),
            Self::Settled { .. }
            | Self::GiftTaken { .. }
            | Self::Unban { .. }
            | Self::Kick { .. }
            | Self::Closed { .. }
            | Self::EndContract { .. }
            | Self::InviteLink { .. }
            | Self::Onboarding { .. }
            | Self::React { .. }
            | Self::TurnAway { .. } => String::new(),
            Self::AccessClosed { .. } => texts::ACCESS_CLOSED.to_owned(),
            Self::RenewalReminder { kind, until, renews, .. } => {
                texts::renewal_reminder(in_days(*kind), &day(*until), *renews)
            }
            Self::AdminAlert { text } => text.chars().take(TEXT_MAX).collect(),
        }
    }
}

/// How far off an end is, as people say it.
fn in_days(kind: Reminder) -> &'static str {
    match kind {
        Reminder::InThreeDays => texts::IN_THREE_DAYS,
        Reminder::InTwoDays => texts::IN_TWO_DAYS,
        Reminder::Tomorrow => texts::TOMORROW,
        Reminder::Today => texts::TODAY,
    }
}

/// A day of Moscow as people write it: `31.01.2026`.
fn day(at: Instant) -> String {
    at.at_offset(3).strftime("%d.%m.%Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_congratulation_tells_the_day_in_moscow() {
        let until = "2026-03-01T21:30:00Z".parse().unwrap();
        let message = Message::Congratulation { tg_id: 7, until, energies: 500 };
        assert!(message.text().contains("до 02.03.2026"), "{}", message.text());
        assert!(message.text().contains("500"));
        assert_eq!((message.chat(None), message.chat(Some(9))), (Some(7), Some(7)));
    }

    #[test]
    fn givers_and_payers_are_told() {
        let link = "https://t.me/club_test_bot?start=gift_abc".to_owned();
        let gift = Message::GiftLink { tg_id: 7, link: link.clone() };
        assert!(gift.text().ends_with(&link) && gift.chat(Some(9)) == Some(7));
        let used = Message::GiftActivated { tg_id: 7, days: 30 };
        assert!(used.text().contains("дней: 30") && used.chat(None) == Some(7));
        let over = Message::GiftExpired { tg_id: 7 };
        assert_eq!((over.text().as_str(), over.chat(None)), (texts::GIFT_EXPIRED, Some(7)));
        let told = |until| Message::Refunded { tg_id: 7, until }.text();
        assert_eq!(told(None), texts::REFUNDED);
        assert!(told("2026-03-01T21:30:00Z".parse().ok()).ends_with("до 02.03.2026."));
    }

    #[test]
    fn members_are_told_of_the_end() {
        let remind = |kind, renews| {
            let until = "2026-03-01T21:30:00Z".parse().unwrap();
            Message::RenewalReminder { tg_id: 7, kind, until, renews }
        };
        let kinds = [
            (Reminder::InThreeDays, "через 3 дня"),
            (Reminder::InTwoDays, "через 2 дня"),
            (Reminder::Tomorrow, "завтра"),
            (Reminder::Today, "сегодня"),
        ];
        for (kind, when) in kinds {
            let (ends, renews) = (remind(kind, false).text(), remind(kind, true).text());
            for text in [&ends, &renews] {
                assert!(text.contains(&format!("{when}, 02.03.2026.")), "{text}");
            }
            assert!(ends.contains("заканчивается") && renews.contains("автоматически"));
        }
        assert_eq!(remind(Reminder::Today, true).chat(Some(9)), Some(7));
        let closed = Message::AccessClosed { tg_id: 7 };
        assert_eq!((closed.text().as_str(), closed.chat(None)), (texts::ACCESS_CLOSED, Some(7)));
    }

    #[test]
    fn a_message_reads_back() {
        let alert = Message::AdminAlert { text: "1 unassigned payment".to_owned() };
        let stored = serde_json::to_value(&alert).unwrap();
        assert_eq!(stored["message"], "admin_alert");
        assert_eq!(serde_json::from_value::<Message>(stored).unwrap(), alert);
        assert_eq!((alert.chat(None), alert.chat(Some(-100))), (None, Some(-100)));
        let long = Message::AdminAlert { text: "ы".repeat(5_000) };
        assert_eq!(long.text().chars().count(), 4096);
    }
}
