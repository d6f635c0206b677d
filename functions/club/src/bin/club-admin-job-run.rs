//! The queue of jobs that outlast an administrator's call.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::go_on())
}
