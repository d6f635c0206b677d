//! API Gateway's HTTP API: payload version 2.0 in, the proxy answer out.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, SET_COOKIE, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, request};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

/// A request as the API sees it.
pub struct Incoming<'a> {
    /// Method, address, headers.
    pub parts: &'a request::Parts,
    /// The path below the API's root, as it was sent.
    pub path: &'a str,
    /// The body.
    pub body: &'a Bytes,
    /// The name the API was called by.
    pub host: &'a str,
    /// Who connected.
    pub source: IpAddr,
    /// The API's id.
    pub api: &'a str,
    /// `METHOD /path` of the matched route, or `$default`.
    pub route: &'a str,
    /// The matched parameters.
    pub parameters: BTreeMap<String, String>,
    /// The API's id of the request.
    pub request_id: &'a str,
    /// When it came.
    pub now: Timestamp,
}

impl Incoming<'_> {
    /// The event of payload version 2.0.
    #[must_use]
    pub fn event(&self) -> Value {
        let query = self.parts.uri.query().unwrap_or_default();
        let headers = self.headers();
        let host = self.host;
        let agent = headers.get("user-agent").cloned().unwrap_or_default();
        let method = self.parts.method.as_str();
        let mut event = json!({
            "version": "2.0",
            "routeKey": self.route,
            "rawPath": self.path,
            "rawQueryString": query,
            "headers": headers,
            "requestContext": {
                "accountId": engine::sqs::ACCOUNT,
                "apiId": self.api,
                "domainName": host,
                "domainPrefix": host.split(['.', ':']).next(),
                "http": {
                    "method": method,
                    "path": self.path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": self.source.to_string(),
                    "userAgent": agent,
                },
                "requestId": self.request_id,
                "routeKey": self.route,
                "stage": "$default",
                "time": self.now.to_zoned(TimeZone::UTC).strftime("%d/%b/%Y:%H:%M:%S %z").to_string(),
                "timeEpoch": self.now.as_millisecond(),
            },
            "isBase64Encoded": false,
        });
        if let Some(event) = event.as_object_mut() {
            self.add_optional(event, query);
        }
        event
    }

    fn add_optional(&self, event: &mut Map<String, Value>, query: &str) {
        let cookies =
            self.parts.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies: Vec<&str> = cookies
            .flat_map(|value| value.split(';'))
            .map(str::trim)
            .filter(|c| !c.is_empty())
            .collect();
        if !cookies.is_empty() {
            event.insert("cookies".to_owned(), json!(cookies));
        }
        if !query.is_empty() {
            event.insert("queryStringParameters".to_owned(), json!(parameters(query)));
        }
        if !self.parameters.is_empty() {
            event.insert("pathParameters".to_owned(), json!(self.parameters));
        }
        if self.body.is_empty() {
            return;
        }
        let (body, encoded) = match std::str::from_utf8(self.body) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => (STANDARD.encode(self.body), true),
        };
        event.insert("body".to_owned(), body.into());
        event.insert("isBase64Encoded".to_owned(), encoded.into());
    }

    /// Names in lower case, several values of one name joined; cookies stand apart.
    fn headers(&self) -> BTreeMap<String, String> {
        let mut headers = BTreeMap::<String, String>::new();
        for (name, value) in self.parts.headers.iter().filter(|(name, _)| *name != COOKIE) {
            let value = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|joined| joined.push_str(&format!(",{value}")))
                .or_insert_with(|| value.into_owned());
        }
        let source = self.source.to_string();
        headers
            .entry("x-forwarded-for".to_owned())
            .and_modify(|chain| chain.push_str(&format!(", {source}")))
            .or_insert(source);
        headers.insert("x-forwarded-proto".to_owned(), "http".to_owned());
        headers.insert(HOST.as_str().to_owned(), self.host.to_owned());
        headers
    }
}

/// The decoded query, several values of one name joined by commas.
fn parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::<String, String>::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |text: &str| crate::route::decode(&text.replace('+', " "));
        let value = decode(value);
        parameters
            .entry(decode(name))
            .and_modify(|joined| joined.push_str(&format!(",{value}")))
            .or_insert(value);
    }
    parameters
}

