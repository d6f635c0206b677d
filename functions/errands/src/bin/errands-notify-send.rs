//! Sends a message at the pace that Telegram allows.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::notify::send())
}
