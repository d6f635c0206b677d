//! `GET /api/analytics/check-cooldown`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::analytics::check_cooldown())
}
