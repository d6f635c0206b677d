//! Endpoints of teams, by view.

mod admin;
mod decades;
mod rows;
mod teams;

pub use admin::{
    admin_all, admin_members, admin_reports, admin_stats, allow, create, distribute, join, leave,
    replace_leader,
};
pub use decades::{
    can_create, cities, join as decade_join, my as decade_my, report, report_status,
};
pub(crate) use rows::TeamView;
pub use teams::{list, members, my, one, stats};
