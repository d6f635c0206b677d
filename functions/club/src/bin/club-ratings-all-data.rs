//! All ratings, and the member's places in them.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::ratings::all_data())
}
