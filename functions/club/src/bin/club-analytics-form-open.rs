//! `POST /api/analytics/form-open`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::analytics::form_open())
}
