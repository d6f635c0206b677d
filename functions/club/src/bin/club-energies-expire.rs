//! Every day: what is left of incomes after six months.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::energies::expire())
}
