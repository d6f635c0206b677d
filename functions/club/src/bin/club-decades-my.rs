//! `POST /api/v1/decades/my`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::decade_my())
}
