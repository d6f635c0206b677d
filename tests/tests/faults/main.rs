//! What must hold when something breaks: a process dies at any of its calls, messages come twice,
//! the store is busy, and a guarantee is dropped on purpose.

mod bench;
mod crash;
mod declared;
mod invariants;
mod parallel;
mod permissions;
mod sabotage;
mod secrets;
mod walks;
