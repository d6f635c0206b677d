//! What makes a run shorter or longer.

use std::time::Duration;

use benches::Result;

/// The sizes of `SIZES`, such as `1000,100000`, unless these.
///
/// # Errors
/// When one is no number.
pub fn sizes(usual: &[usize]) -> Result<Vec<usize>> {
    match std::env::var("SIZES") {
        Ok(text) => {
            Ok(text.split(',').map(str::parse).collect::<std::result::Result<Vec<usize>, _>>()?)
        }
        Err(_) => Ok(usual.to_vec()),
    }
}

/// How long each figure is taken: `SECONDS_EACH`, unless so long.
pub fn time(usual_s: u64) -> Duration {
    let seconds = std::env::var("SECONDS_EACH").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(usual_s))
}
