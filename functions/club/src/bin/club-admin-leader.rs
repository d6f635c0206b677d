//! `PUT /api/admin/leaders/{telegram_id}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::allow())
}
