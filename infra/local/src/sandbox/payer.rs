//! The payer of an invoice, who speaks for the provider where a service hears of a payment from
//! its payer only.

use std::collections::BTreeMap;

use bytes::Bytes;
use engine::{Call, Engine, Reply, Service};
use serde_json::{Value, json};
use shared::telegram::{BotToken, init_data};

use super::Sandboxes;
use crate::template::Wiring;

/// As whom the runner reads.
const CALLER: &str = "local-runner";
/// How old the launch data is, in seconds: still good for some minutes, and older than what the
/// payer's own app has shown of them, so that it changes no name.
const AGE_S: i64 = 86_000;

/// The services' tables, in which their payments stand.
#[derive(Clone)]
pub(crate) struct Tables {
    engine: Engine,
    names: BTreeMap<String, String>,
}

impl Tables {
    pub(crate) fn new(engine: &Engine, wiring: &Wiring) -> Self {
        let names = wiring.functions.values().filter_map(|function| {
            let table = function.variables.get("TABLE_NAME")?;
            Some((function.service.clone(), table.clone()))
        });
        Self { engine: engine.clone(), names: names.collect() }
    }

    /// Whose payment it is.
    async fn payer(&self, service: &str, payment: &str) -> Option<i64> {
        let key = errands::payments::Payment::key_of(payment.parse().ok()?);
        let key = json!({ "pk": { "S": key.pk }, "sk": { "S": key.sk } });
        let body = json!({ "TableName": self.names.get(service)?, "Key": key });
        let call = Call {
            service: Service::Dynamodb,
            operation: "GetItem".to_owned(),
            body: Bytes::from(body.to_string()),
            caller: CALLER.to_owned(),
        };
        let Reply::Answer(answer) = self.engine.call(call).await else { return None };
        let found: Value = serde_json::from_slice(&answer.body).ok()?;
        found.pointer("/Item/user_id/N")?.as_str()?.parse().ok()
    }
}

impl Sandboxes {
    /// The credential of an invoice's payer; `known` says who that is where no table does.
    pub(super) async fn credential(
        &self,
        service: &str,
        payment: &str,
        known: Option<i64>,
    ) -> Option<String> {
        let payer = match (known, &self.inner.tables) {
            (Some(payer), _) => payer,
            (None, Some(tables)) => tables.payer(service, payment).await?,
            (None, None) => return None,
        };
        let token = self.inner.secrets.get(service, "TELEGRAM_BOT_TOKEN");
        let token = BotToken::parse(&token).ok()?;
        let user = json!({ "id": payer, "first_name": "" }).to_string();
        let date = self.inner.clock.now().as_second().saturating_sub(AGE_S).to_string();
        let fields = [("user", user.as_str()), ("auth_date", date.as_str())];
        Some(format!("tma {}", init_data::sign(&fields, &token)))
    }
}
