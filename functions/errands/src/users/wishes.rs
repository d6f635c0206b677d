//! What a user wants to hear of, read from a request.

use std::collections::HashSet;

use serde_json::{Map, Value};
use shared::http::Fields;
use shared::problem::Result;

use crate::orders::{Category, CityKey};
use crate::settings::Settings;
use crate::wire;

/// Entries of a list of categories.
const CATEGORIES_MAX: usize = 10;
/// Entries of a list of cities.
const CITIES_MAX: usize = 20;

/// Categories and cities, as they replace those that there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Preferences {
    pub(super) categories: Vec<String>,
    pub(super) cities: Vec<String>,
}

impl Preferences {
    /// Reads them. An absent list is an empty one; of what means the same, the first stays.
    ///
    /// # Errors
    /// `validation_failed` with every complaint.
    pub(super) fn read(body: &[u8]) -> Result<Self> {
        let mut fields = Fields::of_json(body)?;
        for name in nulls(body, ["categories", "cities"]) {
            fields.complain(name, format!("{name}: must be a list of texts"));
        }
        let categories = fields.texts("categories", CATEGORIES_MAX, 0, usize::MAX);
        let categories = categories.unwrap_or_default();
        if categories.iter().any(|name| Category::parse(name).is_none()) {
            fields.complain("categories", Category::complaint());
        }
        let (least, most) = wire::CITY_LENGTH;
        let cities = fields.texts("cities", CITIES_MAX, least, most).unwrap_or_default();
        fields.finish()?;
        Ok(Self {
            categories: distinct(categories, String::clone),
            cities: distinct(cities, |city| CityKey::of(city).into()),
        })
    }
}

/// Those of the names that the body gives as null, which [`Fields`] reads as absent: here it would
/// empty a list that nobody meant to empty.
fn nulls<'a, const N: usize>(
    body: &[u8],
    names: [&'a str; N],
) -> impl Iterator<Item = &'a str> + use<'a, N> {
    let values: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    names.into_iter().filter(move |name| values.get(*name).is_some_and(Value::is_null))
}

/// The first of each key, in their order.
fn distinct(texts: Vec<String>, key: impl Fn(&String) -> String) -> Vec<String> {
    let mut seen = HashSet::new();
    texts.into_iter().filter(|text| seen.insert(key(text))).collect()
}

/// How to be told of new orders; what is absent stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Telling {
    pub(super) enabled: Option<bool>,
    pub(super) frequency: Option<i64>,
}

impl Telling {
    /// Reads it.
    ///
    /// # Errors
    /// `validation_failed` with every complaint.
    pub(super) fn read(mut fields: Fields, settings: &Settings) -> Result<Self> {
        let (least, most, _) = settings.notify_frequency;
        let enabled = fields.flag("enabled");
        let frequency = fields.integer("frequency", least..=most);
        fields.finish()?;
        Ok(Self { enabled, frequency })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::settings::Environment;

    use super::*;

    fn read(body: Value) -> Result<Preferences> {
        Preferences::read(body.to_string().as_bytes())
    }

    fn telling(body: &str) -> Result<Telling> {
        let settings =
            Settings::from_environment(&Environment::from_iter([("STAGE".into(), "test".into())]));
        Telling::read(Fields::of_json(body.as_bytes())?, &settings.unwrap())
    }

    #[test]
    fn what_means_the_same_is_kept_once_in_order() {
        let preferences = read(json!({
            "categories": ["Клининг", "Другое", "Клининг"],
            "cities": ["Орёл", " Москва ", "ОРЕЛ", "Ростов—на—Дону", "ростов-на-дону"],
        }));
        let preferences = preferences.unwrap();
        assert_eq!(preferences.categories, ["Клининг", "Другое"]);
        assert_eq!(preferences.cities, ["Орёл", "Москва", "Ростов—на—Дону"]);
        assert_eq!(read(json!({})).unwrap(), Preferences::default());
    }

    #[test]
    fn what_is_no_list_of_wishes_is_refused() {
        for body in [
            json!({ "categories": null }),
            json!({ "cities": null, "categories": [] }),
            json!({ "categories": ["Такси"] }),
            json!({ "categories": ["клининг"] }),
            json!({ "categories": vec!["Клининг"; 11] }),
            json!({ "cities": ["М"] }),
            json!({ "cities": vec!["Москва"; 21] }),
            json!({ "cities": [7] }),
            json!({ "cities": {} }),
        ] {
            assert_eq!(read(body.clone()).unwrap_err().code(), "validation_failed", "{body}");
        }
        assert_eq!(Preferences::read(b"[]").unwrap_err().code(), "invalid_json");
    }

    #[test]
    fn frequencies_are_from_5_to_15() {
        for (body, frequency) in [
            (r#"{"frequency":5}"#, Some(5)),
            (r#"{"frequency":"15","enabled":null}"#, Some(15)),
            (r#"{"frequency":10.0}"#, Some(10)),
            (r#"{"frequency":null}"#, None),
            ("{}", None),
        ] {
            assert_eq!(telling(body).unwrap(), Telling { enabled: None, frequency }, "{body}");
        }
        assert_eq!(telling(r#"{"enabled":true}"#).unwrap().enabled, Some(true));
        for body in [r#"{"frequency":4}"#, r#"{"frequency":16}"#, r#"{"frequency":5.5}"#] {
            assert_eq!(telling(body).unwrap_err().code(), "validation_failed", "{body}");
        }
        assert_eq!(telling("").unwrap_err().code(), "invalid_json");
    }
}
