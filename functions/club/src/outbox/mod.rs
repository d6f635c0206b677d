//! To be filled in.

use shared::function::Function;
use shared::settings::{Environment, SettingError};

use crate::App;

/// Settings of this capability.
#[derive(Clone, Debug)]
pub struct Settings {}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// When one is malformed.
    pub fn from_environment(_: &Environment) -> Result<Self, SettingError> {
        Ok(Self {})
    }
}

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    Vec::new()
}
