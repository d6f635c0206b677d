//! The declaration of a function, and how it is written down.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use axum::routing::MethodRouter;
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Invocation, Service};
use crate::cache::CacheClass;
use crate::limit::LimitClass;
use crate::openapi::Docs;
use crate::problem::Result;
use crate::queue::{self, Message};
use crate::stream::{self, Change};

/// Who may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone; a good credential is noticed, a bad one ignored.
    Anyone,
    /// Anyone; the handler checks the credential in the body itself (sign-in, refresh).
    SignIn,
    /// A member with a verified credential.
    Member,
    /// Holders of the administrator's secret.
    Admin,
    /// A provider; the handler checks its signature with the named secret.
    Webhook(&'static str),
}

/// What makes a function run.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// A route of the service's HTTP API.
    Http(Endpoint),
    /// Messages of the queue of this name.
    Queue(&'static str),
    /// Changes of items of these kinds in the service's table.
    Stream(&'static [&'static str]),
    /// An EventBridge Scheduler expression, in UTC.
    Schedule(&'static str),
}

/// A route and the rules of its choke point.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The method; for `$default`, any.
    pub method: Method,
    /// The path with `{parameters}`, or `$default`.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Its rate limit.
    pub limit: Option<LimitClass>,
    /// How its answers may be kept.
    pub cache: Option<CacheClass>,
    /// Does it answer with the Russian sentence in `error`, as existing forms show it?
    pub russian_errors: bool,
    /// What the OpenAPI document says of bodies and parameters.
    pub docs: Docs,
}

/// Everything about a function but its code.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The name of the function, its binary, its sample event and its template resource.
    pub name: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// What makes it run.
    pub trigger: Trigger,
    /// Must it be absent from stage `prod`?
    pub sandbox: bool,
    needs: Vec<Need>,
}

/// A secret that a function reads in INIT, always or only where a setting is set.
#[derive(Clone, Copy, Debug)]
struct Need {
    secret: &'static str,
    with: Option<&'static str>,
}

impl Declaration {
    /// The names of the secrets that the function reads in INIT where `is_set` says which
    /// settings there are.
    pub(crate) fn secrets_where(&self, is_set: impl Fn(&str) -> bool) -> Vec<&'static str> {
        let wanted = self.needs.iter().filter(|need| need.with.is_none_or(&is_set));
        let mut names: Vec<_> = wanted.map(|need| need.secret).collect();
        if let Trigger::Http(endpoint) = &self.trigger {
            match endpoint.access {
                Access::Anyone if endpoint.limit.is_none() => {}
                Access::Anyone | Access::SignIn | Access::Member => {
                    names.extend(["TELEGRAM_BOT_TOKEN", "JWT_SECRET"]);
                }
                Access::Admin => names.push("ADMIN_SECRET"),
                Access::Webhook(secret) => names.push(secret),
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The names of all secrets that the function may read in INIT.
    #[must_use]
    pub fn secrets(&self) -> Vec<&'static str> {
        self.secrets_where(|_| true)
    }

    /// The endpoint, for HTTP functions.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match &self.trigger {
            Trigger::Http(endpoint) => Some(endpoint),
            _ => None,
        }
    }

    /// The declaration as the checks of the templates read it.
    #[must_use]
    pub fn describe(&self) -> Value {
        let mut value = serde_json::json!({
            "name": self.name,
            "summary": self.summary,
            "sandbox": self.sandbox,
            "secrets": self.secrets(),
        });
        let details = match &self.trigger {
            Trigger::Http(e) => serde_json::json!({
                "kind": "http", "method": e.method.as_str(), "path": e.path,
            }),
            Trigger::Queue(queue) => serde_json::json!({ "kind": "queue", "queue": queue }),
            Trigger::Stream(kinds) => serde_json::json!({ "kind": "stream", "filters": kinds }),
            Trigger::Schedule(expression) => {
                serde_json::json!({ "kind": "schedule", "schedule": expression })
            }
        };
        if let (Value::Object(all), Value::Object(details)) = (&mut value, details) {
            all.extend(details);
        }
        value
    }
}

pub(super) type JobFuture = Pin<Box<dyn Future<Output = Result<Value>> + Send>>;
pub(super) type Job<S> = Arc<dyn Fn(S, Invocation, Value) -> JobFuture + Send + Sync>;

pub(super) enum Body<S> {
    Http(Box<MethodRouter<S>>),
    Job(Job<S>),
}

/// A declaration together with its code.
pub struct Function<S> {
    pub(super) declaration: Declaration,
    pub(super) body: Body<S>,
}

/// A declaration still without its code.
pub struct Declared<S>(Declaration, Endpoint, PhantomData<S>);

impl<S: Service> Function<S> {
    /// Declares a `GET` endpoint.
    #[must_use]
    pub fn get(name: &'static str, path: &'static str) -> Declared<S> {
        Self::endpoint(Method::GET, name, path)
    }

    /// Declares a `POST` endpoint.
    #[must_use]
    pub fn post(name: &'static str, path: &'static str) -> Declared<S> {
        Self::endpoint(Method::POST, name, path)
    }

    /// Declares a `PATCH` endpoint.
    #[must_use]
    pub fn patch(name: &'static str, path: &'static str) -> Declared<S> {
        Self::endpoint(Method::PATCH, name, path)
    }

    /// Declares the function that answers what no route matches.
    #[must_use]
    pub fn fallback(name: &'static str) -> Declared<S> {
        Self::endpoint(Method::GET, name, "$default")
    }

