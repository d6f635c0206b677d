//! `GET /api/streams/{id}/attendance`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::streams::attendees("club-streams-attendance", "/api/streams/{id}/attendance"))
}
