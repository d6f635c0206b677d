//! What the code declares is what is committed beside it.

use std::collections::BTreeSet;
use std::path::PathBuf;

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn names(folder: &str, ending: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(repository().join(folder)).expect("a folder");
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect()
}

/// One file per function: the declaration, the binary, the sample event. Templates are compared by
/// `infra/checks/routes.py`.
#[test]
fn declarations_binaries_and_events_name_the_same_functions() {
    let declared: BTreeSet<String> =
        club::functions().iter().map(|f| f.declaration().name.to_owned()).collect();
    assert_eq!(names("functions/club/src/bin", ".rs"), declared);
    assert_eq!(names("events", ".json"), declared);
}

/// `make openapi` writes it anew.
#[test]
fn the_openapi_document_is_what_the_code_declares() {
    let text = std::fs::read_to_string(repository().join("docs/openapi/club.json")).unwrap();
    let committed: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(committed == club::openapi(), "docs/openapi/club.json is not up to date: make openapi");
}
