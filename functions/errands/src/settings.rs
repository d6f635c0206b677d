//! Limits, prices and timers of the service, by the names of its configuration.

use shared::settings::{Environment, SettingError, Stage};

/// Limits, prices and timers. No other place states them as literals.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long an order lives, in minutes.
    pub order_lifetime_minutes: i64,
    /// How long after the first take the client may leave it unanswered, in minutes.
    pub no_response_close_minutes: i64,
    /// The delay of the hint of that deadline, in seconds.
    pub response_deadline_delay_s: i64,
    /// Takes per order.
    pub max_executors: usize,
    /// The price of a take, in kopecks.
    pub take_price: u32,
    /// Stored-active orders of one client.
    pub active_orders_max: i64,
    /// Top-ups, in rubles: the least, the most, and the balance beyond which there is none.
    pub recharge_rub: (i64, i64),
    /// The balance beyond which no invoice is made, in rubles.
    pub balance_limit_rub: i64,
    /// How long an invoice may be paid, in minutes.
    pub invoice_ttl_minutes: i64,
    /// How far back reconciliation looks, in hours.
    pub reconcile_window_hours: i64,
    /// Delayed checks of a payment, and the seconds between them.
    pub payment_checks: (u32, i64),
    /// Kopecks per star.
    pub kopecks_per_star: i64,
    /// Stars of one invoice at most.
    pub stars_per_invoice_max: i64,
    /// Assets accepted as payment by Crypto Bot.
    pub crypto_assets: Vec<String>,
    /// Minutes of cool-down between notices of new orders: the least, the most, the default.
    pub notify_frequency: (i64, i64, i64),
    /// Lines of one digest; the rest is counted.
    pub digest_lines_max: usize,
    /// Messages per second, to all chats together.
    pub messages_per_second: u32,
    /// Messages per second, to one chat.
    pub messages_per_chat_per_second: u32,
    /// The bot that links lead to, if it is known.
    pub bot_username: Option<String>,
    /// Where the Bot API is.
    pub telegram_api_url: String,
    /// Is the sandbox on? Never in production.
    pub sandbox: bool,
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// When one is malformed, or the sandbox is asked for in production.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        let sandbox = environment.parse("PAYMENTS_SANDBOX", false)?;
        if sandbox && environment.stage()? == Stage::Prod {
            return Err(SettingError::Forbidden("PAYMENTS_SANDBOX".to_owned()));
        }
        let assets = environment
            .get("CRYPTO_ACCEPTED_ASSETS")
            .unwrap_or("USDT,TON,BTC,ETH,LTC,BNB,TRX,USDC");
        let bot_username = environment.get("TELEGRAM_BOT_USERNAME").map(str::trim);
        Ok(Self {
            order_lifetime_minutes: environment.parse("ORDER_LIFETIME_MINUTES", 60)?,
            no_response_close_minutes: environment.parse("NO_RESPONSE_CLOSE_MINUTES", 15)?,
            response_deadline_delay_s: environment.parse("RESPONSE_DEADLINE_DELAY_SECONDS", 900)?,
            max_executors: environment.parse("MAX_EXECUTORS_PER_ORDER", 3)?,
            take_price: environment.parse("TAKE_PRICE_KOPECKS", 200)?,
            active_orders_max: environment.parse("ACTIVE_ORDERS_PER_CLIENT_MAX", 50)?,
            recharge_rub: (
                environment.parse("RECHARGE_MIN_RUB", 1)?,
                environment.parse("RECHARGE_MAX_RUB", 100_000)?,
            ),
            balance_limit_rub: environment.parse("BALANCE_LIMIT_RUB", 10_000_000)?,
            invoice_ttl_minutes: environment.parse("INVOICE_TTL_MINUTES", 30)?,
            reconcile_window_hours: environment.parse("PAYMENT_RECONCILE_WINDOW_HOURS", 72)?,
            payment_checks: (
                environment.parse("PAYMENT_CHECK_ATTEMPTS", 10)?,
                environment.parse("PAYMENT_CHECK_DELAY_SECONDS", 30)?,
            ),
            kopecks_per_star: environment.parse("KOPECKS_PER_STAR", 120)?,
            stars_per_invoice_max: environment.parse("STARS_PER_INVOICE_MAX", 10_000)?,
            crypto_assets: assets.split(',').map(|asset| asset.trim().to_owned()).collect(),
            notify_frequency: (
                environment.parse("NOTIFY_FREQUENCY_MIN", 5)?,
                environment.parse("NOTIFY_FREQUENCY_MAX", 15)?,
                environment.parse("NOTIFY_FREQUENCY_DEFAULT", 10)?,
            ),
            digest_lines_max: environment.parse("DIGEST_LINES_MAX", 15)?,
            messages_per_second: environment.parse("TELEGRAM_MSGS_PER_SECOND", 30)?,
            messages_per_chat_per_second: environment
                .parse("TELEGRAM_MSGS_PER_CHAT_PER_SECOND", 1)?,
            bot_username: bot_username.filter(|name| !name.is_empty()).map(str::to_owned),
            telegram_api_url: environment
                .get("TELEGRAM_API_URL")
                .unwrap_or("https://api.telegram.org")
                .to_owned(),
            sandbox,
        })
    }
}
