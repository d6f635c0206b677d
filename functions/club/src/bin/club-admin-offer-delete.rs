//! `DELETE /api/admin/offers/{key}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::delete_offer("club-admin-offer-delete", "/api/admin/offers/{key}"))
}
