//! How many different values there were, of those that are not kept one by one.

use castellan_kql::Value;
use castellan_kql::sketch::Hll;
use castellan_kql::value::Dynamic;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A sketch of 4 KB with an error of about 1.6 % (the language's `hll()`, HyperLogLog).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Distinct(Box<Hll>);

impl Default for Distinct {
    fn default() -> Distinct {
        Distinct(Box::new(Hll::with_accuracy(0)))
    }
}

impl Distinct {
    /// Takes in a value.
    pub(crate) fn add(&mut self, value: &str) {
        self.0.add(&Value::string(value));
    }

    /// About how many there were.
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.0.count()).unwrap_or(0)
    }
}

impl Serialize for Distinct {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Value::dynamic(self.0.to_dynamic()).to_text())
    }
}

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Distinct, D::Error> {
        let text = String::deserialize(deserializer)?;
        let sketch = Dynamic::parse(&text).and_then(|dynamic| Hll::from_dynamic(&dynamic));
        sketch.map(|sketch| Distinct(Box::new(sketch))).ok_or_else(|| D::Error::custom("no sketch"))
    }
}
