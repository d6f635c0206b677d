//! Makes digests that are a minute late.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::notify::digest_sweep())
}