    fn endpoint(method: Method, name: &'static str, path: &'static str) -> Declared<S> {
        let endpoint = Endpoint {
            method,
            path,
            access: Access::Member,
            limit: None,
            cache: None,
            russian_errors: false,
            docs: Docs::default(),
        };
        Declared(declaration(name, Trigger::Http(endpoint.clone())), endpoint, PhantomData)
    }

    /// Declares a consumer of the queue `queue`. Each message is handled by itself: one that
    /// fails or panics is delivered again alone.
    pub fn queue<M, F, R>(name: &'static str, queue: &'static str, handler: F) -> Self
    where
        M: DeserializeOwned + Send + 'static,
        F: Fn(S, Invocation, Message<M>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<()>> + Send + 'static,
    {
        Self::job(name, Trigger::Queue(queue), move |app, invocation, event| {
            let handler = handler.clone();
            Box::pin(queue::consume(event, move |message| {
                handler(app.clone(), invocation.clone(), message)
            }))
        })
    }

    /// Declares a consumer of the table's changes of items of `kinds`. Changes of one item come
    /// in order; from the first that fails on, all are delivered again.
    pub fn stream<F, R>(name: &'static str, kinds: &'static [&'static str], handler: F) -> Self
    where
        F: Fn(S, Invocation, Change) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<()>> + Send + 'static,
    {
        Self::job(name, Trigger::Stream(kinds), move |app, invocation, event| {
            let handler = handler.clone();
            Box::pin(stream::consume(event, move |change| {
                handler(app.clone(), invocation.clone(), change)
            }))
        })
    }

    /// Declares a job that runs by the clock. It decides as of the schedule's own time.
    pub fn schedule<F, R, T>(name: &'static str, expression: &'static str, handler: F) -> Self
    where
        F: Fn(S, Invocation) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<T>> + Send + 'static,
        T: Serialize,
    {
        Self::job(name, Trigger::Schedule(expression), move |app, invocation, event| {
            let handler = handler.clone();
            Box::pin(async move {
                let invocation = super::runtime::as_scheduled(invocation, &event)?;
                let result = handler(app, invocation).await?;
                serde_json::to_value(result).map_err(crate::problem::Problem::bug)
            })
        })
    }

    fn job<F>(name: &'static str, trigger: Trigger, job: F) -> Self
    where
        F: Fn(S, Invocation, Value) -> JobFuture + Send + Sync + 'static,
    {
        Self { declaration: declaration(name, trigger), body: Body::Job(Arc::new(job)) }
    }

    /// One line for people.
    #[must_use]
    pub fn summary(mut self, summary: &'static str) -> Self {
        self.declaration.summary = summary;
        self
    }

    /// Reads this secret in INIT, too.
    #[must_use]
    pub fn needs(mut self, secret: &'static str) -> Self {
        self.declaration.needs.push(Need { secret, with: None });
        self
    }

    /// Reads this secret in INIT, too, where the setting `with` is set.
    #[must_use]
    pub fn needs_with(mut self, with: &'static str, secret: &'static str) -> Self {
        self.declaration.needs.push(Need { secret, with: Some(with) });
        self
    }

    /// Everything about the function but its code.
    #[must_use]
    pub fn declaration(&self) -> &Declaration {
        &self.declaration
    }
}

fn declaration(name: &'static str, trigger: Trigger) -> Declaration {
    Declaration { name, summary: "", trigger, sandbox: false, needs: Vec::new() }
}

impl<S> Declared<S> {
    /// One line for people and the OpenAPI document.
    #[must_use]
    pub fn summary(mut self, summary: &'static str) -> Self {
        self.0.summary = summary;
        self
    }

    /// Who may call it. The default is [`Access::Member`].
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.1.access = access;
        self
    }

    /// Its rate limit.
    #[must_use]
    pub fn limited(mut self, class: LimitClass) -> Self {
        self.1.limit = Some(class);
        self
    }

    /// How its answers may be kept. The default is not at all.
    #[must_use]
    pub fn cached(mut self, class: CacheClass) -> Self {
        self.1.cache = Some(class);
        self
    }

    /// Reads this secret in INIT, too.
    #[must_use]
    pub fn needs(mut self, secret: &'static str) -> Self {
        self.0.needs.push(Need { secret, with: None });
        self
    }

    /// Reads this secret in INIT, too, where the setting `with` is set.
    #[must_use]
    pub fn needs_with(mut self, with: &'static str, secret: &'static str) -> Self {
        self.0.needs.push(Need { secret, with: Some(with) });
        self
    }

    /// Absent from stage `prod`.
    #[must_use]
    pub fn sandbox(mut self) -> Self {
        self.0.sandbox = true;
        self
    }

    /// `error` holds the Russian sentence.
    #[must_use]
    pub fn russian_errors(mut self) -> Self {
        self.1.russian_errors = true;
        self
    }

    /// The body that it takes, for the OpenAPI document.
    #[must_use]
    pub fn takes<T: ToSchema>(mut self) -> Self {
        self.1.docs = self.1.docs.takes::<T>();
        self
    }

    /// The query parameters that it reads, for the OpenAPI document.
    #[must_use]
    pub fn reads(mut self, parameters: &'static [(&'static str, &'static str)]) -> Self {
        self.1.docs = self.1.docs.reads(parameters);
        self
    }

    /// The body of its 200, for the OpenAPI document.
    #[must_use]
    pub fn answers<T: ToSchema>(mut self) -> Self {
        self.1.docs = self.1.docs.answers::<T>();
        self
    }

    /// The handler, as axum routes it.
    #[must_use]
    pub fn handled_by(self, handler: MethodRouter<S>) -> Function<S> {
        let declaration = Declaration { trigger: Trigger::Http(self.1), ..self.0 };
        Function { declaration, body: Body::Http(Box::new(handler)) }
    }
}
