//! How a declaration is written down.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use axum::routing::MethodRouter;
use http::Method;
use jiff::SignedDuration;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use super::declaration::When;
use super::{Access, Declaration, Endpoint, Invocation, Service, Trigger};
use crate::cache::CacheClass;
use crate::http::Dress;
use crate::limit::LimitClass;
use crate::openapi::Docs;
use crate::problem::Result;
use crate::queue::{self, Message};
use crate::stream::{self, Change};

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

    /// Declares a `PUT` endpoint.
    #[must_use]
    pub fn put(name: &'static str, path: &'static str) -> Declared<S> {
        Self::endpoint(Method::PUT, name, path)
    }

    /// Declares a `DELETE` endpoint.
    #[must_use]
    pub fn delete(name: &'static str, path: &'static str) -> Declared<S> {
        Self::endpoint(Method::DELETE, name, path)
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
            merges: None,
            dress: None,
            docs: Docs::default(),
        };
        Declared(Declaration::new(name, Trigger::Http(endpoint.clone())), endpoint, PhantomData)
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
        Self { declaration: Declaration::new(name, trigger), body: Body::Job(Arc::new(job)) }
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
        self.declaration.read(secret, When::Always);
        self
    }

    /// Reads this secret in INIT, too, where the setting `with` is set.
    #[must_use]
    pub fn needs_with(mut self, with: &'static str, secret: &'static str) -> Self {
        self.declaration.read(secret, When::With(with));
        self
    }

    /// Reads this secret in INIT, too, where the setting `with` is set; of any length, as somebody
    /// else chose it.
    #[must_use]
    pub fn given_with(mut self, with: &'static str, secret: &'static str) -> Self {
        self.declaration.read(secret, When::Given(with));
        self
    }

    /// Reads this secret in INIT, too, if there is one: [`super::Platform::secret_if_set`].
    #[must_use]
    pub fn accepts(mut self, secret: &'static str) -> Self {
        self.declaration.read(secret, When::Set);
        self
    }

    /// Runs a scheduled job inside another function, as of now: that function has to be allowed
    /// what the job is, and to read its secrets. `None` for what no schedule runs.
    pub async fn run_inside(&self, app: S, invocation: Invocation) -> Option<Result<Value>> {
        match (&self.declaration.trigger, &self.body) {
            (Trigger::Schedule(_), Body::Job(job)) => Some(job(app, invocation, Value::Null).await),
            _ => None,
        }
    }

    /// Everything about the function but its code.
    #[must_use]
    pub fn declaration(&self) -> &Declaration {
        &self.declaration
    }
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

    /// Takes a call without an idempotency key for a duplicate of an equal one, if it comes within
    /// so many seconds of that one's success or of its last duplicate: same subject, method, path
    /// with query, and body. The handler stores and answers by [`crate::idempotency::Idempotency`],
    /// as for a key. The default is that each such call is one of its own.
    #[must_use]
    pub fn merging(mut self, seconds: u32) -> Self {
        self.1.merges = Some(SignedDuration::from_secs(seconds.into()));
        self
    }

    /// Reads this secret in INIT, too.
    #[must_use]
    pub fn needs(mut self, secret: &'static str) -> Self {
        self.0.read(secret, When::Always);
        self
    }

    /// Reads this secret in INIT, too, where the setting `with` is set.
    #[must_use]
    pub fn needs_with(mut self, with: &'static str, secret: &'static str) -> Self {
        self.0.read(secret, When::With(with));
        self
    }

    /// Reads this secret in INIT, too, where the setting `with` is set; of any length, as somebody
    /// else chose it.
    #[must_use]
    pub fn given_with(mut self, with: &'static str, secret: &'static str) -> Self {
        self.0.read(secret, When::Given(with));
        self
    }

    /// Reads this secret in INIT, too, if there is one: [`super::Platform::secret_if_set`].
    #[must_use]
    pub fn accepts(mut self, secret: &'static str) -> Self {
        self.0.read(secret, When::Set);
        self
    }

    /// Absent from stage `prod`.
    #[must_use]
    pub fn sandbox(mut self) -> Self {
        self.0.sandbox = true;
        self
    }

    /// How its problems read, unless as the service's others do.
    #[must_use]
    pub fn dressed(mut self, dress: Dress) -> Self {
        self.1.dress = Some(dress);
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

    /// The body of its 201, for the OpenAPI document.
    #[must_use]
    pub fn creates<T: ToSchema>(mut self) -> Self {
        self.1.docs = self.1.docs.creates::<T>();
        self
    }

    /// It answers 204, for the OpenAPI document.
    #[must_use]
    pub fn answers_nothing(mut self) -> Self {
        self.1.docs = self.1.docs.answers_nothing();
        self
    }

    /// The handler, as axum routes it.
    #[must_use]
    pub fn handled_by(self, handler: MethodRouter<S>) -> Function<S> {
        let declaration = Declaration { trigger: Trigger::Http(self.1), ..self.0 };
        Function { declaration, body: Body::Http(Box::new(handler)) }
    }
}
