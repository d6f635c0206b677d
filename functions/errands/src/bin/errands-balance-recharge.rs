//! Puts pretended money on a balance, in test stages.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::money::recharge())
}
