//! Prints what the functions declare.
//!
//! `declarations` prints one JSON array of all functions, which the template checks read;
//! `declarations openapi club` prints that service's OpenAPI document.

use std::io::{Error, Write as _};
use std::process::ExitCode;

use serde_json::Value;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let value = match words.as_slice() {
        [] => club::functions().iter().map(|function| function.declaration().describe()).collect(),
        ["openapi", "club"] => club::openapi(),
        _ => {
            let _ = writeln!(std::io::stderr(), "usage: declarations [openapi club]");
            return ExitCode::from(2);
        }
    };
    match print(&value) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn print(value: &Value) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)
}
