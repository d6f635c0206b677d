//! Notes that the client has answered.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::orders::respond())
}
