//! The routes the contract names for what is built so far.

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Anyone,
    /// A member.
    Member,
    /// The payment provider, by `X-Sandbox-Secret`.
    Provider,
    /// Telegram, by the secret of the bot's webhook.
    Telegram,
    /// An administrator, by `x-admin-secret`.
    Admin,
}

/// A route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path with an id of the right shape where it takes one.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Does it take a body?
    pub body: bool,
}

const fn route(method: &'static str, path: &'static str, access: Access, body: bool) -> Route {
    Route { method, path, access, body }
}

/// All routes.
pub const ROUTES: &[Route] = &[
    route("POST", "/api/v1/auth/telegram", Access::Anyone, true),
    route("POST", "/api/v1/auth/refresh", Access::Anyone, true),
    route("POST", "/api/v1/auth/logout", Access::Member, false),
    route("GET", "/api/v1/auth/me", Access::Member, false),
    route("GET", "/api/v1/users/me", Access::Member, false),
    route("PATCH", "/api/v1/users/me", Access::Member, true),
    route("POST", "/api/payments/generate-link", Access::Member, true),
    route("POST", "/api/payments/generate-link-support", Access::Member, true),
    route("GET", "/api/payments/detect-provider", Access::Member, false),
    route("GET", "/api/payments/status", Access::Member, false),
    route("GET", "/api/payments/attempts/att_01KFD5J3Z0ABCDEFGHJKMNPQRS", Access::Member, false),
    route("POST", "/api/v1/gifts/activate", Access::Member, true),
    route("GET", "/api/v1/gifts/my", Access::Member, false),
    route("POST", "/api/v1/bot/webhook", Access::Telegram, true),
    route("POST", "/api/webhooks/sandbox/payment", Access::Provider, true),
    route(
        "POST",
        "/api/payments/sandbox/att_01KFD5J3Z0ABCDEFGHJKMNPQRS/state",
        Access::Provider,
        true,
    ),
    route("GET", "/api/v1/energies/balance", Access::Member, false),
    route("GET", "/api/v1/energies/history", Access::Member, false),
    route("GET", "/api/v1/ratings/cities", Access::Anyone, false),
    route("GET", "/api/v1/ratings/personal", Access::Member, false),
    route("POST", "/api/analytics/form-open", Access::Member, true),
    route("POST", "/api/analytics/gift-attempt", Access::Member, true),
    route("POST", "/api/analytics/payment-success", Access::Member, true),
    route("POST", "/api/analytics/payment-attempt", Access::Member, true),
    route("GET", "/api/analytics/check-cooldown", Access::Member, false),
    route("POST", "/api/admin/grant-subscription", Access::Admin, true),
    route("POST", "/api/admin/revoke-subscription", Access::Admin, true),
    route("GET", "/api/admin/user/42", Access::Admin, false),
    route("POST", "/api/admin/payments/sandbox:x/refund", Access::Admin, true),
    route("GET", "/api/admin/unassigned-payments", Access::Admin, false),
    route("POST", "/api/admin/unassigned-payments/sandbox:x/assign", Access::Admin, true),
    route("POST", "/api/admin/unassigned-payments/sandbox:x/dismiss", Access::Admin, true),
    route("POST", "/api/admin/jobs/gift_expiry", Access::Admin, false),
    route("POST", "/api/admin/ratings/refresh", Access::Admin, false),
    route("GET", "/api/admin/offers", Access::Admin, false),
    route("POST", "/api/admin/offers", Access::Admin, true),
    route("PATCH", "/api/admin/offers/x", Access::Admin, true),
    route("DELETE", "/api/admin/offers/x", Access::Admin, false),
    route("GET", "/api/admin/lavatop-offers", Access::Admin, false),
    route("POST", "/api/admin/lavatop-offers", Access::Admin, true),
    route("PATCH", "/api/admin/lavatop-offers/x", Access::Admin, true),
    route("DELETE", "/api/admin/lavatop-offers/x", Access::Admin, false),
    route("GET", "/health", Access::Anyone, false),
    route("GET", "/health/live", Access::Anyone, false),
    route("GET", "/health/ready", Access::Anyone, false),
];
