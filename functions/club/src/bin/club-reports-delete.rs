//! `DELETE /api/reports/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::reports::delete())
}
