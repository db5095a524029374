//! Times in requests: ISO 8601, as `2026-02-01T12:00:00Z`.

use castellan_base::Ticks;
use serde::{Deserialize, Deserializer, de::Error};

/// A time, or nothing.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, Error, Ticks};

    pub(in crate::console) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Ticks>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
        let wrong =
            |_| D::Error::custom(format!("`{}` is no time; write it as 2026-02-01T12:00:00Z", shown(&text)));
        text.parse().map(Some).map_err(wrong)
    }

    /// The beginning of a text.
    fn shown(text: &str) -> String {
        text.chars().take(64).collect()
    }
}
