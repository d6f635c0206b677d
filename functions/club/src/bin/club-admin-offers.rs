//! `GET /api/admin/offers`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::list_offers("club-admin-offers", "/api/admin/offers"))
}
