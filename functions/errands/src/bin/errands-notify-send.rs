//! Sends a message at the pace that Telegram allows.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::notify::send())
}
