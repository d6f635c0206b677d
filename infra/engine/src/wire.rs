//! A call, its answer, and what both look like in HTTP.

use bytes::Bytes;

/// The service a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// DynamoDB proper.
    Dynamodb,
    /// DynamoDB Streams, a service of its own in AWS.
    DynamodbStreams,
    /// SQS.
    Sqs,
}

/// One call of an AWS operation.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which service.
    pub service: Service,
    /// The operation's name, e.g. `GetItem`.
    pub operation: String,
    /// The JSON body.
    pub body: Bytes,
    /// The access key id of the caller; empty when unknown.
    pub caller: String,
}

/// What the caller gets.
#[derive(Clone, Debug)]
pub enum Reply {
    /// An answer of the service, good or bad.
    Answer(Answer),
    /// No answer at all.
    Silence(NoAnswer),
}

/// An answer of the service.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON body.
    pub body: Bytes,
    /// Value of the header `x-amzn-query-error`, by which the SDK tells SQS errors apart.
    pub query_error: Option<String>,
}

/// How the answer fails to come. The SDK retries the first two and not the third.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The caller waited in vain.
    Timeout,
    /// The connection broke.
    Broken,
    /// The caller's process is dead as far as a [`crate::CrashPlan`] goes.
    Dead,
}

impl Reply {
    /// The HTTP status, when there is an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answer(answer) => Some(answer.status),
            Self::Silence(_) => None,
        }
    }

    /// The answer as an HTTP response. `None`: close the connection without one.
    #[must_use]
    pub fn into_http(self) -> Option<http::Response<Bytes>> {
        let Self::Answer(answer) = self else { return None };
        let mut response = http::Response::new(answer.body);
        *response.status_mut() = http::StatusCode::from_u16(answer.status)
            .unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        let content_type = http::HeaderValue::from_static("application/x-amz-json-1.0");
        headers.insert(http::header::CONTENT_TYPE, content_type);
        let id = uuid::Uuid::new_v4().to_string();
        if let Ok(id) = http::HeaderValue::from_str(&id) {
            headers.insert("x-amzn-requestid", id);
        }
        let query_error = answer.query_error.as_deref();
        if let Some(Ok(value)) = query_error.map(http::HeaderValue::from_str) {
            headers.insert("x-amzn-query-error", value);
        }
        Some(response)
    }
}

impl Answer {
    pub(crate) fn ok(body: impl Into<Bytes>) -> Self {
        Self { status: 200, body: body.into(), query_error: None }
    }

    /// An error of the JSON protocols: `{"__type": …, "message": …}`.
    pub(crate) fn error(status: u16, kind: &str, message: &str) -> Self {
        let body = serde_json::json!({ "__type": kind, "message": message }).to_string();
        Self { status, body: body.into(), query_error: None }
    }

    pub(crate) fn unknown_operation() -> Self {
        Self::error(400, "com.amazon.coral.service#UnknownOperationException", "")
    }
}

impl Call {
    /// Reads `X-Amz-Target` and `Authorization`.
    pub(crate) fn from_headers<'a>(
        header: impl Fn(&str) -> Option<&'a str>,
        body: Bytes,
    ) -> Result<Self, Answer> {
        let target = header("x-amz-target").unwrap_or_default();
        let (prefix, operation) = target.split_once('.').unwrap_or_default();
        let service = match prefix {
            "DynamoDB_20120810" => Service::Dynamodb,
            "DynamoDBStreams_20120810" => Service::DynamodbStreams,
            "AmazonSQS" => Service::Sqs,
            _ => return Err(Answer::unknown_operation()),
        };
        let caller = header("authorization").and_then(access_key_id).unwrap_or_default();
        Ok(Self { service, operation: operation.to_owned(), body, caller: caller.to_owned() })
    }
}

/// The credential id of `AWS4-HMAC-SHA256 Credential=<id>/<date>/…`.
fn access_key_id(authorization: &str) -> Option<&str> {
    let (_, scope) = authorization.split_once("Credential=")?;
    scope.split(['/', ',']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_and_the_caller_are_read_from_the_headers() {
        let header = |name: &str| match name {
            "x-amz-target" => Some("DynamoDBStreams_20120810.GetRecords"),
            "authorization" => Some(
                "AWS4-HMAC-SHA256 Credential=local-club-outbox-relay/20260131/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00",
            ),
            _ => None,
        };
        let call = Call::from_headers(header, Bytes::from_static(b"{}")).unwrap();
        assert_eq!(call.service, Service::DynamodbStreams);
        assert_eq!((&*call.operation, &*call.caller), ("GetRecords", "local-club-outbox-relay"));
        assert!(Call::from_headers(|_| None, Bytes::new()).is_err());
    }
}
