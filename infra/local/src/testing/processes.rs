use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::json;

use super::restart::Folder;
use super::{Seen, options};
use crate::{Mode, Options, Stack};

/// Programs that are no Lambda functions: one ends at once, one never asks for work.
fn scripts(folder: &Folder) {
    std::fs::create_dir_all(&folder.0).unwrap();
    for (name, text) in [
        ("demo-job", "#!/bin/sh\necho dying\nexit 3\n"),
        ("demo-echo", "#!/bin/sh\nexec sleep 60\n"),
    ] {
        let path = folder.0.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[tokio::test]
async fn a_process_that_dies_or_hangs_fails_its_invocation() {
    let folder = Folder::new();
    scripts(&folder);
    let seen = Seen::default();
    let mode = Mode::Processes { folder: folder.0.clone(), concurrency: 2 };
    let options = Options { mode, programs: Vec::new(), ..options(&seen, |_, _| Ok(json!(null))) };
    let stack = Stack::start(options).await.unwrap();

    let started = Instant::now();
    let died = stack.invoke("demo-job", &json!({})).await.unwrap_err().to_string();
    assert!(died.contains("exit status: 3"), "{died}");
    assert!(started.elapsed() < Duration::from_secs(9), "not by the time limit");

    let hung = stack.invoke("demo-echo", &json!({})).await.unwrap_err().to_string();
    assert!(hung.contains("timed out"), "{hung}");
    let gone = async {
        while !stack.instances().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();

    let missing = stack.invoke("demo-tick", &json!({})).await.unwrap_err().to_string();
    assert!(missing.contains("demo-tick"), "{missing}");
    stack.stop().await;
}
