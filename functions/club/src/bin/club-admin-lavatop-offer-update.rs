//! `PATCH /api/admin/lavatop-offers/{key}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::update_offer(
        "club-admin-lavatop-offer-update",
        "/api/admin/lavatop-offers/{key}",
    ))
}
