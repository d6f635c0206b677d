//! `cargo local`: the deployed templates on this machine, until it is told to stop.

use std::collections::BTreeMap;
use std::process::ExitCode;

use local::cli::{self, Command};
use local::{Alone, Options, Running, Stack, newcomer, out};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A whole region in one process lives from small allocations: the C library's take a fifth of it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match cli::parse(std::env::args().skip(1)) {
        Ok(Command::Help) => {
            out::line(cli::HELP.trim_end());
            return ExitCode::SUCCESS;
        }
        Ok(Command::Stack(options)) => Box::pin(run(*options)).await,
        Ok(Command::Sandboxes { port, services }) => run_sandboxes(port, services).await,
        Err(what) => Err(what.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out::complain(error);
            ExitCode::FAILURE
        }
    }
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn run(options: Options) -> Outcome {
    let end = End::new()?;
    let is_new = newcomer::is_new(&options);
    let stack = Stack::start(options).await?;
    if is_new && let Err(error) = newcomer::furnish(&stack).await {
        out::complain(error);
    }
    introduce(&stack);
    end.wait().await;
    stack.stop().await;
    Ok(())
}

async fn run_sandboxes(port: u16, services: BTreeMap<String, String>) -> Outcome {
    let end = End::new()?;
    let sandboxes = Alone::start(port, services, true).await?;
    out::line(format_args!("sandboxes: {}", sandboxes.base_url));
    end.wait().await;
    sandboxes.stop().await;
    Ok(())
}

fn introduce(stack: &Running) {
    let base = &stack.base_url;
    for service in stack.wiring().services() {
        out::line(format_args!("{service}: {}", stack.api(&service)));
        for (name, value) in stack.secrets().of(&service) {
            out::line(format_args!("  {name}: {value}"));
        }
    }
    out::line(format_args!("DynamoDB and SQS: {}", stack.engine_url));
    out::line(format_args!("control desk: {base}/_local"));
    let missing = stack.missing();
    if !missing.is_empty() {
        out::line(format_args!("not linked in: {}", missing.join(", ")));
    }
    out::line("try:");
    out::line(format_args!("  curl {base}/club/health"));
    let user = r#"{"service":"club","id":42,"first_name":"Анна"}"#;
    out::line(format_args!("  curl -d '{user}' {base}/_local/users"));
    out::line(format_args!("  curl -d '{{\"advance_seconds\":30}}' {base}/_local/clock"));
    out::line(format_args!("ready: {base}"));
}

/// Somebody presses Ctrl-C or sends SIGTERM. Made before anything is printed: whoever waits for
/// the first line may send it at once.
struct End {
    interrupt: Signal,
    terminate: Signal,
}

impl End {
    fn new() -> std::io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { interrupt, terminate })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
