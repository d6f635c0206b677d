//! `GET /api/streams/{id}/attendees`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::streams::attendees("club-streams-attendees", "/api/streams/{id}/attendees"))
}
