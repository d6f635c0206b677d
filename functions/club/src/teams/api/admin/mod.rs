//! What those who run the club see of teams, and do with them, by view.

mod decades;
mod teams;

use shared::function::{Access, Declared};
use shared::problem::Result;

use super::super::places::unknown_team;
use super::teams::is_id;
use crate::App;
use crate::wire;

pub use decades::{
    all as admin_all, members as admin_members, reports as admin_reports, stats as admin_stats,
};
pub use teams::{allow, create, distribute, join, leave, replace_leader};

fn admin(endpoint: Declared<App>) -> Declared<App> {
    endpoint.access(Access::Admin).limited(wire::ADMIN)
}

fn known(id: &str) -> Result<()> {
    if is_id(id) { Ok(()) } else { Err(unknown_team()) }
}
