//! A Lambda function, declared once.
//!
//! A declaration says what a function is called, what triggers it, who may call it and how it is
//! limited and cached. The Lambda binary, the local stack, the OpenAPI document and the check of
//! the templates all read that one declaration; none of it is written anywhere else.
//!
//! ```text
//! pub fn balance() -> Function<App> {
//!     Function::get("club-energies-balance", "/api/v1/energies/balance")
//!         .summary("The member's energy balance")
//!         .access(Access::Member)
//!         .cached(cache::USER)
//!         .answers::<Balance>()
//!         .handled_by(get(show_balance))
//! }
//! ```

mod declaration;
mod declare;
mod instance;
mod plain;
mod runtime;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

pub use declaration::{Access, Declaration, Endpoint, Trigger};
pub use declare::{Declared, Function};
pub use instance::{Instance, Invoked};
pub use lambda_http::Error as BoxError;
pub(crate) use runtime::invocation;
pub use runtime::run;

use crate::aws::Aws;
use crate::cache;
use crate::clock::Instant;
use crate::counters::Counters;
use crate::http::{LaunchSettings, Wire};
use crate::limit::Limiter;
use crate::outbound::Outbound;
use crate::problem::{Problem, Result};
use crate::session::Sessions;
use crate::settings::{Environment, Secret, SettingError, Stage};
use crate::table::Table;
use crate::telegram::{BotToken, InitData, InitDataError, Key, Keys, Rules, init_data};

/// What administrators show.
pub(crate) const ADMIN_SECRET: &str = "ADMIN_SECRET";

/// What a service hands to its handlers: its clients and rules, built once, in INIT.
pub trait Service: Clone + Send + Sync + 'static {
    /// How the service speaks HTTP.
    const WIRE: &'static Wire;

    /// Builds the service for one function from its environment.
    fn start(platform: Platform) -> impl Future<Output = Result<Self, SettingError>> + Send;

    /// What every service has.
    fn platform(&self) -> &Platform;
}

/// What every function of every service has. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Platform(Arc<Parts>);

/// The parts of a [`Platform`].
#[derive(Debug)]
pub struct Parts {
    /// The name of the function that runs.
    pub function: &'static str,
    /// The service's name, such as `club`.
    pub service: String,
    /// Where the deployment stands.
    pub stage: Stage,
    /// Is the SDK's endpoint a loopback address?
    pub local: bool,
    /// All settings.
    pub environment: Environment,
    /// The AWS clients.
    pub aws: Aws,
    /// The service's table.
    pub table: Table,
    /// Calls to the world outside.
    pub outbound: Outbound,
    /// Rate limits.
    pub limiter: Limiter,
    /// Bodies of this environment's last answers.
    pub cache: cache::Store,
    /// What this environment has answered.
    pub counters: Counters,
    /// Origins that may call from a browser.
    pub origins: Vec<String>,
    /// How many proxies stand before the gateway and name the caller's address.
    pub proxy_hops: usize,
    secrets: HashMap<&'static str, Secret>,
    identity: Option<Identity>,
    sessions: Option<Sessions>,
}

/// What it takes to know who calls.
#[derive(Debug)]
pub struct Identity {
    keys: Keys,
    rules: Rules,
}

