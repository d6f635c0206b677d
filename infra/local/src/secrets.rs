//! The services' secrets on this machine: fixed, so that any client can use them, and never
//! those of a deployment.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::telegram::BotToken;

/// Services in the order of their bots' ids.
pub(crate) const SERVICES: [&str; 4] = ["club", "errands", "market", "salon"];

/// The secrets by service and name; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    values: Arc<BTreeMap<(String, String), String>>,
}

/// The names every service has.
const NAMES: [&str; 3] = ["TELEGRAM_BOT_TOKEN", "TELEGRAM_WEBHOOK_SECRET", "SANDBOX_SECRET"];

/// The names a service has besides.
fn own_names(service: &str) -> &'static [&'static str] {
    match service {
        "errands" => &["CRYPTO_PAY_TOKEN", "CURSOR_SECRET"],
        _ => &["JWT_SECRET", "ADMIN_SECRET"],
    }
}

impl Secrets {
    /// The secrets of `services`; `instead` may replace one, by its service and plain name.
    #[must_use]
    pub fn new(services: &[String], instead: impl Fn(&str, &str) -> Option<String>) -> Self {
        let mut values = BTreeMap::new();
        for service in services {
            for name in NAMES.iter().chain(own_names(service)).copied() {
                let value = instead(service, name).filter(|value| !value.is_empty());
                let value = value.unwrap_or_else(|| fixed(service, name));
                values.insert((service.clone(), name.to_owned()), value);
            }
        }
        Self { values: Arc::new(values) }
    }

    /// A service's secret; empty when there is no such service.
    #[must_use]
    pub fn get(&self, service: &str, name: &str) -> String {
        let key = (service.to_owned(), name.to_owned());
        self.values.get(&key).cloned().unwrap_or_default()
    }

    /// The secrets of one service by name.
    #[must_use]
    pub fn of(&self, service: &str) -> BTreeMap<String, String> {
        let own = self.values.iter().filter(|((of, _), _)| of == service);
        own.map(|((_, name), value)| (name.clone(), value.clone())).collect()
    }

    /// The service and the bot's id of a bot token.
    pub(crate) fn bot(&self, token: &str) -> Option<(String, i64)> {
        let bots = self.values.iter().filter(|((_, name), _)| name == "TELEGRAM_BOT_TOKEN");
        let ((service, _), _) = bots.into_iter().find(|(_, value)| *value == token)?;
        Some((service.clone(), BotToken::parse(token).ok()?.bot_id()))
    }

    pub(crate) fn bot_id(&self, service: &str) -> Option<i64> {
        Some(BotToken::parse(&self.get(service, "TELEGRAM_BOT_TOKEN")).ok()?.bot_id())
    }
}

fn fixed(service: &str, name: &str) -> String {
    if name == "TELEGRAM_BOT_TOKEN" {
        let at = SERVICES.iter().position(|known| *known == service).unwrap_or(SERVICES.len());
        return format!("{}:local-{service}", at.saturating_add(7_000_000_001));
    }
    let name = name.trim_end_matches("_SECRET").to_lowercase().replace('_', "-");
    format!("local-{service}-{name}-secret-0000000000000000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_fixed_long_enough_and_can_be_replaced() {
        let services = ["club", "errands", "market"].map(str::to_owned);
        let secrets = Secrets::new(&services, |service, name| {
            (service == "market" && name == "JWT_SECRET").then(|| "from outside".to_owned())
        });
        assert_eq!(secrets.get("club", "TELEGRAM_BOT_TOKEN"), "7000000001:local-club");
        assert_eq!(secrets.get("market", "TELEGRAM_BOT_TOKEN"), "7000000003:local-market");
        assert_eq!(secrets.get("market", "JWT_SECRET"), "from outside");
        assert_eq!(secrets.bot("7000000003:local-market"), Some(("market".into(), 7_000_000_003)));
        assert_eq!(secrets.bot_id("errands"), Some(7_000_000_002));
        assert_eq!(secrets.get("errands", "JWT_SECRET"), "", "tokens are no business of errands");
        for (name, value) in secrets.of("club").into_iter().chain(secrets.of("errands")) {
            assert!(name == "TELEGRAM_BOT_TOKEN" || value.len() >= 32, "{name}");
        }
    }
}
