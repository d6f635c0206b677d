//! `DELETE /api/reports/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::reports::delete())
}
