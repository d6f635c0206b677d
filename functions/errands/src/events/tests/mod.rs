//! What follows a commit, however often it is told.

mod counting;
mod relaying;
