//! `PUT /api/admin/city-chats/{chat_id}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::energies::set_city_chat())
}
