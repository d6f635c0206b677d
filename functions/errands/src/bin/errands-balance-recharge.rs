//! Puts pretended money on a balance, in test stages.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::money::recharge())
}
