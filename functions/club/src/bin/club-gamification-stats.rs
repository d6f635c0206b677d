//! `GET /api/v1/gamification/stats`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::gamification::stats())
}
