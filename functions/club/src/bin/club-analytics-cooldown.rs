//! `GET /api/analytics/check-cooldown`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::analytics::check_cooldown())
}
