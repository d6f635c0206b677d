//! `GET /api/v1/gamification/achievements`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::gamification::list())
}
