//! `POST /api/analytics/form-open`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::analytics::form_open())
}
