//! What a call has cost, as the stack tells.

use benches::Result;
use bytes::Bytes;
use http::Response;
use serde_json::Value;

/// What a call has asked of DynamoDB, behind the choke point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Requests.
    pub requests: u64,
    /// Items written, deleted or checked.
    pub items: u64,
    /// Thousandths of read units.
    pub read_milliunits: u64,
    /// Thousandths of write units.
    pub write_milliunits: u64,
}

impl Cost {
    /// That of the call with this answer.
    pub fn of(answer: &Response<Bytes>) -> Self {
        let cost = answer.headers().get("x-cost").and_then(|cost| cost.to_str().ok());
        let cost = cost.unwrap_or_default();
        let of = |wanted: &str| {
            let mut parts = cost.split(';').filter_map(|part| part.trim().split_once('='));
            let found = parts.find(|(name, _)| *name == wanted);
            found.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
        };
        Self {
            requests: of("requests"),
            items: of("items"),
            read_milliunits: of("read_milliunits"),
            write_milliunits: of("write_milliunits"),
        }
    }

    /// That of an invocation as the control desk lists it.
    ///
    /// # Errors
    /// When a figure is missing.
    pub fn of_invocation(invocation: &Value) -> Result<Self> {
        let of = |name: &str| {
            let figure = invocation.get(name).and_then(Value::as_u64);
            figure.ok_or_else(|| format!("no {name} in {invocation}"))
        };
        Ok(Self {
            requests: of("requests")?,
            items: of("items")?,
            read_milliunits: milli(invocation, "read_units")?,
            write_milliunits: milli(invocation, "write_units")?,
        })
    }

    /// Adds another to this one.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.items += other.items;
        self.read_milliunits += other.read_milliunits;
        self.write_milliunits += other.write_milliunits;
    }
}

/// A number of units, such as `12.5`, in thousandths.
fn milli(invocation: &Value, name: &str) -> Result<u64> {
    let text = invocation.get(name).map(Value::to_string).unwrap_or_default();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    Ok(whole.parse::<u64>()? * 1_000 + part.parse::<u64>()?)
}

/// Thousandths with one digit after the point.
pub fn units(milliunits: u64) -> String {
    format!("{}.{}", milliunits / 1_000, milliunits % 1_000 / 100)
}
