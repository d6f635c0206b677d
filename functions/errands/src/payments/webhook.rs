//! Crypto Bot's way in.

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use shared::clock::Now;
use shared::function::{Access, Function};
use shared::http::{Answer, ok};
use shared::settings::Secret;
use shared::telemetry;
use utoipa::ToSchema;

use super::proof::Proof;
use super::providers::{self, CryptoInvoice, TOKEN};
use super::settlement::settle;
use crate::{App, wire};

/// `POST /api/balance/webhook/crypto-bot`.
#[must_use]
pub fn crypto_bot() -> Function<App> {
    Function::<App>::post("errands-payments-crypto-bot", "/api/balance/webhook/crypto-bot")
        .summary("Takes Crypto Bot's word that an invoice was paid")
        .access(Access::Webhook)
        .limited(wire::WEBHOOK)
        .accepts(TOKEN)
        .answers::<Taken>()
        .handled_by(post(handle_crypto_bot))
}

/// What a delivery comes to before anything is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Delivered {
    /// Not the provider's, or not readable.
    Refused(&'static str),
    /// Of no concern.
    Ignored,
    /// Somebody paid, it says.
    Paid(Proof),
}

#[derive(Deserialize)]
struct Update {
    update_type: Option<String>,
    payload: CryptoInvoice,
}

/// What a body says, whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing that can be read: no JSON, or no invoice in it.
    Unreadable,
    /// Something of no concern.
    Other,
    /// Somebody paid.
    Paid(Proof),
}

impl Word {
    /// Reads a body that anybody may have sent.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        // What is no text is no JSON, wherever in it: the parser looks only at what it keeps.
        let text = std::str::from_utf8(body).ok();
        let Some(update) = text.and_then(|text| serde_json::from_str::<Update>(text).ok()) else {
            return Self::Unreadable;
        };
        if update.update_type.as_deref() != Some("invoice_paid") {
            return Self::Other;
        }
        update.payload.proof().map_or(Self::Unreadable, Self::Paid)
    }
}

/// Reads a delivery, byte for byte as it came.
fn read(token: Option<&Secret>, signature: Option<&[u8]>, body: &[u8]) -> Delivered {
    let Some(token) = token else { return Delivered::Refused("not_configured") };
    if !signature.is_some_and(|signature| providers::signed(body, token, signature)) {
        return Delivered::Refused("signature");
    }
    match Word::read(body) {
        Word::Unreadable => Delivered::Refused("unreadable"),
        Word::Other => Delivered::Ignored,
        Word::Paid(proof) => Delivered::Paid(proof),
    }
}

/// Was the delivery understood?
#[derive(Debug, Serialize, ToSchema)]
struct Taken {
    ok: bool,
}

async fn handle_crypto_bot(
    State(app): State<App>,
    Now(now): Now,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let signature = headers.get("crypto-pay-api-signature").map(http::HeaderValue::as_bytes);
    let understood = match read(app.payments.crypto_token.as_ref(), signature, &body) {
        Delivered::Refused(why) => {
            tracing::warn!(why, "delivery refused");
            telemetry::metrics(&app.platform, &[("webhook_refusals", 1)]);
            false
        }
        Delivered::Ignored => true,
        Delivered::Paid(proof) => {
            Box::pin(settle(&app, &proof, None, now)).await?;
            true
        }
    };
    ok(&Taken { ok: understood })
}
