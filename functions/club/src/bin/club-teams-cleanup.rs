//! Every day, members who do nothing.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::cleanup())
}
