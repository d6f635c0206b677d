//! The member, and the rules of a profile. No I/O.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::clock::Instant;
use shared::ids;
use shared::ledger::shard;
use shared::table::{Entity, Key};
use shared::telegram::{TelegramUser, Utm};

use crate::payments::ContractHandle;

use crate::{subscriptions, teams};

/// Partitions of the registry of all members.
pub const REGISTRY_SHARDS: u64 = 16;
/// The most a profile's settings may take, in bytes of JSON.
pub const SETTINGS_MAX: usize = 4 * 1024;
/// How deep a profile's settings may nest, themselves included. The table takes 32 levels.
const SETTINGS_DEPTH: usize = 20;
/// City changes a member may make in one day of Moscow.
pub const CITY_CHANGES_PER_DAY: u32 = 3;

/// The opaque id of a member.
pub type MemberId = String;

/// What a member is in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeamRole {
    /// Leads it; counts as a member.
    Leader,
    /// Belongs to it.
    Member,
    /// Belongs to it beyond its number of places.
    Ambassador,
}

/// A team that a member has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastTeam {
    /// The team.
    pub team_id: String,
    /// What the member was in it.
    pub role: TeamRole,
}

/// How many different things a member has completed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed {
    /// Sessions of meditation.
    pub meditations: u32,
    /// Courses, to their last day.
    pub courses: u32,
    /// Videos.
    pub videos: u32,
}

/// A person with a Telegram id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Telegram id.
    pub tg_id: i64,
    /// Opaque id, a UUID.
    pub id: MemberId,
    /// Telegram's user name, without `@`.
    pub username: Option<String>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: Option<String>,
    /// Address of the picture.
    pub photo_url: Option<String>,
    /// Two to eight letters, such as `ru`.
    pub language_code: Option<String>,
    /// City as shown.
    pub city: Option<String>,
    /// City as compared.
    pub city_key: Option<String>,
    /// The day of Moscow in which the city was last changed.
    pub city_changed_on: Option<String>,
    /// How often it was changed in that day.
    #[serde(default)]
    pub city_changes: u32,
    /// E-mail as left with a payment; identifies nobody.
    pub email: Option<String>,
    /// Phone as left with a payment.
    pub phone: Option<String>,
    /// Experience points.
    #[serde(default)]
    pub experience: u32,
    /// Days in a row.
    #[serde(default)]
    pub streak: u32,
    /// The last day of Moscow that counted for the streak.
    #[serde(default)]
    pub streak_date: Option<String>,
    /// What was completed so far, each thing once.
    #[serde(default)]
    pub completed: Completed,
    /// Codes of the achievements that are unlocked.
    #[serde(default)]
    pub achievements: Vec<String>,
    /// Energies to spend.
    #[serde(default)]
    pub balance: i64,
    /// Energies ever earned.
    #[serde(default)]
    pub earned_total: u64,
    /// Energies ever spent or expired.
    #[serde(default)]
    pub consumed_total: u64,
    /// Until when the newest energies last; those of an older award never last longer.
    #[serde(default)]
    pub energies_expire_at: Option<Instant>,
    /// Until when the subscription is paid; set by [`subscriptions::set_expiry`] alone.
    pub subscription_expires: Option<Instant>,
    /// Since when it is paid without a break, or was; `None` for who was paid before that was kept.
    pub paid_since: Option<Instant>,
    /// The last end of the subscription with which access was closed.
    pub closed_expiry: Option<Instant>,
    /// When the first payment came.
    pub first_purchase_at: Option<Instant>,
    /// Does a provider renew the subscription by itself?
    #[serde(default)]
    pub auto_renewal: bool,
    /// The standing subscription that renews it, or did.
    #[serde(default)]
    pub contract: Option<ContractHandle>,
    /// Did the current period come as a gift?
    #[serde(default)]
    pub gifted: bool,
    /// Who gave it, by Telegram id.
    pub gifted_by: Option<i64>,
    /// Does the member lead an active team?
    #[serde(default)]
    pub is_team_leader: bool,
    /// May the member found a team by making the bot an administrator of a chat?
    #[serde(default)]
    pub can_lead: bool,
    /// The one team that the member is in.
    #[serde(default)]
    pub team_id: Option<String>,
    /// As what, while in a team.
    #[serde(default)]
    pub team_role: Option<TeamRole>,
    /// The team that the member was in last, and as what: what a payment restores.
    #[serde(default)]
    pub last_team: Option<LastTeam>,
    /// The app's own settings.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Where the member came from first.
    pub utm_source: Option<String>,
    /// See `utm_source`.
    pub utm_medium: Option<String>,
    /// See `utm_source`.
    pub utm_campaign: Option<String>,
    /// When the member last signed in.
    pub last_active_at: Option<Instant>,
    /// Grows with every change.
    pub version: u64,
    /// When the member was created.
    pub created_at: Instant,
    /// When the member was last changed.
    pub updated_at: Instant,
}

impl Entity for Member {
    const KIND: &'static str = "Member";

    fn key(&self) -> Key {
        super::member_key(self.tg_id)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        let mut index = subscriptions::due(self);
        index.push(("registry_pk", registry_partition(self.tg_id)));
        index.extend(teams::waiting(self));
        index
    }
}

/// The partition of the registry that holds a member.
#[must_use]
pub fn registry_partition(tg_id: i64) -> String {
    format!("MEMBERS#{}", shard(&tg_id.to_string(), REGISTRY_SHARDS))
}

