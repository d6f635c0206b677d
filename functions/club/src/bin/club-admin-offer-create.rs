//! `POST /api/admin/offers`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::create_offer("club-admin-offer-create", "/api/admin/offers"))
}
