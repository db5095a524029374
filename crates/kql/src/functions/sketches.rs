//! Functions on what `tdigest()` and `hll()` keep.

use super::{MANY, ScalarFunction, array, at, function, items_at, or_null, real_at};
use crate::sketch::{Hll, TDigest};
use crate::value::{Dynamic, ScalarType, Value};

/// The dynamic value of an argument, also of one that is JSON in a text.
fn dynamic_at(arguments: &[Value], position: usize) -> Option<Dynamic> {
    match at(arguments, position) {
        Value::Dynamic(dynamic) => Some((**dynamic).clone()),
        Value::String(text) => Dynamic::parse(text),
        _ => None,
    }
}

fn digest_at(arguments: &[Value], position: usize) -> Option<TDigest> {
    TDigest::from_dynamic(&dynamic_at(arguments, position)?)
}

fn hll_at(arguments: &[Value], position: usize) -> Option<Hll> {
    Hll::from_dynamic(&dynamic_at(arguments, position)?)
}

/// All arguments as one; null counts as an empty one, anything else that is no digest makes the whole null.
fn merge_digests(arguments: &[Value]) -> Option<Value> {
    let mut merged = TDigest::default();
    for position in (0..arguments.len()).filter(|position| !at(arguments, *position).is_null()) {
        merged.merge(&digest_at(arguments, position)?);
    }
    Some(Value::dynamic(merged.to_dynamic()))
}

fn merge_hlls(arguments: &[Value]) -> Option<Value> {
    let mut merged: Option<Hll> = None;
    for position in (0..arguments.len()).filter(|position| !at(arguments, *position).is_null()) {
        let next = hll_at(arguments, position)?;
        match &mut merged {
            Some(merged) => merged.merge(&next),
            None => merged = Some(next),
        }
    }
    merged.map(|merged| Value::dynamic(merged.to_dynamic()))
}

fn percentile(arguments: &[Value]) -> Option<Value> {
    let value = digest_at(arguments, 0)?.percentile(real_at(arguments, 1)?);
    match arguments.get(2).and_then(Value::as_str) {
        Some(name) => Some(value.convert(ScalarType::named(name)?)),
        None => Some(value),
    }
}

/// The percentiles stand in an array or one by one.
fn percentiles(arguments: &[Value]) -> Option<Value> {
    let digest = digest_at(arguments, 0)?;
    let wanted: Vec<Value> = match items_at(arguments, 1) {
        Some(items) => items.iter().map(Dynamic::to_value).collect(),
        None => arguments.iter().skip(1).cloned().collect(),
    };
    let found = wanted.iter().map(|percent| {
        let value = percent.to_f64().map_or(Value::Null, |percent| digest.percentile(percent));
        Dynamic::from_value(&value)
    });
    Some(array(found.collect()))
}

fn rank(arguments: &[Value]) -> Option<f64> {
    digest_at(arguments, 0)?.rank(at(arguments, 1))
}

/// The rank in per cent of all values.
fn percent_rank(arguments: &[Value]) -> Option<f64> {
    let count = digest_at(arguments, 0)?.count();
    rank(arguments).filter(|_| count > 0.0).map(|rank| rank / count * 100.0)
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("dcount_hll", 1, 1, |a| or_null(hll_at(a, 0), |hll| Value::Long(hll.count()))),
    function("hll_merge", 2, MANY, |a| merge_hlls(a).unwrap_or_default()),
    function("merge_tdigest", 2, MANY, |a| merge_digests(a).unwrap_or_default()),
    function("merge_tdigests", 2, MANY, |a| merge_digests(a).unwrap_or_default()),
    function("tdigest_merge", 2, MANY, |a| merge_digests(a).unwrap_or_default()),
    function("percentile_tdigest", 2, 3, |a| percentile(a).unwrap_or_default()),
    function("percentile_array_tdigest", 2, MANY, |a| percentiles(a).unwrap_or_default()),
    function("percentrank_tdigest", 2, 2, |a| or_null(percent_rank(a), Value::Real)),
    function("rank_tdigest", 2, 2, |a| or_null(rank(a), Value::Real)),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> Value {
        let mut digest = TDigest::default();
        (1..=10).for_each(|number| digest.add(&Value::Long(number), 1.0));
        Value::dynamic(digest.to_dynamic())
    }

    fn call(name: &str, arguments: &[Value]) -> String {
        crate::functions::find(name).unwrap().call(arguments).unwrap().to_text()
    }

    #[test]
    fn digests_answer() {
        let digest = digest();
        let with = |value: Value| [digest.clone(), value];
        assert_eq!(call("percentile_tdigest", &with(Value::Long(50))), "5");
        assert_eq!(call("rank_tdigest", &with(Value::Long(3))), "3.0");
        assert_eq!(call("percentrank_tdigest", &with(Value::Long(3))), "30.0");
        let wanted = Value::dynamic(Dynamic::parse("[0, 90, \"x\"]").unwrap());
        assert_eq!(call("percentile_array_tdigest", &with(wanted)), "[1,9,null]");
        let typed = [digest.clone(), Value::Long(50), Value::string("real")];
        assert_eq!(call("percentile_tdigest", &typed), "5.0");
        let merged = crate::functions::find("tdigest_merge").unwrap().call(&[digest.clone(), digest.clone()]);
        assert_eq!(call("rank_tdigest", &[merged.unwrap(), Value::Long(3)]), "6.0");
        assert_eq!(call("rank_tdigest", &[Value::Long(1), Value::Long(3)]), "");
    }

    #[test]
    fn counts_merge() {
        let of = |numbers: std::ops::Range<i64>| {
            let mut hll = Hll::default();
            numbers.for_each(|number| hll.add(&Value::Long(number)));
            Value::dynamic(hll.to_dynamic())
        };
        let merged = crate::functions::find("hll_merge").unwrap().call(&[of(0..10), of(5..15)]).unwrap();
        assert_eq!(call("dcount_hll", &[merged]), "15");
    }
}
