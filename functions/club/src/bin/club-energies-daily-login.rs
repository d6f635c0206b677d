//! `POST /api/v1/energies/triggers/daily-login`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::energies::daily_login())
}
