//! Answered requests by route, method and status.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::health::metrics())
}
