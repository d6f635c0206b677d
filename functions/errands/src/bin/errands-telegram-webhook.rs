//! Takes the bot's updates, payments in stars among them.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::payments::telegram_webhook())
}
