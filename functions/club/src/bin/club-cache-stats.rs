//! How often answers were kept or known.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::health::cache_stats())
}
