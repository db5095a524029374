//! Percentiles of many values.

use super::{bag, real};
use crate::value::{Dynamic, ScalarType, Value, whole};

/// A cluster in the middle holds at most this part of all values, one near the ends less.
const FINENESS: f64 = 100.0;

/// Values are merged into clusters when there are so many.
const CROWDED: usize = 1_000;

/// A run of neighbouring values.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cluster {
    low: f64,
    high: f64,
    weight: f64,
}

impl Cluster {
    fn middle(&self) -> f64 {
        f64::midpoint(self.low, self.high)
    }
}

/// A digest of numbers, times or durations: few clusters of neighbouring values, small ones at both ends, so that high
/// and low percentiles are exact. Up to a thousand values all percentiles are. After Dunning's t-digest.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TDigest {
    clusters: Vec<Cluster>,
    /// The type of the values; `None` before the first.
    scalar_type: Option<ScalarType>,
}

impl TDigest {
    /// Takes in a value that counts `weight` times. What is no number, time or duration counts as missing.
    pub fn add(&mut self, value: &Value, weight: f64) {
        let value = value.unwrapped();
        let (Some(number), Some(scalar_type)) = (position(&value), value.scalar_type()) else { return };
        if !number.is_finite() || !weight.is_finite() || weight <= 0.0 {
            return;
        }
        self.scalar_type = Some(wider(self.scalar_type, scalar_type));
        self.clusters.push(Cluster { low: number, high: number, weight });
        if self.clusters.len() >= 2 * CROWDED {
            self.settle();
        }
    }

    /// Takes in all values of another digest.
    pub fn merge(&mut self, other: &TDigest) {
        if let Some(scalar_type) = other.scalar_type {
            self.scalar_type = Some(wider(self.scalar_type, scalar_type));
        }
        self.clusters.extend_from_slice(&other.clusters);
        if self.clusters.len() >= 2 * CROWDED {
            self.settle();
        }
    }

    /// How many values there are, by their weights.
    pub fn count(&self) -> f64 {
        self.clusters.iter().map(|cluster| cluster.weight).sum()
    }

    /// The least value that at least `percent` per cent of the values do not exceed; null for an empty digest and for a
    /// number outside 0 to 100.
    pub fn percentile(&self, percent: f64) -> Value {
        let sorted = self.sorted();
        let Some(last) = sorted.last().filter(|_| (0.0..=100.0).contains(&percent)) else {
            return Value::Null;
        };
        let wanted = percent / 100.0 * self.count();
        let mut before = 0.0;
        for cluster in &sorted {
            if before + cluster.weight >= wanted {
                let share = ((wanted - before) / cluster.weight).clamp(0.0, 1.0);
                return self.value(cluster.low + (cluster.high - cluster.low) * share);
            }
            before += cluster.weight;
        }
        self.value(last.high)
    }

    /// About how many of the values do not exceed a value; `None` for what has no place among them.
    pub fn rank(&self, value: &Value) -> Option<f64> {
        let number = position(&value.unwrapped())?;
        let below = |cluster: &Cluster| {
            if cluster.high <= number {
                cluster.weight
            } else if cluster.low > number {
                0.0
            } else {
                cluster.weight * (number - cluster.low) / (cluster.high - cluster.low)
            }
        };
        Some(self.clusters.iter().map(below).sum())
    }

    /// The dynamic form: `{"tdigest": 1, "type": "long", "clusters": [low, high, weight, ...]}`.
    pub fn to_dynamic(&self) -> Dynamic {
        let mut settled = self.clone();
        settled.settle();
        let numbers = settled.clusters.iter().flat_map(|cluster| [cluster.low, cluster.high, cluster.weight]);
        bag([
            ("tdigest", Dynamic::Long(1)),
            ("type", Dynamic::String(self.scalar_type.unwrap_or(ScalarType::Real).name().into())),
            ("clusters", Dynamic::Array(numbers.map(Dynamic::Real).collect())),
        ])
    }

    /// From the dynamic form; `None` for anything else.
    pub fn from_dynamic(dynamic: &Dynamic) -> Option<TDigest> {
        if dynamic.get("tdigest") != Some(&Dynamic::Long(1)) {
            return None;
        }
        let scalar_type = ScalarType::named(dynamic.get("type")?.to_value().as_str()?)?;
        let numbers: Option<Vec<f64>> = dynamic.get("clusters")?.as_array()?.iter().map(real).collect();
        let (triples, rest) = numbers.as_ref()?.as_chunks::<3>();
        let cluster = |[low, high, weight]: &[f64; 3]| {
            let is_sound =
                low <= high && low.is_finite() && high.is_finite() && *weight > 0.0 && weight.is_finite();
            is_sound.then_some(Cluster { low: *low, high: *high, weight: *weight })
        };
        let clusters: Option<Vec<Cluster>> = triples.iter().map(cluster).collect();
        rest.is_empty().then_some(TDigest { clusters: clusters?, scalar_type: Some(scalar_type) })
    }

    fn sorted(&self) -> Vec<Cluster> {
        let mut sorted = self.clusters.clone();
        sorted.sort_by(|left, right| left.middle().total_cmp(&right.middle()));
        sorted
    }

