//! Does what an update of the bot asks for, once.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::bot::update())
}
