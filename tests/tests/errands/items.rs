//! Every item of the acceptance list has its tests.

#[test]
fn every_item_of_the_acceptance_list_has_its_tests() {
    // Killing processes anywhere is tried in `faults`, the floor under load by `tests/load/run floor`.
    tests::items::all_have_tests("errands", 29, &[28, 29]);
}
