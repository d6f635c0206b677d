//! `GET /api/streams/{id}/attendance`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::streams::attendees(
        "club-streams-attendance",
        "/api/streams/{id}/attendance",
    ))
}
