//! `PUT /api/admin/content/{kind}/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::put_content())
}
