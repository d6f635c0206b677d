//! `POST /api/v1/decades/can-create`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::can_create())
}
