//! `PUT /api/admin/content/{kind}/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::put_content())
}
