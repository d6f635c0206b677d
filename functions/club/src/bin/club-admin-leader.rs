//! `PUT /api/admin/leaders/{telegram_id}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::allow())
}
