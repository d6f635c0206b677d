//! `POST /api/analytics/gift-attempt`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::analytics::gift_attempt())
}
