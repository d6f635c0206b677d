//! `POST /api/v1/decades/join`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::decade_join())
}
