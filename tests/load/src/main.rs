//! Load on a running local stack; `tests/load/run` starts one and calls this.
//!
//! Errands:
//! - `load figures URL` seeds over HTTP, 600 people and 1,500 orders, measures; then seeds 205,000
//!   orders more, and measures again.
//! - `load scale URL ENGINE-URL` seeds 1,000, 100,000 and 1,000,000 orders through the store, and
//!   prints at each size what the pages of feeds cost.
//! - `load floor URL` sends 200 reads and 50 writes a second for a minute, whatever is answered.
//!
//! The club:
//! - `load ratings URL ENGINE-URL` seeds 1,000, 100,000 and 1,000,000 members through the store, and
//!   prints at each size what publishing, lists and a member's own place cost.
//! - `load cache URL` measures answers that are made, kept and known to the caller, and how many
//!   are which when 500 members use the app.
//!
//! The callers share the machine with the stack: compare figures of one run.

mod club;
mod cost;
mod drive;
mod figures;
mod floor;
mod people;
mod scale;
mod seed;
mod settings;
mod stack;
mod store;
mod table;

use benches::Result;
use stack::Stack;

const USAGE: &str = "load figures URL | load scale URL ENGINE-URL | load floor URL | \
                     load ratings URL ENGINE-URL | load cache URL";

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["figures", url] => figures::run(&Stack::at(url, "errands")).await,
        ["scale", url, engine] => scale::run(&Stack::at(url, "errands"), engine).await,
        ["floor", url] => floor::run(&Stack::at(url, "errands")).await,
        ["ratings", url, engine] => club::ratings::run(&Stack::at(url, "club"), engine).await,
        ["cache", url] => club::cache::run(&Stack::at(url, "club")).await,
        _ => Err(USAGE.into()),
    }
}
