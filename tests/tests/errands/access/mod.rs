//! Who is let in: credentials, first sight, caller flags, and what users keep with us.

mod credentials;
mod flags;
mod matrix;
mod people;
mod settings;
