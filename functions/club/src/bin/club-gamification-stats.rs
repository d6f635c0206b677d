//! `GET /api/v1/gamification/stats`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::gamification::stats())
}
