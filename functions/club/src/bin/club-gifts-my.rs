//! `GET /api/v1/gifts/my`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::gifts::my())
}
