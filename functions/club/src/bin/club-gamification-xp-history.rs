//! `GET /api/v1/gamification/xp-history`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::gamification::xp_history())
}
