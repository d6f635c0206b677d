//! `DELETE /api/admin/content/{kind}/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::delete_content())
}
