//! Every item of the acceptance list has its tests: their names begin with its number.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Items of the contract's list.
const ITEMS: u32 = 29;
/// Killing processes anywhere is tried in `faults`, the floor under load by `tests/load/run floor`.
const ELSEWHERE: [u32; 2] = [28, 29];

/// Counts the tests below `folder` by the item that their names begin with.
fn count(folder: &Path, tests: &mut BTreeMap<u32, usize>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count(&path, tests);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let names = text.lines().filter_map(|line| line.trim().strip_prefix("async fn a"));
        let items = names.filter_map(|name| name.split_once('_')?.0.parse().ok());
        items.for_each(|item| *tests.entry(item).or_default() += 1);
    }
}

#[test]
fn every_item_of_the_acceptance_list_has_its_tests() {
    let mut tests = BTreeMap::new();
    count(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errands"), &mut tests);
    let missing: Vec<u32> =
        (1..=ITEMS).filter(|item| !ELSEWHERE.contains(item) && !tests.contains_key(item)).collect();
    assert!(missing.is_empty(), "no tests of {missing:?}");
    assert!(tests.keys().all(|item| (1..=ITEMS).contains(item)), "{tests:?}");
}
