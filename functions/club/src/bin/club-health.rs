//! Is the service there?

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::health::health())
}
