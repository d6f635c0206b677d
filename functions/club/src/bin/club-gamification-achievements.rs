//! `GET /api/v1/gamification/achievements`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::gamification::list())
}
