//! Every day: gifts that nobody activated in time.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::gifts::expire())
}
