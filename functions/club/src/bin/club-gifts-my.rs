//! `GET /api/v1/gifts/my`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::gifts::my())
}
