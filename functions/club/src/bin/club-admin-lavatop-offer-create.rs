//! `POST /api/admin/lavatop-offers`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::create_offer(
        "club-admin-lavatop-offer-create",
        "/api/admin/lavatop-offers",
    ))
}
