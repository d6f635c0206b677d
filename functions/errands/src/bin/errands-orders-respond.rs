//! Notes that the client has answered.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::orders::respond())
}
