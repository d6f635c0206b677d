//! `PATCH /api/admin/offers/{key}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::update_offer("club-admin-offer-update", "/api/admin/offers/{key}"))
}
