//! A small HTTP server: a whole request in, a whole answer out, or the connection is closed.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::event::http::own_answer;

/// The largest request body, in bytes: that of API Gateway.
pub(crate) const MAX_BODY: usize = 10 * 1024 * 1024;
/// How long requests may go on after the server was told to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a caller is left waiting in vain.
const IN_VAIN: Duration = Duration::from_secs(60);

/// A whole request.
pub(crate) struct Exchange {
    pub(crate) parts: http::request::Parts,
    pub(crate) body: Bytes,
    pub(crate) peer: IpAddr,
}

/// The answer does not come.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum Hangup {
    #[error("the connection breaks")]
    Now,
    #[error("the caller waits in vain")]
    Later,
}

pub(crate) type Reply = Result<Response<Bytes>, Hangup>;
pub(crate) type Handler =
    Arc<dyn Fn(Exchange) -> Pin<Box<dyn Future<Output = Reply> + Send>> + Send + Sync>;

/// Makes a handler of a function.
pub(crate) fn handler<F, R>(function: F) -> Handler
where
    F: Fn(Exchange) -> R + Send + Sync + 'static,
    R: Future<Output = Reply> + Send + 'static,
{
    Arc::new(move |exchange| Box::pin(function(exchange)))
}

/// A listening socket on the loopback interface.
pub(crate) struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds `port`, or any free one for 0.
    pub(crate) async fn bind(port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers requests until `stop` turns true, then lets those in progress end.
    pub(crate) async fn serve(self, handler: Handler, mut stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            // An accept fails for want of file descriptors, say: others are still served.
            let Ok((stream, peer)) = accepted else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            connections.spawn(connection(stream, peer.ip(), handler.clone(), stop.clone()));
            while connections.try_join_next().is_some() {}
        }
        let drained = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(DRAIN, drained).await;
    }
}

async fn connection(
    stream: TcpStream,
    peer: IpAddr,
    handler: Handler,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(request, peer, handler.clone()));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let done = tokio::select! {
        _ = connection.as_mut() => true,
        _ = stop.wait_for(|stop| *stop) => false,
    };
    if !done {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

async fn answer(
    request: Request<Incoming>,
    peer: IpAddr,
    handler: Handler,
) -> Result<Response<Full<Bytes>>, Hangup> {
    let (parts, body) = request.into_parts();
    let response = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => handler(Exchange { parts, body: body.to_bytes(), peer }).await,
        Err(error) if error.is::<LengthLimitError>() => {
            Ok(own_answer(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"))
        }
        Err(_) => Ok(own_answer(StatusCode::BAD_REQUEST, "Bad Request")),
    };
    if matches!(response, Err(Hangup::Later)) {
        tokio::time::sleep(IN_VAIN).await;
    }
    response.map(|response| response.map(Full::new))
}
