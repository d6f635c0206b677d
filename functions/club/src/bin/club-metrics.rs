//! Answered requests by route, method and status.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::health::metrics())
}
