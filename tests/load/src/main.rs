//! Load on errands in a running local stack; `tests/load/run` starts one and calls this.
//!
//! - `load figures URL` seeds over HTTP, 600 people and 1,500 orders, measures; then seeds 205,000
//!   orders more, and measures again.
//! - `load scale URL ENGINE-URL` seeds 1,000, 100,000 and 1,000,000 orders through the store, and
//!   prints at each size what the pages of feeds cost.
//! - `load floor URL` sends 200 reads and 50 writes a second for a minute, whatever is answered.
//!
//! The callers share the machine with the stack: compare figures of one run.

mod figures;
mod floor;
mod people;
mod scale;
mod seed;
mod stack;
mod table;

use benches::Result;
use stack::Stack;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["figures", url] => figures::run(&Stack::at(url)).await,
        ["scale", url, engine] => scale::run(&Stack::at(url), engine).await,
        ["floor", url] => floor::run(&Stack::at(url)).await,
        _ => Err("load figures URL | load scale URL ENGINE-URL | load floor URL".into()),
    }
}
