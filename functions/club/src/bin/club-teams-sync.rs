//! Every day, the chats of teams.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::sync())
}
