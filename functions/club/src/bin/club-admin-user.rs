//! `GET /api/admin/user/{telegram_id}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::person())
}
