//! The list, and how it is searched.

use std::sync::LazyLock;

const FILE: &str = include_str!("towns.txt");

/// A town, and what is compared with what people type.
struct Town {
    name: &'static str,
    folded: String,
}

static TOWNS: LazyLock<Vec<Town>> = LazyLock::new(|| {
    let names = FILE.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    names.map(|name| Town { name, folded: fold(name) }).collect()
});

/// Lower case, `ё` as `е`.
fn fold(text: &str) -> String {
    text.trim().to_lowercase().replace('ё', "е")
}

/// The towns that have `text` somewhere in their name, in the order of the list; all of them for
/// no text.
#[must_use]
pub fn search(text: &str) -> Vec<&'static str> {
    let wanted = fold(text);
    TOWNS.iter().filter(|town| town.folded.contains(&wanted)).map(|town| town.name).collect()
}

/// What changes with the list, and with nothing else.
#[must_use]
pub fn version() -> &'static str {
    use std::fmt::Write as _;

    use sha2::{Digest as _, Sha256};
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        Sha256::digest(FILE).iter().take(8).fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // a String takes whatever is written
            text
        })
    });
    &VERSION
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_list_is_whole() {
        let all = search("");
        assert!(all.len() >= 1050, "{}", all.len());
        let expected = "Москва,Санкт-Петербург,Новосибирск,Екатеринбург,Казань,Нижний Новгород,\
             Челябинск,Самара,Омск,Ростов-на-Дону,Сочи,Березники,Алушта,Иннополис,Мурино";
        for town in expected.split(',') {
            assert!(all.contains(&town), "{town}");
        }
    }

    #[test]
    fn a_part_of_the_name_finds_in_the_order_of_the_list() {
        let found = search("мос");
        let place = |name| found.iter().position(|town| *town == name).unwrap();
        assert!(place("Мосальск") < place("Москва") && place("Москва") < place("Новомосковск"));
        assert!(found.iter().all(|town| town.to_lowercase().contains("мос")));
    }

    #[test]
    fn case_and_the_dots_of_yo_do_not_matter() {
        for text in ["орел", "ОРЁЛ", " Орёл "] {
            assert!(search(text).contains(&"Орёл"), "{text}");
        }
        assert!(search("нет такого").is_empty());
        assert_eq!(search("ростов-на").len(), 1);
    }

    proptest! {
        #[test]
        fn every_part_of_every_name_finds_it(at in 0_usize..1000, from in 0_usize..5, length in 1_usize..9) {
            let name = search("")[at];
            let part: String = name.chars().skip(from).take(length).collect();
            prop_assert!(part.is_empty() || search(&part).contains(&name));
        }

        #[test]
        fn what_is_found_holds_the_text(text in "[а-яёА-ЯЁ -]{0,4}") {
            for name in search(&text) {
                prop_assert!(fold(name).contains(&fold(&text)));
            }
        }
    }
}