impl std::ops::Deref for Platform {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Platform {
    /// Reads the settings that the function needs and builds its clients.
    ///
    /// # Errors
    /// Names the first setting that is missing or malformed.
    pub async fn start(
        environment: Environment,
        aws: Aws,
        declaration: &Declaration,
        wire: &Wire,
    ) -> Result<Self, SettingError> {
        let stage = environment.stage()?;
        if stage == Stage::Prod && declaration.sandbox {
            return Err(SettingError::Forbidden(declaration.name.to_owned()));
        }
        if stage == Stage::Prod && environment.get("SANDBOX_PROVIDER_URL").is_some() {
            return Err(SettingError::Forbidden("SANDBOX_PROVIDER_URL".to_owned()));
        }
        let mut secrets = HashMap::new();
        for (name, min) in declaration.secrets_where(|setting| environment.get(setting).is_some()) {
            match environment.secret(&aws, name, min).await {
                Ok(secret) => _ = secrets.insert(name, secret),
                // Without it nobody is an administrator; production does not start.
                Err(SettingError::Missing(_)) if name == ADMIN_SECRET && stage == Stage::Test => {}
                Err(error) => return Err(error),
            }
        }
        let table = Table::new(&aws, environment.require("TABLE_NAME")?);
        let identity = secrets.get("TELEGRAM_BOT_TOKEN");
        let identity = identity.map(|token| Identity::new(&environment, token, wire.launch_data));
        let sessions = secrets.get("JWT_SECRET");
        let sessions = sessions
            .map(|jwt| Sessions::from_environment(&environment, table.clone(), jwt.clone()));
        let origins = ["CORS_ORIGINS", "CORS_ORIGIN"].iter().find_map(|name| environment.get(name));
        let origins = origins.unwrap_or_default().split(',');
        Ok(Self(Arc::new(Parts {
            function: declaration.name,
            service: environment.require("SERVICE")?.to_owned(),
            stage,
            local: environment.is_local(),
            outbound: Outbound::new(),
            limiter: Limiter::from_environment(&environment, table.clone(), wire.limits)?,
            cache: cache::Store::default(),
            counters: Counters::new(&environment, table.clone(), declaration.name),
            origins: origins.map(|o| o.trim().to_owned()).filter(|o| !o.is_empty()).collect(),
            proxy_hops: environment.parse("TRUSTED_PROXY_HOPS", 0)?,
            environment,
            aws,
            table,
            secrets,
            identity: identity.transpose()?,
            sessions: sessions.transpose()?,
        })))
    }

    /// A secret that the function declared to need.
    ///
    /// # Errors
    /// A bug, when it did not declare it.
    pub fn secret(&self, name: &'static str) -> Result<&Secret> {
        self.secrets
            .get(name)
            .ok_or_else(|| Problem::bug(format!("{} does not declare {name}", self.function)))
    }

    /// A secret that the function may do without; `None` where it is not set.
    #[must_use]
    pub fn secret_if_set(&self, name: &str) -> Option<&Secret> {
        self.secrets.get(name)
    }

    /// Who calls, for functions that read `TELEGRAM_BOT_TOKEN`.
    ///
    /// # Errors
    /// A bug, when the function is not declared to.
    pub fn identity(&self) -> Result<&Identity> {
        self.identity
            .as_ref()
            .ok_or_else(|| Problem::bug(format!("{} reads no launch data", self.function)))
    }

    /// Issues and checks tokens, for functions that read `JWT_SECRET`.
    ///
    /// # Errors
    /// A bug, when the function is not declared to.
    pub fn sessions(&self) -> Result<&Sessions> {
        self.sessions
            .as_ref()
            .ok_or_else(|| Problem::bug(format!("{} knows no sessions", self.function)))
    }
}

impl Identity {
    fn new(
        environment: &Environment,
        bot_token: &Secret,
        settings: LaunchSettings,
    ) -> Result<Self, SettingError> {
        let malformed = |_| SettingError::Malformed("TELEGRAM_BOT_TOKEN".to_owned());
        let token = BotToken::parse(bot_token.expose()).map_err(malformed)?;
        let rules = Rules {
            max_age_s: environment.parse(settings.max_age, 86_400)?,
            future_skew_s: environment.parse(settings.future_skew, 60)?,
            user_id_max: settings.user_id_max,
        };
        Ok(Self { keys: Keys::one(Key::from_bot_token(&token)), rules })
    }

    /// Checks launch data.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn verify(&self, raw: &str, now: Instant) -> Result<InitData, InitDataError> {
        init_data::verify(raw, &self.keys, now.timestamp(), &self.rules)
    }
}

/// What an invocation knows of itself.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The instant as of which everything is decided: of a schedule's job, the schedule's own.
    pub now: Instant,
    /// The instant at which the invocation began, by the one clock; what leases are measured by.
    pub clock: Instant,
    /// Lambda's id of this invocation.
    pub request_id: String,
    /// How long the function may still run, by the wall clock, in milliseconds, at the start.
    pub remaining_ms: u64,
}
