//! Classes of calls, as services declare them.

/// A class of calls that share a limit. A service declares its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitClass {
    /// Its name in upper case; the setting `RATE_<name>` (`5/60`: tokens per seconds) replaces its
    /// figures.
    pub name: &'static str,
    /// How many calls may come at once.
    pub tokens: u32,
    /// Within how many seconds an empty bucket is full again.
    pub seconds: u32,
    /// Which calls count, and against whom.
    pub counts: Counts,
    /// Where the buckets are.
    pub kept: Kept,
    /// Is a call refused while an exact bucket cannot be reached?
    pub fails_closed: bool,
}

/// Which calls count, and against whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// All calls, against their subject; those of nobody against their address.
    Calls,
    /// All calls, against their address.
    Addresses,
    /// Calls that fail to authenticate, against their address. What else counts the handler says
    /// by [`super::Limiter::count`].
    Failures,
}

/// Where the buckets of a class are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In the table: exact, one or two requests a call.
    Exact,
    /// In the warm process: a caller spread over n environments may pass n times the limit.
    Warm,
    /// In the table for methods that change something, else in the warm process.
    ByMethod,
}

impl LimitClass {
    pub(super) fn setting(&self) -> String {
        format!("RATE_{}", self.name)
    }

    pub(super) fn is_exact(&self, mutates: bool) -> bool {
        match self.kept {
            Kept::Exact => true,
            Kept::Warm => false,
            Kept::ByMethod => mutates,
        }
    }
}
