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
    /// Does it take a body that cannot be left out?
    pub body: bool,
}

impl Route {
    /// Does a call of `path` reach it? A segment `x` stands for any.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        let (own, other) = (self.path.split('/'), path.split('/'));
        self.path.split('/').count() == path.split('/').count()
            && own.zip(other).all(|(own, other)| own == "x" || own == other)
    }
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
    route("GET", "/api/v1/users/x", Access::Member, false),
    route("POST", "/api/v1/users/cancel-subscription", Access::Member, false),
    route("POST", "/api/payments/cancel-subscription", Access::Member, false),
    route("GET", "/api/v1/energies/weekly-progress", Access::Member, false),
    route("POST", "/api/v1/energies/award", Access::Admin, true),
    route("POST", "/api/v1/energies/spend", Access::Admin, true),
    route("POST", "/api/v1/energies/triggers/daily-login", Access::Admin, true),
    route("POST", "/api/v1/energies/triggers/lesson-view", Access::Admin, true),
    route("POST", "/api/v1/energies/triggers/sunday-practice", Access::Admin, true),
    route("GET", "/api/v1/ratings/all-data", Access::Member, false),
    route("GET", "/api/v1/ratings/user-position", Access::Member, false),
    route("GET", "/api/v1/ratings/teams", Access::Anyone, false),
    route("GET", "/api/v1/gamification/stats", Access::Member, false),
    route("GET", "/api/v1/gamification/xp-history", Access::Member, false),
    route("GET", "/api/v1/gamification/achievements", Access::Member, false),
    route("GET", "/api/v1/gamification/leaderboard", Access::Member, false),
    route("POST", "/api/v1/gamification/add-xp", Access::Admin, true),
    route("GET", "/api/teams/my", Access::Member, false),
    route("GET", "/api/teams", Access::Member, false),
    route("GET", "/api/teams/stats", Access::Member, false),
    route("GET", "/api/teams/x", Access::Member, false),
    route("GET", "/api/teams/x/members", Access::Member, false),
    route("POST", "/api/teams", Access::Admin, true),
    route("POST", "/api/teams/x/join", Access::Admin, true),
    route("POST", "/api/teams/leave", Access::Admin, true),
    route("POST", "/api/teams/x/replace-leader", Access::Admin, true),
    route("POST", "/api/teams/distribute", Access::Admin, false),
    route("POST", "/api/v1/decades/my", Access::Member, false),
    route("POST", "/api/v1/decades/cities", Access::Member, false),
    route("POST", "/api/v1/decades/join", Access::Member, false),
    route("POST", "/api/v1/decades/can-create", Access::Member, false),
    route("POST", "/api/v1/decades/report", Access::Member, true),
    route("POST", "/api/v1/decades/report-status", Access::Member, false),
    route("GET", "/api/v1/decades/admin/all", Access::Admin, false),
    route("GET", "/api/v1/decades/admin/stats", Access::Admin, false),
    route("GET", "/api/v1/decades/admin/reports", Access::Admin, false),
    route("GET", "/api/v1/decades/admin/members/x", Access::Admin, false),
    route("POST", "/api/reports/submit", Access::Member, true),
    route("GET", "/api/reports/my", Access::Member, false),
    route("GET", "/api/reports/user", Access::Member, false),
    route("GET", "/api/reports/current", Access::Member, false),
    route("GET", "/api/reports/x", Access::Member, false),
    route("GET", "/api/reports/week", Access::Member, false),
    route("GET", "/api/reports/deadline", Access::Member, false),
    route("GET", "/api/reports/stats/my", Access::Member, false),
    route("GET", "/api/reports/stats", Access::Member, false),
    route("GET", "/api/reports/week/3", Access::Admin, false),
    route("GET", "/api/reports/stats/global", Access::Admin, false),
    route("DELETE", "/api/reports/x", Access::Member, false),
    route("GET", "/api/v1/shop/items", Access::Anyone, false),
    route("GET", "/api/v1/shop/items/by-category", Access::Anyone, false),
    route("GET", "/api/v1/shop/items/x", Access::Anyone, false),
    route("POST", "/api/v1/shop/purchase", Access::Member, true),
    route("GET", "/api/v1/shop/purchases", Access::Member, false),
    route("GET", "/api/v1/shop/purchases/unused", Access::Member, false),
    route("GET", "/api/v1/shop/stats", Access::Member, false),
    route("GET", "/api/v1/shop/balance", Access::Member, false),
    route("GET", "/api/v1/shop/purchased/x", Access::Member, false),
    route("POST", "/api/v1/shop/purchases/x/use", Access::Admin, false),
    route("GET", "/api/v1/courses", Access::Member, false),
    route("GET", "/api/v1/courses/x", Access::Member, false),
    route("GET", "/api/v1/courses/favorites/list", Access::Member, false),
    route("POST", "/api/v1/courses/x/progress", Access::Member, true),
    route("POST", "/api/v1/courses/x/favorite", Access::Member, false),
    route("GET", "/api/v1/content/items", Access::Member, false),
    route("GET", "/api/v1/content/items/x", Access::Member, false),
    route("GET", "/api/v1/content/month-program", Access::Member, false),
    route("GET", "/api/v1/content/x/sections", Access::Member, false),
    route("GET", "/api/v1/content/sections/x/videos", Access::Member, false),
    route("GET", "/api/v1/content/x/videos", Access::Member, false),
    route("GET", "/api/v1/content/videos/x", Access::Member, false),
    route("GET", "/api/v1/content/practices/x/content", Access::Member, false),
    route("GET", "/api/v1/content/progress", Access::Member, false),
    route("GET", "/api/v1/content/progress/stats", Access::Member, false),
    route("POST", "/api/v1/content/progress/complete", Access::Member, true),
    route("GET", "/api/v1/meditations", Access::Member, false),
    route("GET", "/api/v1/meditations/x", Access::Member, false),
    route("GET", "/api/v1/meditations/history/list", Access::Member, false),
    route("GET", "/api/v1/meditations/stats/summary", Access::Member, false),
    route("POST", "/api/v1/meditations/x/session", Access::Member, true),
    route("GET", "/api/streams", Access::Member, false),
    route("GET", "/api/streams/upcoming", Access::Member, false),
    route("GET", "/api/streams/next", Access::Member, false),
    route("GET", "/api/streams/x", Access::Member, false),
    route("GET", "/api/streams/attendance/my", Access::Member, false),
    route("GET", "/api/streams/attendance/stats", Access::Member, false),
    route("GET", "/api/streams/attendance", Access::Member, false),
    route("POST", "/api/streams/x/attend", Access::Member, false),
    route("POST", "/api/streams/attendance", Access::Member, true),
    route("GET", "/api/streams/x/attendees", Access::Admin, false),
    route("GET", "/api/streams/x/attendance", Access::Admin, false),
    route("GET", "/api/streams/x/stats", Access::Admin, false),
    route("POST", "/api/streams", Access::Admin, true),
    route("PATCH", "/api/streams/x/status", Access::Admin, true),
    route("POST", "/api/admin/shop/items/x/draw", Access::Admin, true),
    route("PUT", "/api/admin/content/course/x", Access::Admin, true),
    route("PUT", "/api/admin/city-chats/-100", Access::Admin, true),
    route("PUT", "/api/admin/leaders/42", Access::Admin, true),
    route("DELETE", "/api/admin/content/course/x", Access::Admin, false),
    route("GET", "/api/v1/cache/stats", Access::Admin, false),
    route("GET", "/metrics", Access::Admin, false),
    route("GET", "/health", Access::Anyone, false),
    route("GET", "/health/live", Access::Anyone, false),
    route("GET", "/health/ready", Access::Anyone, false),
];
