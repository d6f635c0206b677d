//! Every day: gifts that nobody activated in time.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::gifts::expire())
}
