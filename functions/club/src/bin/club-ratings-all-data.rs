//! All ratings, and the member's places in them.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::ratings::all_data())
}
