//! Weekly reports: one a week, until Sunday night.
//!
//! A report is a row of its member and ISO week, so that a week has one whoever asks how often. A
//! second, small row stands under the report's own id: whose it is, what it earned, when it came. It
//! leads from the id to the report, lists a week's reports for administrators, and stays as a mark
//! when the report is taken back.
//!
//! *Submitting* is one transaction of report, mark, energy entry and member. *Taking back*, within a
//! day, is the same the other way round: exactly what the report earned is spent, or nothing
//! happens. The week is free then, and the next report has another id and so earns anew.
//!
//! Streaks of weeks are counted over what is there, week after week, over New Year, too.

mod admin;
mod api;
mod model;
mod store;
#[cfg(test)]
mod tests;
mod writing;

use shared::function::Function;

pub use admin::{global_stats, of_week};
pub use api::{current, deadline, list, one, stats, week};
pub use writing::{delete, submit};

use crate::App;

/// The functions of this capability. Lists and numbers of one's own have a second path each.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![
        submit(),
        list("club-reports-my", "/api/reports/my"),
        list("club-reports-user", "/api/reports/user"),
        current(),
        week(),
        one(),
        deadline(),
        stats("club-reports-stats-my", "/api/reports/stats/my"),
        stats("club-reports-stats", "/api/reports/stats"),
        of_week(),
        global_stats(),
        delete(),
    ]
}
