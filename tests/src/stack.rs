//! How a system is started, or where it is: the only place that knows the local runner.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;

use local::{Options, Stack};

const SECRETS: [&str; 5] = [
    "TELEGRAM_BOT_TOKEN",
    "TELEGRAM_WEBHOOK_SECRET",
    "JWT_SECRET",
    "ADMIN_SECRET",
    "SANDBOX_SECRET",
];

/// A service that can be called.
pub(crate) struct Running {
    /// Its name.
    pub(crate) service: &'static str,
    /// Its API root.
    pub(crate) root: String,
    /// The root of the control desk, when there is one.
    pub(crate) desk: Option<String>,
    /// The root of the sandboxes.
    pub(crate) sandboxes: String,
    /// Its secrets by their plain names.
    pub(crate) secrets: BTreeMap<String, String>,
    /// Stops with the world.
    stack: Option<local::Running>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.root)
    }
}

impl Running {
    /// What went wrong last, and what was logged: the first thing to read after a 500.
    pub(crate) fn last_words(&self) -> String {
        let Some(stack) = &self.stack else { return String::new() };
        let failed = stack.invocations(None, 200).into_iter();
        let failed = failed.filter(|run| run.outcome != "ok").map(|run| format!("{run:?}"));
        failed.chain(stack.logs(20)).collect::<Vec<_>>().join("\n")
    }
}

/// The club that `TAMGA_CLUB_URL` names.
pub(crate) fn deployed() -> Option<Running> {
    let club = env::var("TAMGA_CLUB_URL").ok().filter(|url| !url.is_empty())?;
    let sandboxes = env::var("TAMGA_SANDBOXES_URL").expect("TAMGA_SANDBOXES_URL");
    let secret = |name: &str| {
        let value = env::var(format!("CLUB_{name}")).ok().filter(|value| !value.is_empty())?;
        Some((name.to_owned(), value))
    };
    let plain = |url: String| url.trim_end_matches('/').to_owned();
    Some(Running {
        service: "club",
        root: plain(club),
        desk: None,
        sandboxes: plain(sandboxes),
        secrets: SECRETS.iter().filter_map(|name| secret(name)).collect(),
        stack: None,
    })
}

/// Starts a service in memory; `CLOCK` among the settings is the instant it stands still at.
pub(crate) async fn start(service: &'static str, settings: &[(&str, &str)]) -> Running {
    let mut options = Options::memory().service(service);
    if env::var("TAMGA_MODE").is_ok_and(|mode| mode == "process") {
        options = options.processes(binaries());
    }
    for (name, value) in settings {
        options = match *name {
            "CLOCK" => options.frozen_at(value.parse().expect("an instant")),
            _ => options.set(name, value),
        };
    }
    let stack = Stack::start(options).await.expect("the stack starts");
    let mut secrets = stack.secrets().of(service);
    for (name, value) in settings {
        if let Some(secret) = secrets.get_mut(*name) {
            (*value).clone_into(secret);
        }
    }
    Running {
        service,
        root: stack.api(service),
        desk: Some(stack.base_url.clone()),
        sandboxes: stack.base_url.clone(),
        secrets,
        stack: Some(stack),
    }
}

/// The folder of the functions' binaries: `TAMGA_BINARIES`, else where cargo puts them.
fn binaries() -> PathBuf {
    if let Ok(folder) = env::var("TAMGA_BINARIES") {
        return PathBuf::from(folder);
    }
    let own = env::current_exe().expect("this test's own path");
    own.parent().and_then(|deps| deps.parent()).expect("the target folder").to_owned()
}
