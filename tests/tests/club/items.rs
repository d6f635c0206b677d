//! Every item of the acceptance list has its tests.

#[test]
fn every_item_of_the_acceptance_list_has_its_tests() {
    // What existing clients call is tried by `tests/client`.
    tests::items::all_have_tests("club", 27, &[27]);
}
