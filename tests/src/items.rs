//! Acceptance lists: the names of tests begin with the number of the item they show.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Checks that each of the items 1 to `items` has a test in `tests/<folder>`, but for those that are
/// shown `elsewhere`, and that no test names an item that there is not.
///
/// # Panics
/// When that is not so.
pub fn all_have_tests(folder: &str, items: u32, elsewhere: &[u32]) {
    let mut tests = BTreeMap::new();
    count(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder), &mut tests);
    let missing: Vec<u32> =
        (1..=items).filter(|item| !elsewhere.contains(item) && !tests.contains_key(item)).collect();
    assert!(missing.is_empty(), "no tests of {missing:?}");
    assert!(tests.keys().all(|item| (1..=items).contains(item)), "{tests:?}");
}

/// Counts the tests below `folder` by the item that their names begin with.
fn count(folder: &Path, tests: &mut BTreeMap<u32, usize>) {
    for entry in fs::read_dir(folder).expect("a folder of tests") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            count(&path, tests);
            continue;
        }
        let text = fs::read_to_string(&path).expect("a file of tests");
        let names = text.lines().filter_map(|line| line.trim().strip_prefix("async fn a"));
        let items = names.filter_map(|name| name.split_once('_')?.0.parse().ok());
        items.for_each(|item| *tests.entry(item).or_default() += 1);
    }
}
