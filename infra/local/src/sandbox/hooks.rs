//! Where the outside world calls a service back: below the root of its API.

/// A service's webhooks.
pub(super) struct Hooks {
    /// Updates of its bot, until the bot sets a webhook itself.
    pub(super) telegram: &'static str,
    /// Outcomes of payments, by the sandbox provider; `{id}` is the attempt's.
    pub(super) payment: &'static str,
    /// Is it the payer who tells of a payment, and not the provider by its secret?
    pub(super) by_payer: bool,
    /// The outcomes that it is told of, and what they are called there.
    pub(super) told: &'static [(&'static str, &'static str)],
}

/// The webhooks of a service.
pub(super) fn of(service: &str) -> Hooks {
    match service {
        "errands" => Hooks {
            telegram: "/api/telegram/webhook",
            payment: "/api/sandbox/payments/{id}/pay",
            by_payer: true,
            told: &[("paid", "success")],
        },
        _ => Hooks {
            telegram: "/api/v1/bot/webhook",
            payment: "/api/webhooks/sandbox/payment",
            by_payer: false,
            told: &[("paid", "success"), ("failed", "fail"), ("refunded", "refund")],
        },
    }
}
