//! Every day: reminders before subscriptions end.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::subscriptions::remind())
}
