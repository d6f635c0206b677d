//! Rules with a limit, and the numbered places that make it.
//!
//! A member has places 1 to `max` under a rule in each of its periods. An award takes the first
//! free one by an insert in its own transaction: what is taken is never counted, so that two
//! messages at once cannot both have the last place.

use serde::{Deserialize, Serialize};
use shared::clock::{Instant, days};
use shared::table::{Entity, Key};

use super::award::Kind;
use crate::auth::member_key;
use crate::calendar::{Week, moscow_day};
use crate::texts;

/// How long a place is kept, in days: longer than any period, and than anybody looks back for a
/// report.
const KEPT: u32 = 60;

/// How long a limit lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Period {
    /// A day of Moscow.
    Day,
    /// An ISO week of Moscow.
    Week,
}

impl Period {
    pub(super) fn is_week(self) -> bool {
        self == Self::Week
    }

    /// The one that `now` is in, such as `2026-01-31` or `2026-W05`.
    pub(super) fn of(self, now: Instant) -> String {
        match self {
            Self::Day => moscow_day(now),
            Self::Week => {
                let Week { year, number } = Week::of(now);
                format!("{year}-W{number:02}")
            }
        }
    }
}

/// Where a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChatType {
    /// In the chat of a team.
    Decade,
    /// In the chat of a city.
    City,
}

/// A rule by which a hashtag earns energies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rule {
    Otchet,
    Praktika,
    Insight,
    Sozvon,
    Storis,
    Combo,
    Challeng,
}

/// What a rule says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) kind: Kind,
    /// Any of these; for a combination, all of them.
    pub(super) hashtags: &'static [&'static str],
    pub(super) reward: u32,
    pub(super) max: u32,
    pub(super) period: Period,
    pub(super) chat: ChatType,
    pub(super) needs_media: bool,
    pub(super) weekend_only: bool,
    pub(super) reason: &'static str,
    pub(super) description: &'static str,
}

/// Every rule, in the order in which members read of them.
pub(super) const RULES: [Rule; 7] = [
    Rule::Otchet,
    Rule::Praktika,
    Rule::Insight,
    Rule::Sozvon,
    Rule::Storis,
    Rule::Combo,
    Rule::Challeng,
];

/// A rule of a city's chat, three times a week, without conditions.
const CITY: Terms = Terms {
    kind: Kind::Insight,
    hashtags: &["#инсайт"],
    reward: 40,
    max: 3,
    period: Period::Week,
    chat: ChatType::City,
    needs_media: false,
    weekend_only: false,
    reason: texts::REASON_INSIGHT,
    description: texts::RULE_INSIGHT,
};

