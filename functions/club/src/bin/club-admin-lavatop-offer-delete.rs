//! `DELETE /api/admin/lavatop-offers/{key}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::delete_offer(
        "club-admin-lavatop-offer-delete",
        "/api/admin/lavatop-offers/{key}",
    ))
}
