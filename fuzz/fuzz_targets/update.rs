//! Updates from the webhook: no panic, and an id whenever the update can be read.
//!
//! `cargo fuzz run -s none update`
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::telegram::{Event, Update, deep_link};

fuzz_target!(|data: &[u8]| {
    let Ok(update) = Update::parse(data) else { return };
    let _ = format!("{update:?}");
    if let Event::Message(message) = update.event {
        let _ = message.author();
        if let Some(words) = message.words() {
            let _ = deep_link::start_command(words, None);
        }
    }
});
