//! Is the service there?

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::health::health())
}