impl Rule {
    /// The rule's name in keys, metadata and answers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Otchet => "otchet",
            Self::Praktika => "praktika",
            Self::Insight => "insight",
            Self::Sozvon => "sozvon",
            Self::Storis => "storis",
            Self::Combo => "combo",
            Self::Challeng => "challeng",
        }
    }

    /// What it says.
    pub(super) fn terms(self) -> Terms {
        match self {
            Self::Otchet => Terms {
                kind: Kind::Otchet,
                hashtags: &["#отчет", "#отчёт", "#дз"],
                reward: 50,
                max: 1,
                period: Period::Day,
                chat: ChatType::Decade,
                reason: texts::REASON_OTCHET,
                description: texts::RULE_OTCHET,
                ..CITY
            },
            Self::Praktika => Terms {
                kind: Kind::Praktika,
                hashtags: &["#практика"],
                reward: 50,
                max: 1,
                needs_media: true,
                weekend_only: true,
                reason: texts::REASON_PRAKTIKA,
                description: texts::RULE_PRAKTIKA,
                ..CITY
            },
            Self::Insight => CITY,
            Self::Sozvon => Terms {
                kind: Kind::Sozvon,
                hashtags: &["#созвон"],
                reward: 100,
                needs_media: true,
                reason: texts::REASON_SOZVON,
                description: texts::RULE_SOZVON,
                ..CITY
            },
            Self::Storis => Terms {
                kind: Kind::Storis,
                hashtags: &["#сторис"],
                reward: 200,
                needs_media: true,
                reason: texts::REASON_STORIS,
                description: texts::RULE_STORIS,
                ..CITY
            },
            Self::Combo => Terms {
                kind: Kind::Combo,
                hashtags: &["#созвон", "#сторис"],
                reward: 300,
                needs_media: true,
                reason: texts::REASON_COMBO,
                description: texts::RULE_COMBO,
                ..CITY
            },
            Self::Challeng => Terms {
                kind: Kind::Challeng,
                hashtags: &["#челлендж"],
                reward: 1,
                max: 1,
                period: Period::Day,
                reason: texts::REASON_CHALLENG,
                description: texts::RULE_CHALLENG,
                ..CITY
            },
        }
    }

    /// The rules of which a message earns by one: itself, and those that it is tried with.
    pub(super) fn siblings(self) -> &'static [Self] {
        match self {
            Self::Otchet => &[Self::Otchet],
            Self::Sozvon | Self::Storis | Self::Combo => &[Self::Sozvon, Self::Storis, Self::Combo],
            Self::Praktika | Self::Insight | Self::Challeng => {
                &[Self::Praktika, Self::Insight, Self::Challeng]
            }
        }
    }

    /// The places that a member has under it in the period of `now`, in order.
    pub(super) fn places(self, tg_id: i64, now: Instant) -> Vec<AwardSlot> {
        let Terms { max, period, .. } = self.terms();
        let period = period.of(now);
        let place = |n| AwardSlot { tg_id, rule: self, period: period.clone(), n, at: now };
        (1..=max).map(place).collect()
    }
}

/// A numbered place of a limited award that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AwardSlot {
    /// Whose.
    pub(super) tg_id: i64,
    /// Under which rule.
    pub(super) rule: Rule,
    /// In which period, such as `2026-01-31` or `2026-W05`.
    pub(super) period: String,
    /// From 1.
    pub(super) n: u32,
    /// When it was taken.
    pub(super) at: Instant,
}

impl Entity for AwardSlot {
    const KIND: &'static str = "AwardSlot";

    fn key(&self) -> Key {
        let sk = format!("SLOT#{}#{}#{:02}", self.rule.name(), self.period, self.n);
        Key::new(member_key(self.tg_id).pk, sk)
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.at + days(KEPT))
    }
}

/// The sort keys of a member's places under the rule of daily reports, from the day of `since` on.
pub(super) fn reports_since(since: Instant) -> (String, String) {
    let prefix = format!("SLOT#{}#", Rule::Otchet.name());
    (format!("{prefix}{}", Period::Day.of(since)), format!("{prefix}~"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_of_moscow() {
        let at = "2026-12-31T21:00:00Z".parse().unwrap();
        assert_eq!(Period::Day.of(at), "2027-01-01");
        assert_eq!(Period::Week.of(at), "2026-W53");
    }

    #[test]
    fn every_place_has_a_key_of_its_own() {
        let at = "2026-01-31T12:00:00Z".parse().unwrap();
        let keys = RULES.into_iter().flat_map(|rule| rule.places(7, at)).map(|slot| slot.key().sk);
        let mut keys: Vec<String> = keys.collect();
        assert!(keys.contains(&"SLOT#otchet#2026-01-31#01".to_owned()), "{keys:?}");
        assert!(keys.contains(&"SLOT#combo#2026-W05#03".to_owned()), "{keys:?}");
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 1 + 1 + 3 + 3 + 3 + 3 + 1);
    }

    #[test]
    fn reports_are_found_by_their_day() {
        let since: Instant = "2026-01-01T12:00:00Z".parse().unwrap();
        let (first, last) = reports_since(since);
        let key = |at: &str| Rule::Otchet.places(7, at.parse().unwrap())[0].key().sk;
        let found = |at: &str| (first.clone()..=last.clone()).contains(&key(at));
        assert!(found("2026-01-01T00:00:00Z") && found("2027-01-01T00:00:00Z"));
        assert!(!found("2025-12-31T20:59:59Z"));
    }
}
