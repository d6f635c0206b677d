//! What launch data says of a person, and what the user's record keeps of it.

use shared::clock::Instant;
use shared::telegram::InitData;

use super::User;

/// How much of a name is kept, in code points.
const NAME_MAX: usize = 64;

/// Names and language as Telegram signed them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// First name, possibly empty.
    pub first_name: String,
    /// Last name.
    pub last_name: Option<String>,
    /// Username without `@`.
    pub username: Option<String>,
    /// Language code.
    pub language: Option<String>,
    /// When Telegram signed it, in epoch seconds.
    pub at: i64,
}

impl Profile {
    /// The profile in verified launch data.
    #[must_use]
    pub fn of(data: &InitData) -> Self {
        let user = &data.user;
        let optional =
            |text: &Option<String>| text.as_deref().filter(|text| !text.trim().is_empty()).map(cut);
        Self {
            first_name: cut(&user.first_name),
            last_name: optional(&user.last_name),
            username: optional(&user.username),
            language: optional(&user.language_code),
            at: data.auth_date.as_second(),
        }
    }

    /// Does it say something new to the record? What is older than what the record has does not.
    #[must_use]
    pub fn is_news_to(&self, user: &User) -> bool {
        let same = self.first_name == user.first_name
            && self.last_name == user.last_name
            && self.username == user.username
            && self.language == user.language;
        !same && self.at >= user.profile_at
    }

    /// The record of a user whom nobody has seen before.
    #[must_use]
    pub fn newcomer(self, id: i64, now: Instant) -> User {
        User {
            id,
            first_name: self.first_name,
            last_name: self.last_name,
            username: self.username,
            language: self.language,
            profile_at: self.at,
            created_at: now,
            balance: 0,
            ledger_at: None,
            earned_total: 0,
            consumed_total: 0,
            active_orders: 0,
            completed_orders: 0,
            own_active: 0,
            own_expired: 0,
            own_deleted: 0,
            own_closed_no_response: 0,
            own_completed: 0,
            taken_active: 0,
            taken_expired: 0,
            taken_closed_no_response: 0,
            taken_completed: 0,
            rating_sum: 0,
            rating_count: 0,
            rated_1: 0,
            rated_2: 0,
            rated_3: 0,
            rated_4: 0,
            rated_5: 0,
            given_1: 0,
            given_2: 0,
            given_3: 0,
            given_4: 0,
            given_5: 0,
            complaints: 0,
            categories: Vec::new(),
            cities: Vec::new(),
            notifications: false,
            frequency: None,
            bot_blocked: false,
        }
    }

    /// The record with this profile.
    #[must_use]
    pub fn worn_by(self, user: User) -> User {
        User {
            first_name: self.first_name,
            last_name: self.last_name,
            username: self.username,
            language: self.language,
            profile_at: self.at,
            ..user
        }
    }
}

fn cut(name: &str) -> String {
    name.chars().take(NAME_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(first_name: &str, at: i64) -> Profile {
        let first_name = cut(first_name);
        Profile { first_name, last_name: None, username: None, language: None, at }
    }

    #[test]
    fn only_news_that_is_not_older_counts() {
        let user = profile("Анна", 100).newcomer(7, Instant::from_seconds(100));
        for (name, at, is_news) in [
            ("Анна", 100, false),
            ("Анна", 200, false),
            ("Аня", 99, false),
            ("Аня", 100, true),
            ("Аня", 101, true),
        ] {
            assert_eq!(profile(name, at).is_news_to(&user), is_news, "{name} {at}");
        }
        let renamed = profile("Аня", 101).worn_by(user.clone());
        assert_eq!((renamed.first_name.as_str(), renamed.profile_at), ("Аня", 101));
        assert_eq!(renamed.created_at, user.created_at);
    }

    #[test]
    fn names_are_cut_by_code_points() {
        assert_eq!(cut(&"я".repeat(65)).chars().count(), 64);
        assert_eq!(cut("Анна"), "Анна");
    }
}
