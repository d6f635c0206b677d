//! Twice a day, the chats that have hours.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::bot::hours())
}
