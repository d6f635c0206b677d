//! `POST /api/v1/gifts/activate`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::gifts::activate())
}
