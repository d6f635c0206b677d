//! `DELETE /api/admin/content/{kind}/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::delete_content())
}
