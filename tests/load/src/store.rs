//! Items that are written through the store, past the service.

use std::sync::Arc;

use benches::Result;
use shared::aws::Aws;
use shared::settings::Environment;
use shared::table::{Table, Write};

/// Writers at once: the engine has one writer, and whoever waits for it long gives up.
pub const WRITERS: usize = 2;
/// How often a batch is written before the store is taken to be down.
const TRIES: usize = 20;

/// The table `name` of the engine at this address.
///
/// # Errors
/// When the address cannot be used.
pub fn table(engine: &str, name: &str) -> Result<Arc<Table>> {
    let variables = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "load"),
        ("AWS_SECRET_ACCESS_KEY", "load"),
        ("AWS_ENDPOINT_URL", engine),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let aws = Aws::from_environment(&variables.into_iter().collect::<Environment>())?;
    Ok(Arc::new(Table::new(&aws, name)))
}

/// Writes these, again while the store is busy: written again, they are the same.
///
/// # Errors
/// When the store is busy for too long, or refuses them.
pub async fn put(table: &Table, writes: &[Write]) -> Result<()> {
    let mut tries = 0;
    while let Err(error) = table.write_batch(writes.to_vec()).await {
        tries += 1;
        if tries == TRIES {
            return Err(error.into());
        }
    }
    Ok(())
}
