//! `POST /api/v1/decades/join`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::decade_join())
}
