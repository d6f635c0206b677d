//! `GET /api/admin/offers`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::admin::list_offers("club-admin-offers", "/api/admin/offers"))
}
