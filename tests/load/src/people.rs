//! The people who make the load, their launch data signed once.

use benches::{ERRANDS_BOT, Result, launch_data};

/// How many there are.
pub const PEOPLE: usize = 600;
/// The Telegram id of the first.
const FIRST: u64 = 10_000;

/// Launch data of all of them.
#[derive(Clone, Debug)]
pub struct People(Vec<String>);

impl People {
    /// Signs for everyone.
    ///
    /// # Errors
    /// When the bot's token does not read.
    pub fn open_the_app() -> Result<Self> {
        let ids = (FIRST..).take(PEOPLE);
        Ok(Self(ids.map(|id| launch_data(ERRANDS_BOT, id)).collect::<Result<_>>()?))
    }

    /// The launch data of number `n`, counted round and round.
    pub fn launch(&self, n: usize) -> &str {
        self.0.get(n % PEOPLE).map_or("", String::as_str)
    }
}
