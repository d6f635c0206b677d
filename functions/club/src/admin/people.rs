//! All that there is to know of a member.

use axum::extract::State;
use axum::routing::get;
use serde::Serialize;
use serde_json::{Map, Value};
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::{Answer, Params};
use shared::money::Currency;
use utoipa::ToSchema;

use super::periods::unknown_member;
use crate::App;
use crate::auth::User;
use crate::energies::{self, EnergyEntry, Kind};
use crate::gifts::{self, Gift, GiftStatus};
use crate::payments::{self, Attempt, Payment, Provider, Purpose, Status};
use crate::teams::{self, TeamView};
use crate::wire::{self, success};

/// How much of each is shown.
const SHOWN: u32 = 50;

/// `GET /api/admin/user/{telegram_id}`.
#[must_use]
pub fn person() -> Function<App> {
    Function::<App>::get("club-admin-user", "/api/admin/user/{telegram_id}")
        .summary("A member, with the newest payments, attempts, gifts and entries")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .answers::<MemberFile>()
        .handled_by(get(handle))
}

#[derive(Debug, Serialize, ToSchema)]
struct MemberFile {
    user: User,
    /// The standing subscription that renews the member's, or did.
    contract: Option<ContractView>,
    payments: Vec<PaymentView>,
    attempts: Vec<AdminAttempt>,
    /// Given by the member.
    gifts: Vec<GiftView>,
    /// The member's team.
    #[schema(value_type = Option<Object>)]
    team: Option<TeamView>,
    entries: Vec<EntryView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ContractView {
    provider: Provider,
    contract_id: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct PaymentView {
    id: String,
    provider: Provider,
    external_id: String,
    attempt_id: String,
    /// A decimal string.
    amount: String,
    currency: Currency,
    purpose: Purpose,
    days: u32,
    energies: u32,
    /// A decimal string: what was given back.
    refunded: String,
    /// `completed`, `partially_refunded` or `refunded`.
    status: &'static str,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
}

impl PaymentView {
    fn of(payment: Payment) -> Self {
        let refunded = shared::money::Money::new(payment.refunded, payment.sum.currency);
        Self {
            id: payment.id(),
            status: match payment.refunded {
                0 => "completed",
                refunded if refunded < payment.sum.minor => "partially_refunded",
                _ => "refunded",
            },
            refunded: refunded.to_string(),
            provider: payment.provider,
            external_id: payment.external_id,
            attempt_id: payment.attempt_id,
            amount: payment.sum.to_string(),
            currency: payment.sum.currency,
            purpose: payment.purpose,
            days: payment.days,
            energies: payment.energies,
            created_at: payment.at,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct AdminAttempt {
    id: String,
    status: Status,
    purpose: Purpose,
    offer_key: String,
    days: u32,
    /// A decimal string.
    amount: String,
    currency: Currency,
    provider: Provider,
    recipient_id: Option<i64>,
    invoice_id: Option<String>,
    /// Why it failed.
    reason: Option<String>,
    checks_done: u32,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
    #[schema(value_type = String, format = "date-time")]
    updated_at: Instant,
}

impl AdminAttempt {
    fn of(attempt: Attempt) -> Self {
        Self {
            id: attempt.id,
            status: attempt.status,
            purpose: attempt.purpose,
            offer_key: attempt.offer,
            days: attempt.days,
            amount: attempt.price.to_string(),
            currency: attempt.price.currency,
            provider: attempt.provider,
            recipient_id: attempt.recipient,
            invoice_id: attempt.invoice_id,
            reason: attempt.reason,
            checks_done: attempt.checks_done,
            created_at: attempt.created_at,
            updated_at: attempt.updated_at,
        }
    }
}

/// A gift, without the token: that is the secret of those who have the link.
#[derive(Debug, Serialize, ToSchema)]
struct GiftView {
    id: String,
    status: GiftStatus,
    /// Telegram id of who activated it, or for whom it is.
    recipient_id: Option<i64>,
    days: u32,
    attempt_id: String,
    payment_id: String,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
    #[schema(value_type = Option<String>, format = "date-time")]
    activated_at: Option<Instant>,
    #[schema(value_type = String, format = "date-time")]
    expires_at: Instant,
}

impl GiftView {
    fn of(gift: Gift, now: Instant) -> Self {
        Self {
            status: gift.status_at(now),
            recipient_id: gift.activation.map(|made| made.recipient).or(gift.recipient),
            activated_at: gift.activation.map(|made| made.at),
            id: gift.id,
            days: gift.days,
            attempt_id: gift.attempt_id,
            payment_id: gift.payment_id,
            created_at: gift.created_at,
            expires_at: gift.valid_until,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct EntryView {
    id: String,
    /// Signed.
    amount: i64,
    #[schema(value_type = String)]
    kind: Kind,
    reason: String,
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Instant>,
}

impl EntryView {
    fn of(entry: EnergyEntry) -> Self {
        Self {
            id: entry.key,
            amount: entry.delta,
            kind: entry.energy_kind,
            reason: entry.reason,
            metadata: entry.metadata,
            created_at: entry.created_at,
            expires_at: entry.expires_at,
        }
    }
}

/// Five requests, six for who is in a team, however much there is.
async fn handle(
    State(app): State<App>,
    Now(now): Now,
    Params(telegram_id): Params<String>,
) -> Answer {
    let table = &app.platform.table;
    let tg_id = payments::telegram_id(&telegram_id).ok_or_else(unknown_member)?;
    let (member, given) = gifts::given(table, tg_id).await?;
    let member = member.ok_or_else(unknown_member)?;
    let history = payments::of_payer(table, tg_id, SHOWN).await?;
    let entries = energies::newest(table, tg_id, SHOWN).await?;
    let team = match &member.team_id {
        Some(id) => teams::find(table, id).await?,
        None => None,
    };
    let shown = usize::try_from(SHOWN).unwrap_or(usize::MAX);
    success(MemberFile {
        contract: member.contract.clone().map(|contract| ContractView {
            provider: contract.provider,
            contract_id: contract.contract_id,
        }),
        user: User::of(member, now),
        payments: history.payments.into_iter().map(PaymentView::of).collect(),
        attempts: history.attempts.into_iter().map(AdminAttempt::of).collect(),
        gifts: given.into_iter().take(shown).map(|gift| GiftView::of(gift, now)).collect(),
        team: team.as_ref().map(TeamView::to_administrator),
        entries: entries.into_iter().map(EntryView::of).collect(),
    })
}
