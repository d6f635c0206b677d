//! `GET /api/admin/lavatop-offers`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::list_offers("club-admin-lavatop-offers", "/api/admin/lavatop-offers"))
}
