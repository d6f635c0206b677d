//! Every day, members who do nothing.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::cleanup())
}
