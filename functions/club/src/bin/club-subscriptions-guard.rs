//! Every day: access that ends with its subscription.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::subscriptions::guard())
}
