//! Every day: what is left of incomes after six months.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::energies::expire())
}
