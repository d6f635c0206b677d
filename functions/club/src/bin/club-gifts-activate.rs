//! `POST /api/v1/gifts/activate`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::gifts::activate())
}
