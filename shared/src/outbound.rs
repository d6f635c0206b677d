//! Calls to other people's HTTP services.
//!
//! The connector is the one the AWS SDK brings (rustls on aws-lc), so a binary carries one TLS
//! stack. What matters about a failed call is whether it may be repeated: an error is *definite*
//! when the service certainly did not act, and *ambiguous* when nobody knows.

use std::fmt;
use std::time::Duration;

use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Time limit of a call that sets none.
const TIME_LIMIT: Duration = Duration::from_secs(8);

/// Size limit of an answer for a call that sets none, in bytes.
const RESPONSE_LIMIT: usize = 1024 * 1024;

/// Idle connections are dropped early: a frozen Lambda environment does not notice that the other
/// side has hung up.
const IDLE_LIMIT: Duration = Duration::from_secs(30);

/// An HTTP client; cheap to clone, one per process, built in INIT.
#[derive(Clone)]
pub struct Outbound {
    connector: SharedHttpConnector,
}

impl Outbound {
    /// A client over TLS and plain HTTP. Follows no redirects, uses no proxy, repeats nothing.
    #[must_use]
    pub fn new() -> Self {
        let connector = Connector::builder()
            .pool_idle_timeout(IDLE_LIMIT)
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .build();
        Self::with_connector(SharedHttpConnector::new(connector))
    }

    /// A client over a given connector, for tests that answer without a network.
    #[must_use]
    pub const fn with_connector(connector: SharedHttpConnector) -> Self {
        Self { connector }
    }

    /// Begins a call.
    pub fn call(&self, method: Method, url: &str) -> Call {
        let (uri, unfit) = match url.parse::<Uri>() {
            Ok(uri) => (uri, None),
            Err(_) => (Uri::default(), Some(Cause::Unfit)),
        };
        Call {
            connector: self.connector.clone(),
            method,
            uri,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            time_limit: TIME_LIMIT,
            response_limit: RESPONSE_LIMIT,
            unfit,
        }
    }

    /// Begins a GET.
    pub fn get(&self, url: &str) -> Call {
        self.call(Method::GET, url)
    }

    /// Begins a POST.
    pub fn post(&self, url: &str) -> Call {
        self.call(Method::POST, url)
    }

    /// Begins a PUT.
    pub fn put(&self, url: &str) -> Call {
        self.call(Method::PUT, url)
    }
}

impl Default for Outbound {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbound")
    }
}

/// A call being prepared. `Debug` shows the method alone: addresses and headers carry secrets.
#[must_use = "a call does nothing until it is sent"]
pub struct Call {
    connector: SharedHttpConnector,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    time_limit: Duration,
    response_limit: usize,
    unfit: Option<Cause>,
}

impl Call {
    /// Sets a header; a value that cannot be sent makes the call fail before it is sent.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(true);
                self.headers.insert(name, value);
            }
            Err(_) => self.unfit = Some(Cause::Unfit),
        }
        self
    }

    /// Sets `Authorization: Bearer <secret>`.
    pub fn bearer(self, secret: &str) -> Self {
        self.header(AUTHORIZATION, &format!("Bearer {secret}"))
    }

    /// Sets a JSON body.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => {
                self.body = bytes.into();
                self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
            Err(_) => self.unfit = Some(Cause::Unfit),
        }
        self
    }

    /// Sets the time limit of the whole call, connection and answer included (default 8 s).
    pub const fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sets the size limit of the answer's body in bytes (default 1 MiB).
    pub const fn response_limit(mut self, bytes: usize) -> Self {
        self.response_limit = bytes;
        self
    }

    /// Sends the call once and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`OutboundError`], which says whether the call may have had an effect.
    pub async fn send(self) -> Result<Answer, OutboundError> {
        if let Some(cause) = self.unfit {
            return Err(OutboundError::Definite(cause));
        }
        let connected = CaptureSmithyConnection::new();
        let limit = self.time_limit;
        let result = tokio::time::timeout(limit, self.exchange(connected.clone())).await;
        let cause = match result {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(cause)) => cause,
            Err(_elapsed) => Cause::TimedOut,
        };
        // Nothing can have been sent before there was a connection to send it on.
        if cause == Cause::Unfit || connected.get().is_none() {
            Err(OutboundError::Definite(cause))
        } else {
            Err(OutboundError::Ambiguous(cause))
        }
    }

    async fn exchange(self, connected: CaptureSmithyConnection) -> Result<Answer, Cause> {
        let mut request = http::Request::new(SdkBody::from(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        let defaults = [(USER_AGENT, "tamga"), (ACCEPT, "application/json")]
            .map(|(name, value)| (name, HeaderValue::from_static(value)));
        for (name, value) in defaults {
            request.headers_mut().entry(name).or_insert(value);
        }
        let mut request = HttpRequest::try_from(request).map_err(|_| Cause::Unfit)?;
        request.add_extension(connected);

        let response = self.connector.call(request).await.map_err(|error| {
            if error.is_user() {
                Cause::Unfit
            } else if error.is_timeout() {
                Cause::TimedOut
            } else {
                Cause::Connection
            }
        })?;
        let response = response.try_into_http1x().map_err(|_| Cause::Unreadable)?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, self.response_limit).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { Cause::TooLarge } else { Cause::Connection }
        })?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.to_bytes() })
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("method", &self.method).finish_non_exhaustive()
    }
}

/// An answer of any status.
#[derive(Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, within the limit.
    pub body: Bytes,
}

impl Answer {
    /// Whether the status is 2xx.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The answer, if its status is 2xx.
    ///
    /// # Errors
    /// [`OutboundError::Status`] otherwise.
    pub fn success(self) -> Result<Self, OutboundError> {
        if self.is_success() { Ok(self) } else { Err(OutboundError::Status(self.status)) }
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`OutboundError::Ambiguous`]: the service answered, but nobody can tell what.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, OutboundError> {
        serde_json::from_slice(&self.body).map_err(|_| OutboundError::Ambiguous(Cause::Unreadable))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.body.len();
        f.debug_struct("Answer").field("status", &self.status).field("bytes", &size).finish()
    }
}

/// Why a call failed. Contains neither address nor headers nor bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The request was certainly not sent.
    #[error("the call was not sent: {0}")]
    Definite(Cause),
    /// The service answered with this status instead of success.
    #[error("the service answered with status {0}")]
    Status(u16),
    /// The request may have been sent and may have had its effect.
    #[error("the outcome of the call is unknown: {0}")]
    Ambiguous(Cause),
}

impl OutboundError {
    /// Whether a repeat cannot double an effect. A 504 is a time-out told by somebody in between.
    #[must_use]
    pub const fn is_definite(self) -> bool {
        !matches!(self, Self::Ambiguous(_) | Self::Status(504))
    }
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The request itself cannot be sent: bad address, header or body.
    #[error("unfit request")]
    Unfit,
    /// Connecting failed, or the connection broke.
    #[error("connection failed")]
    Connection,
    /// The time limit passed.
    #[error("time limit passed")]
    TimedOut,
    /// The answer is larger than allowed.
    #[error("answer too large")]
    TooLarge,
    /// The answer is not what the service promised.
    #[error("answer unreadable")]
    Unreadable,
}

#[cfg(test)]
#[path = "outbound_tests.rs"]
mod tests;
