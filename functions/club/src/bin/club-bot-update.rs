//! Does what an update of the bot asks for, once.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::bot::update())
}
