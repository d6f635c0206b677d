//! Makes digests that are a minute late.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::notify::digest_sweep())
}
