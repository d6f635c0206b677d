//! Queues that make functions run.

use bytes::Bytes;
use engine::Received;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Context, Done, Look, WorkError};
use crate::event::{self, Failed};
use crate::filter;
use crate::out;
use crate::template::QueueSource;

pub(super) struct QueueWorker {
    source: QueueSource,
    running: usize,
}

impl QueueWorker {
    pub(super) fn new(source: QueueSource) -> Self {
        Self { source, running: 0 }
    }

    /// Takes batches from the queue as long as there are messages and room to run.
    pub(super) fn start(
        &mut self,
        index: usize,
        context: &Context,
        jobs: &mut JoinSet<Done>,
    ) -> Result<Look, WorkError> {
        let queues = context.engine.queues();
        loop {
            if self.running >= self.source.concurrency {
                return Ok(Look::default());
            }
            if !context.invoker.has_room(&self.source.function) {
                let depths = queues.depths()?;
                let own = depths.iter().find(|depth| depth.name == self.source.queue);
                let waiting = own.is_some_and(|depth| depth.visible > 0);
                return Ok(if waiting { Look::STARVED } else { Look::default() });
            }
            let messages = queues.receive(&self.source.queue, self.source.batch, None)?;
            if messages.is_empty() {
                return Ok(Look::default());
            }
            let (messages, unwanted): (Vec<_>, Vec<_>) =
                messages.into_iter().partition(|message| self.wants(message));
            for message in unwanted {
                queues.delete(&self.source.queue, &message.receipt_handle)?;
            }
            if !messages.is_empty() {
                self.running = self.running.saturating_add(1);
                let work = run(self.source.clone(), context.clone(), messages);
                jobs.spawn(async move {
                    work.await;
                    Done::Queue(index)
                });
            }
        }
    }

    fn wants(&self, message: &Received) -> bool {
        if self.source.filters.is_empty() {
            return true;
        }
        let body = serde_json::from_str(&message.body)
            .unwrap_or_else(|_| Value::from(message.body.as_str()));
        filter::passes(&self.source.filters, &json!({ "body": body }))
    }

    pub(super) fn ended(&mut self) {
        self.running = self.running.saturating_sub(1);
    }
}

/// One batch: what succeeded is deleted, the rest comes back when its visibility ends.
async fn run(source: QueueSource, context: Context, messages: Vec<Received>) {
    let event = event::queue(&source.queue, &messages);
    let payload = Bytes::from(event.to_string());
    let answer = context.invoker.invoke(&source.function, "queue", payload).await;
    let known: Vec<&str> = messages.iter().map(|message| message.message_id.as_str()).collect();
    let failed = match answer {
        Err(_) => Failed::All,
        Ok(answer) if source.partial => event::batch_failures(&answer, &known),
        Ok(_) => Failed::Nothing,
    };
    for message in &messages {
        let keep = match &failed {
            Failed::Nothing => false,
            Failed::Items(items) => items.contains(&message.message_id),
            Failed::All => true,
        };
        if keep {
            continue;
        }
        let deleted = context.engine.queues().delete(&source.queue, &message.receipt_handle);
        if let Err(error) = deleted {
            out::complain(format_args!("queue {}: {error}", source.queue));
        }
    }
}
