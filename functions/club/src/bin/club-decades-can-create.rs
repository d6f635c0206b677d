//! `POST /api/v1/decades/can-create`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::can_create())
}
