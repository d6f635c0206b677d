//! Twice a day, the chats that have hours.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::bot::hours())
}