/// An answer of the API itself, such as `{"message":"Internal Server Error"}`.
#[must_use]
pub fn own_answer(status: StatusCode, message: &str) -> Response<Bytes> {
    let body = json!({ "message": message }).to_string();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The function's answer as the caller sees it; what cannot be read is a 500 of the API.
#[must_use]
pub fn response(payload: &[u8]) -> Response<Bytes> {
    let parsed = serde_json::from_slice(payload).ok().and_then(|answer| read(&answer));
    parsed.unwrap_or_else(|| own_answer(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"))
}

fn read(answer: &Value) -> Option<Response<Bytes>> {
    let Some(status) = answer.get("statusCode") else {
        // Without a status the API takes the whole answer for a body.
        let mut response = Response::new(Bytes::from(answer.to_string()));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        return Some(response);
    };
    let status = u16::try_from(status.as_u64()?).ok()?;
    let text = answer.get("body").and_then(Value::as_str).unwrap_or_default();
    let body = match answer.get("isBase64Encoded") {
        Some(Value::Bool(true)) => Bytes::from(STANDARD.decode(text).ok()?),
        _ => Bytes::copy_from_slice(text.as_bytes()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    let headers = response.headers_mut();
    for (name, value) in entries(answer, "headers") {
        put(headers, name, value)?;
    }
    for (name, values) in entries(answer, "multiValueHeaders") {
        for value in values.as_array()? {
            let (name, value) = header(name, value)?;
            headers.append(name, value);
        }
    }
    for cookie in answer.get("cookies").and_then(Value::as_array).into_iter().flatten() {
        headers.append(SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
    }
    // How the answer travels is the API's business.
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    if !headers.contains_key(CONTENT_TYPE) && !response.body().is_empty() {
        let plain = HeaderValue::from_static("text/plain;charset=UTF-8");
        response.headers_mut().insert(CONTENT_TYPE, plain);
    }
    Some(response)
}

fn entries<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    answer.get(name).and_then(Value::as_object).into_iter().flatten()
}

fn header(name: &str, value: &Value) -> Option<(HeaderName, HeaderValue)> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some((name.parse().ok()?, HeaderValue::from_str(&text).ok()?))
}

fn put(headers: &mut HeaderMap, name: &str, value: &Value) -> Option<()> {
    let (name, value) = header(name, value)?;
    headers.insert(name, value);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(request: http::Request<Bytes>, route: &str) -> Value {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let incoming = Incoming {
            parts: &parts,
            path: &path,
            body: &body,
            host: "127.0.0.1:9000",
            source: "127.0.0.1".parse().unwrap(),
            api: "club",
            route,
            parameters: BTreeMap::from([("id".to_owned(), "7".to_owned())]),
            request_id: "r-1",
            now: "2026-01-31T12:00:00Z".parse().unwrap(),
        };
        incoming.event()
    }

    #[test]
    fn the_event_has_the_form_of_version_2() {
        let request = http::Request::post("/a/7?x=1&y=%D0%B0+b&x=2")
            .header("Host", "what the caller says")
            .header("X-One", "a")
            .header("x-one", "b")
            .header("cookie", "k=v; l=w")
            .header("x-forwarded-for", "10.0.0.1")
            .body(Bytes::from_static("{\"и\":1}".as_bytes()))
            .unwrap();
        let event = event(request, "POST /a/{id}");
        assert_eq!(event["version"], "2.0");
        assert_eq!(event["headers"]["host"], "127.0.0.1:9000");
        assert_eq!(event["rawQueryString"], "x=1&y=%D0%B0+b&x=2");
        assert_eq!(event["queryStringParameters"], json!({"x": "1,2", "y": "а b"}));
        assert_eq!(event["headers"]["x-one"], "a,b");
        assert_eq!(event["headers"]["x-forwarded-for"], "10.0.0.1, 127.0.0.1");
        assert!(event["headers"].get("cookie").is_none());
        assert_eq!(event["cookies"], json!(["k=v", "l=w"]));
        assert_eq!(event["pathParameters"], json!({"id": "7"}));
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&json!("{\"и\":1}"), &json!(false))
        );
        let context = &event["requestContext"];
        assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
        assert_eq!(context["time"], "31/Jan/2026:12:00:00 +0000");
        assert_eq!(context["timeEpoch"], 1_769_860_800_000_i64);
        assert_eq!(context["routeKey"], "POST /a/{id}");
    }

    #[test]
    fn a_body_that_is_no_text_is_encoded() {
        let request = http::Request::put("/").body(Bytes::from_static(&[0xff, 0x00])).unwrap();
        let event = event(request, "$default");
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
    }

    #[test]
    fn the_answer_keeps_cookies_headers_and_bytes() {
        let payload = json!({
            "statusCode": 201, "headers": {"x-a": "1"}, "multiValueHeaders": {"x-b": ["1", "2"]},
            "cookies": ["a=1", "b=2"], "body": "/wA=", "isBase64Encoded": true,
        });
        let response = response(payload.to_string().as_bytes());
        assert_eq!(response.status(), 201);
        assert_eq!(&response.body()[..], [0xff, 0x00]);
        assert_eq!(response.headers().get_all("x-b").iter().count(), 2);
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    }

    #[test]
    fn an_answer_without_a_status_is_a_body_and_rubbish_is_a_500() {
        assert_eq!(&response(b"{\"ok\":true}").body()[..], b"{\"ok\":true}");
        for rubbish in [&b"nope"[..], b"{\"statusCode\":\"x\"}", b"{\"statusCode\":99}"] {
            assert_eq!(response(rubbish).status(), 500);
        }
    }
}
