//! `GET /api/admin/user/{telegram_id}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::admin::person())
}
