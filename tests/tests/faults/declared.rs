//! What the code declares is what is committed beside it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use local::services;
use serde_json::Value;

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
    let events = names("events", ".json");
    for (service, functions) in services() {
        let declared: BTreeSet<String> =
            functions.iter().map(|function| function.name().to_owned()).collect();
        assert_eq!(names(&format!("functions/{service}/src/bin"), ".rs"), declared);
        let own = events.iter().filter(|event| event.starts_with(&format!("{service}-")));
        assert_eq!(own.cloned().collect::<BTreeSet<_>>(), declared);
    }
}

/// A binary that Cargo.toml does not name is not built; one that it names otherwise is a test, too.
#[test]
fn every_binary_stands_in_its_manifest() {
    for (service, functions) in services() {
        let path = repository().join(format!("functions/{service}/Cargo.toml"));
        let manifest = std::fs::read_to_string(path).unwrap();
        for function in &functions {
            let name = function.name();
            let entry = format!(
                "[[bin]]\nname = \"{name}\"\npath = \"src/bin/{name}.rs\"\ntest = false\ndoc = false\n"
            );
            assert!(manifest.contains(&entry), "{name}: infra/checks/bins.py {service}");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), functions.len(), "{service}");
    }
}

fn documents() -> Vec<(&'static str, Value)> {
    vec![("club", club::openapi()), ("errands", errands::openapi())]
}

/// `make openapi` writes them anew.
#[test]
fn the_openapi_documents_are_what_the_code_declares() {
    let documents = documents();
    let named: Vec<&str> = documents.iter().map(|(service, _)| *service).collect();
    assert_eq!(named, services().iter().map(|(service, _)| *service).collect::<Vec<_>>());
    for (service, openapi) in documents {
        let path = repository().join(format!("docs/openapi/{service}.json"));
        let text = std::fs::read_to_string(path).unwrap();
        let committed: Value = serde_json::from_str(&text).unwrap();
        assert!(
            committed == openapi,
            "docs/openapi/{service}.json is not up to date: make openapi"
        );
    }
}
