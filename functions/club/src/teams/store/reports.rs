//! Reports of leaders.

use shared::clock::Instant;
use shared::problem::Result;
use shared::table::{Entity, Key, Query, Table, Write};

use crate::auth::{self, Member};
use crate::calendar::Week;
use crate::teams::model::LeaderReport;

impl LeaderReport {
    /// Where the report of a team for a week is: among those of all teams.
    pub(in crate::teams) fn key_of(week: Week, team_id: &str) -> Key {
        Key::new(Self::partition(week), format!("TEAM#{team_id}"))
    }

    fn partition(week: Week) -> String {
        format!("LEADERREPORTS#{:04}-W{:02}", week.year, week.number)
    }
}

impl Entity for LeaderReport {
    const KIND: &'static str = "LeaderReport";

    fn key(&self) -> Key {
        let week = Week { year: self.year, number: self.week_number };
        Self::key_of(week, &self.team_id)
    }
}

/// The writes of a report: refused under `report` when there is one for this week, under `member`
/// when the member is not any more as it was read, so that it may lead no more.
pub(in crate::teams) fn reporting(
    report: &LeaderReport,
    leader: &Member,
    now: Instant,
) -> Vec<Write> {
    vec![Write::insert("report", report), auth::change(leader, now)]
}

/// All reports of a week. One query for each megabyte.
pub(in crate::teams) async fn reports(table: &Table, week: Week) -> Result<Vec<LeaderReport>> {
    let query = Query::partition(LeaderReport::partition(week));
    Ok(table.query_all(&query).await?.read()?)
}
