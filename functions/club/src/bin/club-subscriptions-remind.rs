//! Every day: reminders before subscriptions end.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::subscriptions::remind())
}
