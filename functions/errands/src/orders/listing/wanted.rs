//! What is asked of the list.

use shared::http::Fields;
use shared::problem::Result;
use shared::settings::Secret;

use super::{Place, Slice};
use crate::orders::{Category, CityKey, Status};
use crate::users::User;
use crate::wire;

/// Entries that an offset may skip.
const OFFSET_MAX: i64 = 1_000;

/// A list and the part of it that is asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    /// `None`: nothing can be in it.
    pub(super) list: Option<List>,
    pub(super) filter: Filter,
    pub(super) slice: Slice,
    scope: Vec<String>,
}

/// Which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// Everybody's orders of a public status.
    Feed(Status),
    /// The caller's own orders, or those that the caller has taken.
    Own(Side, Which),
}

/// Whose side of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Posted,
    Taken,
}

/// Which of one's own orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// All but the deleted.
    Listed,
    All,
    Of(Status),
}

/// What orders are narrowed down to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) category: Option<String>,
    pub(super) city: Option<CityKey>,
}

impl Filter {
    pub(super) fn is_empty(&self) -> bool {
        self.category.is_none() && self.city.is_none()
    }
}

impl Wanted {
    /// Reads it; everything wrong with it is told at once.
    pub(super) fn read(mut asked: Fields, visitor: Option<&User>, secret: &Secret) -> Result<Self> {
        let mut text = |name| asked.text(name, 0, usize::MAX);
        let (category, city, status) = (text("category"), text("city"), text("status"));
        let [category, city] = [category, city].map(|text| text.filter(|text| !text.is_empty()));
        // Keys of an index have a length; what no order can have is in none of them.
        let is_known = category.as_deref().is_none_or(|name| Category::parse(name).is_some())
            && city.as_deref().is_none_or(|city| city.chars().count() <= wire::CITY_LENGTH.1);
        let filter = Filter { category, city: city.as_deref().map(CityKey::of) };
        let mut flag = |name| asked.flag(name).unwrap_or(false) && visitor.is_some();
        let (mine, taken) = (flag("mine"), flag("taken_by_me"));
        let status = asked_status(&mut asked, status.as_deref());
        let list = match (mine, taken) {
            (true, true) => None,
            (true, false) => Some(List::Own(Side::Posted, status)),
            (false, true) => Some(List::Own(Side::Taken, status)),
            (false, false) => Some(List::Feed(public(status))),
        };
        let list = list.filter(|_| is_known);
        let limit = asked.integer("limit", 1..=i64::from(wire::LIST_LIMIT_MAX));
        let limit = limit.unwrap_or(i64::from(wire::LIST_LIMIT_DEFAULT));
        let offset = asked.integer("offset", 0..=i64::MAX).unwrap_or(0);
        if offset > OFFSET_MAX {
            asked.complain("offset", "offset: use cursor for deep paging");
        }
        let scope = scope(list, &filter, visitor);
        let after = place(&mut asked, &scope, offset, secret);
        asked.finish()?;
        let count = |number| usize::try_from(number).unwrap_or_default();
        let slice = Slice { offset: count(offset), limit: count(limit), after };
        Ok(Self { list, filter, slice, scope })
    }

    /// The cursor that leads to what follows `place`.
    pub(super) fn cursor(&self, place: &Place, secret: &Secret) -> String {
        place.seal(&borrowed(&self.scope), secret)
    }
}

fn asked_status(asked: &mut Fields, name: Option<&str>) -> Which {
    let all = [
        Status::Active,
        Status::Expired,
        Status::Deleted,
        Status::ClosedNoResponse,
        Status::Completed,
    ];
    match name {
        None => Which::Listed,
        Some("all") => Which::All,
        Some(name) => match all.into_iter().find(|status| status.name() == name) {
            Some(status) => Which::Of(status),
            None => {
                let names = all.map(Status::name).join(", ");
                asked.complain("status", format!("status: must be one of: {names}, all"));
                Which::Listed
            }
        },
    }
}

/// What everybody may list; anything else silently becomes the active ones.
fn public(which: Which) -> Status {
    match which {
        Which::Of(status @ (Status::Expired | Status::Completed)) => status,
        Which::Of(_) | Which::Listed | Which::All => Status::Active,
    }
}

/// What a cursor is bound to: list, filters and caller.
fn scope(list: Option<List>, filter: &Filter, visitor: Option<&User>) -> Vec<String> {
    let city = filter.city.as_ref().map(ToString::to_string).unwrap_or_default();
    let caller = visitor.map(|user| user.id.to_string()).unwrap_or_default();
    let category = filter.category.clone().unwrap_or_default();
    vec!["orders".to_owned(), format!("{list:?}"), category, city, caller]
}

fn borrowed(scope: &[String]) -> Vec<&str> {
    scope.iter().map(String::as_str).collect()
}

fn place(asked: &mut Fields, scope: &[String], offset: i64, secret: &Secret) -> Option<Place> {
    let cursor = asked.raw("cursor")?.as_str().unwrap_or_default().to_owned();
    let place = Place::open(&cursor, &borrowed(scope), secret);
    if place.is_none() {
        asked.complain("cursor", "Invalid cursor");
    } else if offset > 0 {
        asked.complain("offset", "offset: cannot be used with cursor");
    }
    place
}
