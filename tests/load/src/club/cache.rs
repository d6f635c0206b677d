//! What caches spare, and how often: latencies of each outcome, a mix as the app makes it, and what
//! the club itself has counted of that.

use benches::{Result, line};
use serde_json::json;

use super::guests::Guests;
use super::{latencies, mix};
use crate::settings;
use crate::stack::Stack;

/// Seeds and prints.
///
/// # Errors
/// When the stack does not answer, or answers something else than it should.
pub async fn run(stack: &Stack) -> Result<()> {
    let guests = Guests::arrive(stack).await?;
    publish(stack).await?;
    line("One after another:\n");
    latencies::one_by_one(stack, &guests).await?;
    line("");
    mix::run(stack, &guests).await?;
    line("\nOver 32 connections:\n");
    latencies::at_once(stack, &guests, settings::time(latencies::SECONDS)).await
}

/// Publishes ratings.
///
/// # Errors
/// When the stack does not answer.
pub async fn publish(stack: &Stack) -> Result<()> {
    stack.desk("functions/club-ratings-publish/invoke", &json!({})).await?;
    Ok(())
}
