//! Answers as Lambda takes them.
//!
//! `lambda_http` decodes every answer by the character set of its content type, and links the
//! tables of all of them: 150 KB in each binary. What this house answers is UTF-8.

use std::convert::Infallible;

use axum::Router;
use axum::response::Response;
use lambda_http::{Body, IntoResponse, Request, Service, service_fn};

/// An answer whose body is text.
pub(super) struct Plain(Response);

type Ready = std::pin::Pin<Box<dyn Future<Output = http::Response<Body>> + Send>>;

impl IntoResponse for Plain {
    fn into_response(self) -> Ready {
        let (parts, body) = self.0.into_parts();
        Box::pin(async move {
            // The body was made in memory: reading it cannot fail.
            let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
            let body = match String::from_utf8(bytes.into()) {
                Ok(text) if text.is_empty() => Body::Empty,
                Ok(text) => Body::Text(text),
                Err(error) => Body::Binary(error.into_bytes()),
            };
            http::Response::from_parts(parts, body)
        })
    }
}

/// The same routes with answers as Lambda takes them.
pub(super) fn plain(
    router: Router,
) -> impl Service<Request, Response = Plain, Error = Infallible, Future: Send> + Clone {
    service_fn(move |request: Request| {
        let mut router = router.clone();
        async move { Service::call(&mut router, request).await.map(Plain) }
    })
}
