//! The last lines that functions logged.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use shared::settings::Environment;
use tracing_subscriber::fmt::MakeWriter;

use crate::secrets::SERVICES;

/// How many lines are kept.
const CAPACITY: usize = 20_000;

/// A bounded list of lines; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl Logs {
    /// The list into which functions inside this process log. They share one subscriber, so
    /// stacks in one process share this list.
    #[must_use]
    pub fn of_process() -> Self {
        static LOGS: OnceLock<Logs> = OnceLock::new();
        LOGS.get_or_init(|| {
            let logs = Self::default();
            // A test may have a subscriber of its own: then there is nothing to see here.
            let crates: Vec<&str> = SERVICES.into_iter().chain(["local"]).collect();
            shared::telemetry::init_to(&Environment::of_process(), &crates, logs.clone());
            logs
        })
        .clone()
    }

    /// Adds a line.
    pub fn push(&self, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= CAPACITY {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The last `limit` lines, oldest first.
    #[must_use]
    pub fn last(&self, limit: usize) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().skip(lines.len().saturating_sub(limit)).cloned().collect()
    }
}

/// One event's line on its way into the list: the subscriber writes it at once.
pub struct Line(Logs);

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in String::from_utf8_lossy(bytes).lines().filter(|line| !line.is_empty()) {
            self.0.push(line.to_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logs {
    type Writer = Line;

    fn make_writer(&'a self) -> Self::Writer {
        Line(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept() {
        let logs = Logs::default();
        for n in 0..CAPACITY + 2 {
            logs.push(n.to_string());
        }
        assert_eq!(logs.last(2), [(CAPACITY).to_string(), (CAPACITY + 1).to_string()]);
        assert_eq!(logs.last(usize::MAX).len(), CAPACITY);
    }
}
