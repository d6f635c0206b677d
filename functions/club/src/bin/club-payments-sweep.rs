//! Every fifteen minutes: checks that were lost, attempts without money.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::sweep())
}
