//! How a stack is to be started.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::invoke::Program;

/// How a stack is to be started.
pub struct Options {
    /// The topmost template.
    pub template: PathBuf,
    /// Its parameters besides their defaults; `Stage` is `test`.
    pub parameters: BTreeMap<String, String>,
    /// The services to start, by name; all that the template nests where there are none.
    pub services: Vec<String>,
    /// The port of the HTTP front on the loopback interface; 0 for any.
    pub port: u16,
    /// The port of DynamoDB and SQS on the loopback interface; 0 for any.
    pub engine_port: u16,
    /// Where state is kept.
    pub storage: Storage,
    /// Where the clock starts, or is moved to at the start.
    pub clock: Option<Timestamp>,
    /// Does the clock stand still or tick? As it was left, by default; a new one ticks.
    pub frozen: Option<bool>,
    /// Variables set in every function's environment, over all others.
    pub settings: BTreeMap<String, String>,
    /// How functions are run.
    pub mode: Mode,
    /// The functions that are linked in, for [`Mode::InProcess`].
    pub programs: Vec<Box<dyn Program>>,
    /// Are variables of this process such as `CLUB_TELEGRAM_BOT_TOKEN` taken as secrets?
    pub secrets_from_environment: bool,
}

/// Where state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In memory; forgotten when the stack stops.
    Memory,
    /// In this folder.
    Folder(PathBuf),
}

/// How functions are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Linked into this process.
    InProcess,
    /// As their real binaries, through the Runtime API.
    Processes {
        /// Where the binaries are; either `<folder>/<name>` or `<folder>/<name>/bootstrap`.
        folder: PathBuf,
        /// How many processes per function at most.
        concurrency: usize,
    },
}

impl Options {
    /// A stack for a test: in memory, any ports, everything that is linked in.
    #[must_use]
    pub fn memory() -> Self {
        Self {
            template: default_template(),
            parameters: BTreeMap::from([("Stage".to_owned(), "test".to_owned())]),
            services: Vec::new(),
            port: 0,
            engine_port: 0,
            storage: Storage::Memory,
            clock: None,
            frozen: None,
            settings: BTreeMap::new(),
            mode: Mode::InProcess,
            programs: linked(),
            secrets_from_environment: false,
        }
    }

    /// Starts this service alone, or with those named before.
    #[must_use]
    pub fn service(mut self, name: &str) -> Self {
        self.services.push(name.to_owned());
        self
    }

    /// Keeps state in `folder`.
    #[must_use]
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.storage = Storage::Folder(folder.into());
        self
    }

    /// Starts with the clock standing still at `now`.
    #[must_use]
    pub fn frozen_at(mut self, now: Timestamp) -> Self {
        self.clock = Some(now);
        self.frozen = Some(true);
        self
    }

    /// Sets a variable in every function's environment.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Gives a parameter of the topmost template a value.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.parameters.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Runs the real binaries that lie in `folder`.
    #[must_use]
    pub fn processes(mut self, folder: impl Into<PathBuf>) -> Self {
        self.mode = Mode::Processes { folder: folder.into(), concurrency: 10 };
        self
    }
}

/// The template beside this crate.
#[must_use]
pub fn default_template() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).join("template.yaml")
}

/// The services that are linked in, each with all its functions.
#[must_use]
pub fn services() -> Vec<(&'static str, Vec<Box<dyn Program>>)> {
    vec![
        ("club", club::functions().into_iter().map(boxed).collect()),
        ("errands", errands::functions().into_iter().map(boxed).collect()),
    ]
}

/// All functions of all services.
#[must_use]
pub fn linked() -> Vec<Box<dyn Program>> {
    services().into_iter().flat_map(|(_, functions)| functions).collect()
}

fn boxed(program: impl Program + 'static) -> Box<dyn Program> {
    Box::new(program)
}