    /// Joins neighbours until few clusters are left. How much a cluster may weigh depends on its place: one value at the
    /// ends, most in the middle. Equal values join at no cost.
    fn settle(&mut self) {
        let sorted = self.sorted();
        let total = self.count();
        let is_crowded = sorted.len() > CROWDED;
        let (mut settled, mut before): (Vec<Cluster>, f64) = (Vec::new(), 0.0);
        for cluster in sorted {
            if let Some(last) = settled.last_mut() {
                let weight = last.weight + cluster.weight;
                let place = (before + weight / 2.0) / total;
                let allowed = 4.0 * total * place * (1.0 - place) / FINENESS;
                let is_same = last.low == cluster.high && last.high == cluster.low;
                if is_same || is_crowded && weight <= allowed {
                    let (low, high) = (last.low.min(cluster.low), last.high.max(cluster.high));
                    *last = Cluster { low, high, weight };
                    continue;
                }
                before += last.weight;
            }
            settled.push(cluster);
        }
        self.clusters = settled;
    }

    /// A number as a value of the digest's type.
    fn value(&self, number: f64) -> Value {
        let ticks = whole(number.round());
        match (self.scalar_type, ticks) {
            (Some(ScalarType::Int | ScalarType::Long), Some(number)) => Value::Long(number),
            (Some(ScalarType::DateTime), Some(ticks)) => Value::datetime(ticks),
            (Some(ScalarType::TimeSpan), Some(ticks)) => Value::TimeSpan(ticks),
            _ => Value::Real(number),
        }
    }
}

/// Where a value stands among others of its type.
fn position(value: &Value) -> Option<f64> {
    match value {
        Value::DateTime(ticks) | Value::TimeSpan(ticks) => Some(*ticks as f64),
        Value::Bool(_) | Value::String(_) => None,
        other => other.to_f64(),
    }
}

/// Whole numbers among reals are reals.
fn wider(known: Option<ScalarType>, new: ScalarType) -> ScalarType {
    match (known, new) {
        (Some(ScalarType::Real | ScalarType::Decimal), ScalarType::Int | ScalarType::Long) => {
            ScalarType::Real
        }
        (_, ScalarType::Decimal) => ScalarType::Real,
        (_, new) => new,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(numbers: impl IntoIterator<Item = i64>) -> TDigest {
        let mut digest = TDigest::default();
        numbers.into_iter().for_each(|number| digest.add(&Value::Long(number), 1.0));
        digest
    }

    #[test]
    fn the_documented_values_agree() {
        let mut merged = of(1..=10);
        merged.merge(&of(11..=20));
        assert_eq!(merged.percentile(100.0), Value::Long(20));
        assert_eq!(of(1..=1_000).rank(&Value::Long(685)), Some(685.0));
        let mut weighted = TDigest::default();
        weighted.add(&Value::Real(1.0), 1.0);
        weighted.add(&Value::Real(2.0), 2.0);
        assert_eq!(weighted.percentile(50.0), Value::Real(2.0));
    }

    #[test]
    fn many_values_take_little_space_and_keep_their_percentiles() {
        let count = 200_000_i64;
        let digest = of((0..count).map(|index| index * 7_919 % count));
        let kept = TDigest::from_dynamic(&digest.to_dynamic()).unwrap();
        assert!(kept.clusters.len() <= CROWDED, "{}", kept.clusters.len());
        assert!((kept.count() - 200_000.0).abs() < 1e-6);
        for percent in [0.0, 0.1, 1.0, 25.0, 50.0, 90.0, 99.0, 99.99, 100.0] {
            let found = kept.percentile(percent).to_f64().unwrap();
            let expected = percent / 100.0 * 200_000.0;
            assert!((found - expected).abs() < 1_500.0, "{percent}: {found}");
        }
    }

    #[test]
    fn other_shapes_are_no_digest() {
        let forms = [
            "{}",
            "[1]",
            r#"{"tdigest":1,"type":"long","clusters":[1,2]}"#,
            r#"{"tdigest":1,"type":"long","clusters":[2,1,1]}"#,
            r#"{"tdigest":1,"type":"cat","clusters":[]}"#,
            r#"{"tdigest":2,"type":"long","clusters":[]}"#,
        ];
        for form in forms {
            assert_eq!(TDigest::from_dynamic(&Dynamic::parse(form).unwrap()), None, "{form}");
        }
        assert!(TDigest::default().percentile(50.0).is_null());
    }

    proptest! {
        #[test]
        fn few_values_have_exact_percentiles(
            numbers in prop::collection::vec(-1_000..1_000_i64, 1..200),
            percent in 0.0..100.0_f64,
        ) {
            let digest = TDigest::from_dynamic(&of(numbers.iter().copied()).to_dynamic()).unwrap();
            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            let rank = (percent / 100.0 * sorted.len() as f64).ceil().max(1.0) as usize;
            prop_assert_eq!(digest.percentile(percent), Value::Long(sorted[rank - 1]));
            let below = numbers.iter().filter(|number| **number <= 0).count();
            prop_assert_eq!(digest.rank(&Value::Long(0)), Some(below as f64));
        }
    }
}
