//! Prints what the functions declare.
//!
//! `declarations` prints one JSON array of all functions, which the template checks read;
//! `declarations openapi <service>` prints that service's OpenAPI document; `declarations services`
//! prints the services, one a line.

use std::io::{Error, Write as _};
use std::process::ExitCode;

use serde_json::Value;
use shared::function::{Function, Service};

/// A service as it is declared.
struct Declared {
    name: &'static str,
    functions: Vec<Value>,
    openapi: fn() -> Value,
}

fn services() -> Vec<Declared> {
    vec![
        Declared { name: "club", functions: described(&club::functions()), openapi: club::openapi },
        Declared {
            name: "errands",
            functions: described(&errands::functions()),
            openapi: errands::openapi,
        },
    ]
}

fn described<S: Service>(functions: &[Function<S>]) -> Vec<Value> {
    functions.iter().map(|function| function.declaration().describe()).collect()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let services = services();
    let printed = match words.as_slice() {
        [] => json(&services.into_iter().flat_map(|service| service.functions).collect()),
        ["services"] => lines(services.iter().map(|service| service.name)),
        ["openapi", name] => match services.iter().find(|service| service.name == *name) {
            Some(service) => json(&(service.openapi)()),
            None => return usage(),
        },
        _ => return usage(),
    };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn usage() -> ExitCode {
    let _ = writeln!(std::io::stderr(), "usage: declarations [services | openapi SERVICE]");
    ExitCode::from(2)
}

fn json(value: &Value) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)
}

fn lines<'a>(texts: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    texts.into_iter().try_for_each(|text| writeln!(out, "{text}"))
}
