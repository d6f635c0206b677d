//! Every day: access that ends with its subscription.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::subscriptions::guard())
}
