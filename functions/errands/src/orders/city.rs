//! What cities are compared by.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

/// A city without the differences that people do not mean: white space, case, `ё` for `е`, and
/// which dash it was.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CityKey(String);

impl CityKey {
    /// The key of a city as somebody typed it.
    #[must_use]
    pub fn of(city: &str) -> Self {
        let composed: String = city.nfc().collect();
        let words: Vec<_> = composed.split_whitespace().collect();
        let plain = |c| match c {
            'ё' => 'е',
            dash if is_dash(dash) => '-',
            other => other,
        };
        // Composed again: without its dots, a `ё` may compose with the accent that follows it.
        Self(words.join(" ").to_lowercase().chars().map(plain).nfc().collect())
    }

    /// The key as it stands in the table.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<CityKey> for String {
    fn from(key: CityKey) -> Self {
        key.0
    }
}

/// Is this one of Unicode's dashes (`Pd`), or the minus sign, which is typed as one?
pub(super) fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{58a}' | '\u{5be}' | '\u{1400}' | '\u{1806}' | '\u{2010}'
            ..='\u{2015}'
                | '\u{2212}'
                | '\u{2e17}'
                | '\u{2e1a}'
                | '\u{2e3a}'
                | '\u{2e3b}'
                | '\u{2e40}'
                | '\u{2e5d}'
                | '\u{301c}'
                | '\u{3030}'
                | '\u{30a0}'
                | '\u{fe31}'
                | '\u{fe32}'
                | '\u{fe58}'
                | '\u{fe63}'
                | '\u{ff0d}'
                | '\u{10ead}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(city: &str) -> String {
        CityKey::of(city).into()
    }

    #[test]
    fn spellings_of_one_city_have_one_key() {
        for city in ["Орёл", " орел ", "ОРЁЛ", "Оре\u{308}л"] {
            assert_eq!(key(city), "орел");
        }
        for city in ["Нью-Йорк", "нью\u{2011}йорк", "НЬЮ—ЙОРК", "Нью−Йорк"]
        {
            assert_eq!(key(city), "нью-йорк");
        }
        assert_eq!(key("Нижний \u{a0}\t Новгород"), "нижний новгород");
        assert_ne!(key("Нью Йорк"), key("Нью-Йорк"));
        assert_ne!(key("Йошкар-Ола"), key("Иошкар-Ола"));
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(city in "\\PC{0,40}") {
            let once = key(&city);
            prop_assert!(!once.contains("  ") && once.trim() == once);
            prop_assert_eq!(key(&once), once);
        }

        #[test]
        fn white_space_around_and_within_does_not_matter(
            words in proptest::collection::vec("[а-яё]{1,9}", 1..4), gap in "[ \t\u{a0}]{1,3}",
        ) {
            let city = format!("{gap}{}{gap}", words.join(&gap));
            prop_assert_eq!(key(&city), words.join(" ").replace('ё', "е"));
        }
    }
}
