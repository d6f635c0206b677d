//! Message attributes, their checksums, receipt handles, and what a message may contain.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::Result;
use crate::QueueError;

/// The sender's attributes of a message, by name.
pub type MessageAttributes = BTreeMap<String, AttributeValue>;

/// One attribute of a message, in the form of the JSON protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttributeValue {
    /// `String`, `Number` or `Binary`, with an optional suffix after a dot.
    pub data_type: String,
    /// The value of a string or number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// The value of a binary attribute in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

/// A message on its way in.
pub(super) struct Outgoing<'a> {
    pub(super) body: &'a str,
    pub(super) delay_s: Option<i64>,
    pub(super) attributes: &'a MessageAttributes,
}

pub(super) fn refused(
    code: &'static str,
    query_code: &'static str,
    message: impl Into<String>,
) -> QueueError {
    QueueError::Refused { code, query_code, message: message.into() }
}

pub(super) fn invalid_value(message: impl Into<String>) -> QueueError {
    refused("InvalidParameterValueException", "InvalidParameterValue", message)
}

impl Outgoing<'_> {
    /// What counts against the size limits: text, and name, type and value of each attribute.
    pub(super) fn bytes(&self) -> usize {
        let attributes = self.attributes.iter().map(|(name, value)| {
            let text = value.string_value.as_ref().map_or(0, String::len);
            let binary = value.binary().map_or(0, |bytes| bytes.len());
            [name.len(), value.data_type.len(), text, binary].into_iter().sum::<usize>()
        });
        attributes.fold(self.body.len(), usize::saturating_add)
    }

    pub(super) fn check(&self, max_bytes: u32) -> Result<()> {
        if self.body.is_empty() {
            return Err(refused(
                "MissingParameterException",
                "MissingParameter",
                "The request must contain the parameter MessageBody.",
            ));
        }
        let max = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        if self.bytes() > max {
            return Err(invalid_value(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {max} \
                 bytes."
            )));
        }
        if !self.body.chars().all(allowed) {
            return Err(refused(
                "InvalidMessageContents",
                "InvalidMessageContents",
                "The message contains characters outside the allowed set.",
            ));
        }
        if self.delay_s.is_some_and(|delay| !(0..=900).contains(&delay)) {
            return Err(invalid_value(format!(
                "Value {} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= \
                 0 and <= 900.",
                self.delay_s.unwrap_or_default()
            )));
        }
        if self.attributes.len() > 10 {
            return Err(invalid_value(
                "Number of message attributes [over 10] exceeds the allowed maximum [10].",
            ));
        }
        self.attributes.iter().try_for_each(|(name, value)| value.check(name))
    }
}

/// The characters of XML 1.0, as SQS wants them.
fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

impl AttributeValue {
    fn is_binary(&self) -> bool {
        self.data_type.starts_with("Binary")
    }

    fn binary(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.binary_value.as_ref()?).ok()
    }

    fn check(&self, name: &str) -> Result<()> {
        let kind = self.data_type.split('.').next().unwrap_or_default();
        let has_value = match kind {
            "String" | "Number" => self.string_value.as_ref().is_some_and(|text| !text.is_empty()),
            "Binary" => self.binary().is_some_and(|bytes| !bytes.is_empty()),
            _ => {
                return Err(invalid_value(format!(
                    "The type of message attribute '{name}' is invalid. You must use only the \
                     following supported type prefixes: Binary, Number, String."
                )));
            }
        };
        let named = !name.is_empty()
            && name.len() <= 256
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
        if has_value && named {
            return Ok(());
        }
        Err(invalid_value(format!(
            "The message attribute '{name}' must have a valid name and a non-empty value of its \
             type."
        )))
    }
}

pub(super) fn md5_hex(bytes: &[u8]) -> String {
    format!("{:x}", md5::compute(bytes))
}

/// The checksum over attributes that the SDK recomputes; `None` without attributes.
pub(super) fn md5_of_attributes(attributes: &MessageAttributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut input = Vec::new();
    for (name, value) in attributes {
        append(&mut input, name.as_bytes());
        append(&mut input, value.data_type.as_bytes());
        if value.is_binary() {
            input.push(2);
            append(&mut input, &value.binary().unwrap_or_default());
        } else {
            input.push(1);
            append(&mut input, value.string_value.as_deref().unwrap_or_default().as_bytes());
        }
    }
    Some(md5_hex(&input))
}

fn append(input: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    input.extend_from_slice(&length.to_be_bytes());
    input.extend_from_slice(bytes);
}

/// The attributes a receiver asked for: by name, `prefix.*`, or all with `All` or `.*`.
pub(super) fn select(attributes: &MessageAttributes, names: &[String]) -> MessageAttributes {
    let wanted = |name: &str| {
        names.iter().any(|pattern| {
            pattern == "All"
                || pattern == name
                || pattern.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
        })
    };
    attributes
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect()
}

/// Names one receive of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) row: i64,
    pub(super) receive: i64,
}

impl Receipt {
    pub(super) fn handle(self) -> String {
        URL_SAFE_NO_PAD.encode(format!("receipt:{}:{}", self.row, self.receive))
    }

    pub(super) fn parse(handle: &str) -> Result<Self> {
        let decoded = URL_SAFE_NO_PAD.decode(handle).ok().and_then(|b| String::from_utf8(b).ok());
        let parse = |text: String| {
            let (row, receive) = text.strip_prefix("receipt:")?.split_once(':')?;
            Some(Self { row: row.parse().ok()?, receive: receive.parse().ok()? })
        };
        decoded.and_then(parse).ok_or_else(|| {
            refused(
                "ReceiptHandleIsInvalid",
                "ReceiptHandleIsInvalid",
                "The input receipt handle is invalid.",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> AttributeValue {
        let string_value = Some(value.to_owned());
        AttributeValue { data_type: "String".into(), string_value, binary_value: None }
    }

    #[test]
    fn receipts_round_trip_and_rubbish_is_refused() {
        let receipt = Receipt { row: 7, receive: 3 };
        assert_eq!(Receipt::parse(&receipt.handle()).unwrap(), receipt);
        assert!(Receipt::parse("rubbish").is_err());
    }

    #[test]
    fn attributes_are_selected_by_name_prefix_or_all() {
        let names = ["kind", "trace.id", "trace.span"];
        let attributes = names.map(|name| (name.to_owned(), text("x"))).into_iter().collect();
        let select = |pattern: &str| select(&attributes, &[pattern.to_owned()]).len();
        assert_eq!((select("kind"), select("trace.*"), select("All"), select(".*")), (1, 2, 3, 3));
        assert_eq!(select("other"), 0);
    }

    #[test]
    fn characters_outside_xml_are_refused() {
        assert!("день\t\n\r 🎂".chars().all(allowed));
        assert!(!allowed('\u{0}') && !allowed('\u{b}') && !allowed('\u{ffff}'));
    }
}
