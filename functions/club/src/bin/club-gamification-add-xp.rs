//! `POST /api/v1/gamification/add-xp`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::gamification::add_xp())
}
