//! `GET /api/v1/gamification/xp-history`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::gamification::xp_history())
}
