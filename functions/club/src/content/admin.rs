//! What administrators write of the content: each kind is somebody's, the route is one.

use serde_json::Value;
use shared::http::Fields;
use shared::problem::{Problem, Result};
use shared::table::Write;

use crate::tags::Tag;

/// What replaces one entity whole.
#[derive(Debug)]
pub struct Replacing {
    /// Its rows; the tag is raised beside them.
    pub writes: Vec<Write>,
    /// The entity as it stands afterwards, as administrators are answered.
    pub entity: Value,
    /// What answers that show it depend on.
    pub tag: Tag,
}

/// The fields that an administrator sent, to be asked for one by one.
///
/// # Errors
/// 400 when they are no object.
pub fn fields_of(fields: &Value) -> Result<Fields> {
    match fields {
        Value::Object(values) => Ok(values.clone().into()),
        _ => Err(Problem::invalid("body", "wrong shape")),
    }
}
