//! How answers of the Bot API are read, and what they mean for whoever asked.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::send_error::{SendError, Transient, Unknown};
use crate::outbound::{Answer, Cause, OutboundError};

/// The longest description that is kept, in characters.
const DESCRIPTION_MAX: usize = 200;

#[derive(Deserialize)]
struct Envelope<'a> {
    ok: bool,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error_code: Option<u16>,
    description: Option<String>,
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    retry_after: Option<i64>,
    migrate_to_chat_id: Option<i64>,
}

pub(super) fn from_outbound(error: OutboundError) -> SendError {
    match error {
        OutboundError::Definite(Cause::Unfit) => SendError::Definite(Transient::Unfit),
        OutboundError::Definite(_) => SendError::Definite(Transient::NotConnected),
        OutboundError::Status(status) => from_status(status),
        OutboundError::Ambiguous(Cause::TimedOut) => SendError::Ambiguous(Unknown::TimedOut),
        OutboundError::Ambiguous(Cause::Connection) => SendError::Ambiguous(Unknown::Broken),
        OutboundError::Ambiguous(_) => SendError::Ambiguous(Unknown::Unreadable),
    }
}

/// A status without a readable body of the Bot API: somebody in between has answered. Only 2xx
/// and a gateway's time-out leave open whether Telegram acted.
const fn from_status(status: u16) -> SendError {
    match status {
        200..300 => SendError::Ambiguous(Unknown::Unreadable),
        504 => SendError::Ambiguous(Unknown::TimedOut),
        429 => SendError::RetryAfter { seconds: 1 },
        _ => SendError::Definite(Transient::Status(status)),
    }
}

pub(super) fn read<R: DeserializeOwned>(answer: &Answer, secret: &str) -> Result<R, SendError> {
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(&answer.body) else {
        return Err(from_status(answer.status));
    };
    if envelope.ok {
        return envelope
            .result
            .and_then(|result| serde_json::from_str(result.get()).ok())
            .ok_or(SendError::Ambiguous(Unknown::Unreadable));
    }
    let code = envelope.error_code.unwrap_or(answer.status);
    let parameters = envelope.parameters;
    Err(match code {
        429 => {
            let asked = parameters.and_then(|p| p.retry_after).unwrap_or(1).max(1);
            SendError::RetryAfter { seconds: u32::try_from(asked).unwrap_or(u32::MAX) }
        }
        401 | 404 => SendError::Definite(Transient::TokenRefused),
        400..500 => SendError::Final {
            code,
            description: bounded(&envelope.description.unwrap_or_default(), secret),
            migrate_to: parameters.and_then(|p| p.migrate_to_chat_id),
        },
        504 => SendError::Ambiguous(Unknown::TimedOut),
        500..600 => SendError::Definite(Transient::Status(code)),
        // `ok: false` with a code that is no error: a contradiction.
        _ => SendError::Ambiguous(Unknown::Unreadable),
    })
}

/// A description short enough for a log, and never with the token in it.
fn bounded(description: &str, secret: &str) -> String {
    description.replace(secret, "[token]").chars().take(DESCRIPTION_MAX).collect()
}
