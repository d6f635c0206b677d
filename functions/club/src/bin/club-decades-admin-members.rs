//! `GET /api/v1/decades/admin/members/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::admin_members())
}
