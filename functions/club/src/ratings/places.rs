//! The places of all cities and teams of a generation, packed: a few hundred in one item, and which
//! item is known from the name alone. No I/O.

use shared::ledger::shard;

/// Places of one item, on average: about 14 KB.
const PLACES: usize = 300;

/// How many items so many places take.
pub(super) fn items_for(count: usize) -> u64 {
    u64::try_from(count.div_ceil(PLACES)).unwrap_or(u64::MAX)
}

/// In which of so many items the place of `name` is; nowhere when there are none.
pub(super) fn item_of(name: &str, items: u64) -> Option<u64> {
    (items > 0).then(|| shard(name, items))
}

/// Places as texts, one for each item. Names hold neither tabs nor line ends: they are keys of
/// cities and ids of teams.
pub(super) fn packed<'a>(places: impl Iterator<Item = (&'a str, u64)>, items: u64) -> Vec<String> {
    let mut texts = vec![String::new(); usize::try_from(items).unwrap_or_default()];
    for (name, place) in places {
        let item = item_of(name, items).and_then(|item| usize::try_from(item).ok());
        if let Some(text) = item.and_then(|item| texts.get_mut(item)) {
            text.push_str(&format!("{name}\t{place}\n"));
        }
    }
    texts
}

/// The place of `name` in such a text.
pub(super) fn place(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once('\t'));
    lines.find(|(known, _)| *known == name).and_then(|(_, place)| place.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_where_its_name_says() {
        let names: Vec<String> = (0..1_000).map(|n| format!("нижний город {n}")).collect();
        let items = items_for(names.len());
        assert_eq!(items, 4);
        let places = names.iter().map(String::as_str).zip(1..);
        let texts = packed(places, items);
        for (expected, name) in (1..).zip(&names) {
            let item = usize::try_from(item_of(name, items).unwrap()).unwrap();
            assert_eq!(place(&texts[item], name), Some(expected), "{name}");
        }
        assert_eq!(place(&texts[0], "нижний"), None);
        assert!(texts.iter().all(|text| text.len() < 20_000));
    }

    #[test]
    fn without_places_there_is_nowhere_to_look() {
        assert_eq!((items_for(0), item_of("омск", 0)), (0, None));
        assert!(packed(std::iter::empty(), 0).is_empty());
    }
}
