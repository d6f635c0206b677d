//! `POST /api/analytics/gift-attempt`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::analytics::gift_attempt())
}
