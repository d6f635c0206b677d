//! Telegram: who speaks to a mini-app, and what a bot says back.
//!
//! | module | what it gives |
//! |---|---|
//! | [`init_data`] | the check of `initData` (HMAC-SHA256), the minting of test data |
//! | [`third_party`] | the check of `initData` of another owner's bot (Ed25519) |
//! | [`user`] | ids and the signed user, the policy for photo addresses |
//! | [`utm`] | where a person came from, read from the signed start parameter |
//! | [`token`] | the bot token as a secret |
//! | [`webhook`] | the secret header of the webhook |
//! | [`updates`], [`members`] | the updates a service reads |
//! | [`taken`] | the row that gives each update one effect |
//! | [`api`] | a thin Bot API client |
//! | [`send_error`] | what its errors mean: above all whether a repeat is safe |
//! | [`outgoing`] | messages and buttons |
//! | [`stars`] | invoices and transactions in Telegram Stars |
//! | [`deep_link`] | links that open the bot or the mini-app |
//! | [`pace`] | Telegram's sending limits as rules |

mod answer;
pub mod api;
pub mod deep_link;
mod form;
pub mod init_data;
pub mod members;
pub mod outgoing;
pub mod pace;
mod photo;
pub mod send_error;
pub mod stars;
pub mod taken;
pub mod third_party;
pub mod token;
pub mod updates;
pub mod user;
pub mod utm;
pub mod webhook;

pub use api::{BotApi, BotApiError};
pub use init_data::{InitData, InitDataError, Key, Keys, Rules, sign, verify};
pub use outgoing::SendMessage;
pub use send_error::SendError;
pub use taken::TelegramUpdate;
pub use third_party::{Environment, ThirdParty};
pub use token::{BotToken, BotTokenError};
pub use updates::{Event, Update};
pub use user::{ChatId, TelegramId, TelegramUser};
pub use utm::Utm;
pub use webhook::WebhookSecret;

#[cfg(test)]
mod api_tests;
#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod init_data_tests;
#[cfg(test)]
mod updates_tests;
