//! The sweep of onboardings, by the clock.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::onboarding::sweep())
}
