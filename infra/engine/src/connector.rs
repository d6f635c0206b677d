//! The SDK's connector without a socket.

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;

use crate::{Call, Engine, NoAnswer, Reply};

pub(crate) fn http_client(engine: Engine) -> SharedHttpClient {
    http_client_fn(move |_, _| SharedHttpConnector::new(Connector { engine: engine.clone() }))
}

#[derive(Debug)]
struct Connector {
    engine: Engine,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let engine = self.engine.clone();
        HttpConnectorFuture::new(async move {
            // Every operation of these services is sent as one JSON text, never as a stream.
            let Some(body) = request.body().bytes() else {
                return Err(ConnectorError::user("a streamed request body".into()));
            };
            let body = Bytes::copy_from_slice(body);
            let reply = match Call::from_headers(|name| request.headers().get(name), body) {
                Ok(call) => engine.call(call).await,
                Err(answer) => Reply::Answer(answer),
            };
            respond(reply)
        })
    }
}

fn respond(reply: Reply) -> Result<HttpResponse, ConnectorError> {
    match reply {
        Reply::Silence(NoAnswer::Timeout) => {
            Err(ConnectorError::timeout("injected: no answer in time".into()))
        }
        Reply::Silence(NoAnswer::Broken) => {
            Err(ConnectorError::io("injected: the connection broke".into()))
        }
        // Neither a timeout nor an I/O error: the SDK does not retry for a dead process.
        Reply::Silence(NoAnswer::Dead) => {
            Err(ConnectorError::other("injected: the caller is dead".into(), None))
        }
        answer @ Reply::Answer(_) => {
            let response = answer.into_http().ok_or_else(|| {
                ConnectorError::other("an answer without a response".into(), None)
            })?;
            response
                .map(SdkBody::from)
                .try_into()
                .map_err(|error| ConnectorError::other(Box::new(error), None))
        }
    }
}
