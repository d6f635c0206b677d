//! What the app asks for when it is opened.

use bytes::Bytes;
use http::Response;

/// A route whose answers are cached.
#[derive(Debug)]
pub struct Route {
    /// How it is called in tables.
    pub name: &'static str,
    /// Where it is.
    pub path: &'static str,
    /// Its class.
    pub class: &'static str,
}

const fn route(name: &'static str, path: &'static str, class: &'static str) -> Route {
    Route { name, path, class }
}

/// How long a caller's own copy of a *hot* answer may be used unasked, in seconds; those of the
/// other classes are always revalidated.
pub const HOT_S: u64 = 300;

/// An opening of the app, in the order in which it asks.
pub static OPENING: [Route; 9] = [
    route("me", "/api/v1/users/me", "user"),
    route("balance", "/api/v1/energies/balance", "user"),
    route("own ratings", "/api/v1/ratings/all-data", "user"),
    route("rating of cities", "/api/v1/ratings/cities", "hot"),
    route("courses", "/api/v1/courses", "user"),
    route("shop", "/api/v1/shop/items", "public"),
    route("streams", "/api/streams/upcoming", "public"),
    route("level", "/api/v1/gamification/stats", "user"),
    route("leaderboard", "/api/v1/gamification/leaderboard", "hot"),
];

/// How a cache had part in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It was made.
    Miss,
    /// The process had kept it.
    Hit,
    /// The caller had it.
    Known,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Miss, Self::Hit, Self::Known];

    /// As `X-Cache` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Miss => "MISS",
            Self::Hit => "HIT",
            Self::Known => "HIT-304",
        }
    }

    /// That of an answer, if it is one that caches have part in.
    pub fn of(answer: &Response<Bytes>) -> Option<Self> {
        let said = answer.headers().get("x-cache")?.to_str().ok()?;
        let outcome = Self::ALL.into_iter().find(|outcome| outcome.name() == said)?;
        let status = if outcome == Self::Known { 304 } else { 200 };
        (answer.status() == status).then_some(outcome)
    }
}

/// The validator of an answer.
pub fn etag(answer: &Response<Bytes>) -> Option<String> {
    Some(answer.headers().get("etag")?.to_str().ok()?.to_owned())
}
