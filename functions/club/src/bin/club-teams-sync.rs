//! Every day, the chats of teams.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::sync())
}
