//! How often answers were kept or known.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::health::cache_stats())
}