impl Member {
    /// A member as of the first contact.
    #[must_use]
    pub fn new(tg_id: i64, user: Option<&TelegramUser>, utm: Option<Utm>, now: Instant) -> Self {
        let user = user.cloned();
        Self {
            tg_id,
            id: ids::uuid(),
            username: user.as_ref().and_then(|user| user.username.clone()),
            first_name: user.as_ref().map(|user| user.first_name.clone()).unwrap_or_default(),
            last_name: user.as_ref().and_then(|user| user.last_name.clone()),
            photo_url: user.as_ref().and_then(photo),
            language_code: user.and_then(|user| user.language_code),
            city: None,
            city_key: None,
            city_changed_on: None,
            city_changes: 0,
            email: None,
            phone: None,
            experience: 0,
            streak: 0,
            streak_date: None,
            completed: Completed::default(),
            achievements: Vec::new(),
            balance: 0,
            earned_total: 0,
            consumed_total: 0,
            energies_expire_at: None,
            subscription_expires: None,
            paid_since: None,
            closed_expiry: None,
            first_purchase_at: None,
            auto_renewal: false,
            contract: None,
            gifted: false,
            gifted_by: None,
            is_team_leader: false,
            can_lead: false,
            team_id: None,
            team_role: None,
            last_team: None,
            settings: Map::new(),
            utm_source: utm.as_ref().map(|utm| utm.source.clone()),
            utm_medium: utm.as_ref().and_then(|utm| utm.medium.clone()),
            utm_campaign: utm.and_then(|utm| utm.campaign),
            last_active_at: Some(now),
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Is the subscription paid at `now`? The wire's `isPro` is exactly this.
    #[must_use]
    pub fn is_paid(&self, now: Instant) -> bool {
        self.subscription_expires.is_some_and(|expires| expires > now)
    }
}

/// The address of a user's picture, where it may be shown.
#[must_use]
pub fn photo(user: &TelegramUser) -> Option<String> {
    user.photo_url.as_deref().and_then(shared::telegram::user::photo_url)
}

/// What a city's name is compared by: trimmed, inner spaces collapsed, case-folded, `ё` as `е`.
///
/// Names are refused before they get here unless they are letters, spaces and `-.'()`, whose
/// composed form is the only one the rule for letters lets pass.
#[must_use]
pub fn city_key(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    words.join(" ").to_lowercase().replace('ё', "е")
}

/// Is this a name that a city can have?
#[must_use]
pub fn is_city_name(name: &str) -> bool {
    let trimmed = name.trim();
    (1..=80).contains(&trimmed.chars().count())
        && trimmed.chars().all(|c| c.is_alphabetic() || c == ' ' || "-.'()".contains(c))
        && trimmed.chars().any(char::is_alphabetic)
}

/// Merges settings one level deep; a `null` removes.
#[must_use]
pub fn merge_settings(old: &Map<String, Value>, new: &Map<String, Value>) -> Map<String, Value> {
    let mut merged = old.clone();
    for (name, value) in new {
        if value.is_null() {
            merged.remove(name);
        } else {
            merged.insert(name.clone(), value.clone());
        }
    }
    merged
}

/// Can the table keep these settings? It refuses deep nesting, and numbers that it cannot write.
#[must_use]
pub fn can_be_kept(settings: &Map<String, Value>) -> bool {
    settings.values().all(|value| fits(value, SETTINGS_DEPTH - 1))
}

/// Is `value` no more than `levels` deep, and each number in it between 1e-129 and 1e125?
fn fits(value: &Value, levels: usize) -> bool {
    match value {
        Value::Number(number) => has_kept_exponent(&number.to_string()),
        Value::Array(values) => levels > 0 && values.iter().all(|value| fits(value, levels - 1)),
        Value::Object(fields) => levels > 0 && fields.values().all(|value| fits(value, levels - 1)),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// A number of extreme size is written as `1.5e-200`, any other without an exponent.
fn has_kept_exponent(number: &str) -> bool {
    let exponent = number.split_once('e').map(|(_, exponent)| exponent.parse::<i32>());
    exponent.is_none_or(|exponent| exponent.is_ok_and(|e| (-129..125).contains(&e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cities_are_compared_by_their_key() {
        for name in ["Москва", "МОСКВА", " москва ", "Москва "] {
            assert_eq!(city_key(name), "москва");
        }
        assert_eq!(city_key("Орёл"), city_key("орел"));
        assert_eq!(city_key("Нижний   Новгород"), "нижний новгород");
    }

    #[test]
    fn city_names() {
        for good in ["Москва", "Ростов-на-Дону", "St. John's", "Гусев (Калининград)"]
        {
            assert!(is_city_name(good), "{good}");
        }
        for bad in ["", "   ", "Город 17", "<b>", "a\u{0}b", "-", &"я".repeat(81)] {
            assert!(!is_city_name(bad), "{bad}");
        }
    }

    #[test]
    fn settings_that_the_table_cannot_keep() {
        let kept = |text: &str| can_be_kept(&serde_json::from_str(text).unwrap());
        for number in ["0", "-0.0", "1.5", "-7e-129", "9.99e124", "18446744073709551615", "1e30"] {
            assert!(kept(&format!("{{\"n\":[{number}]}}")), "{number}");
        }
        for number in ["1e125", "-1e300", "1e-130", "5e-324"] {
            assert!(!kept(&format!("{{\"a\":{{\"n\":{number}}}}}")), "{number}");
        }
        let nested = |levels| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(kept(&nested(19)) && !kept(&nested(20)));
    }
}
