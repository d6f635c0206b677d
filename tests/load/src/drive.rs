//! Callers over some connections, for some time.

use std::time::{Duration, Instant};

use benches::Result;
use bytes::Bytes;
use http::Response;

use crate::stack::{Call, Stack};
use crate::table::Seen;

/// Sends calls over so many connections, one after another over each, for so long. `call` makes the
/// call of a number that no other call has; an answer that is not `good` is an error.
///
/// # Errors
/// When the stack does not answer.
pub async fn drive(
    stack: &Stack,
    (connections, time): (usize, Duration),
    call: impl Fn(usize) -> Call + Clone + Send + 'static,
    good: impl Fn(&Response<Bytes>) -> bool + Clone + Send + 'static,
) -> Result<Seen> {
    stack.rest().await?;
    let (processor, began) = (stack.processor_us(), Instant::now());
    let callers = (0..connections).map(|first| {
        let (stack, call, good) = (stack.apart(), call.clone(), good.clone());
        tokio::spawn(async move {
            let (mut latencies, mut errors, mut n) = (Vec::new(), 0, first);
            while began.elapsed() < time {
                let call = call(n);
                let sent = Instant::now();
                let answer = stack.send(&call).await?;
                latencies.push(sent.elapsed());
                errors += usize::from(!good(&answer));
                n += connections;
            }
            Result::Ok((latencies, errors))
        })
    });
    let mut seen = Seen::default();
    for caller in callers.collect::<Vec<_>>() {
        let (latencies, errors) = caller.await??;
        seen.latencies.extend(latencies);
        seen.errors += errors;
    }
    seen.elapsed = began.elapsed();
    // What the requests have set off is a part of their price.
    stack.rest().await?;
    let after = stack.processor_us();
    seen.processor_us = processor.zip(after).map(|(before, after)| after - before);
    Ok(seen)
}
