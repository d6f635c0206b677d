//! `POST /api/v1/decades/my`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::decade_my())
}
