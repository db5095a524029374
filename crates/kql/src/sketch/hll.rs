//! Distinct values among many.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use twox_hash::XxHash64;

use super::bag;
use crate::value::{Dynamic, Value};

/// The bits that choose a register, by `dcount()`'s accuracy 0 to 4. Source: Kusto documentation, "estimation accuracy".
const BITS: [u32; 5] = [12, 14, 16, 17, 18];

/// The accuracy without another.
const ACCURACY: usize = 1;

/// A count of distinct values with an error of about 0.8 % at the usual accuracy 1, in 16 KB at most (HyperLogLog).
/// The estimate is Ertl's (2017), which needs no tables of corrections and is exact to a few values for small counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Hll {
    bits: u32,
    /// For each register the longest run of zero bits seen, plus one; 0 for none.
    registers: Vec<u8>,
}

impl Default for Hll {
    fn default() -> Self {
        Hll::with_accuracy(ACCURACY)
    }
}

impl Hll {
    /// A sketch of an accuracy 0 (rough) to 4 (fine); another number is taken for 1.
    pub fn with_accuracy(accuracy: usize) -> Hll {
        let bits = BITS.get(accuracy).or(BITS.get(ACCURACY)).copied().unwrap_or(14);
        Hll { bits, registers: vec![0; 1 << bits] }
    }

    /// Takes in a value; null counts as missing.
    pub fn add(&mut self, value: &Value) {
        let value = match value.unwrapped() {
            Value::Null => return,
            // The same number is the same value whatever its width.
            Value::Int(number) => Value::Long(i64::from(number)),
            other => other,
        };
        let hash = XxHash64::oneshot(0, &crate::functions::hash_bytes(&value));
        let run = (hash << self.bits).leading_zeros().min(64 - self.bits) + 1;
        self.raise(hash >> (64 - self.bits), run);
    }

    fn raise(&mut self, register: u64, run: u32) {
        let register = usize::try_from(register).ok().and_then(|at| self.registers.get_mut(at));
        if let (Some(register), Ok(run)) = (register, u8::try_from(run)) {
            *register = (*register).max(run);
        }
    }

    /// Takes in all values of another sketch; the result is as rough as the rougher of the two.
    pub fn merge(&mut self, other: &Hll) {
        if other.bits < self.bits {
            *self = self.rougher(other.bits);
        }
        let other = if other.bits > self.bits { other.rougher(self.bits) } else { other.clone() };
        for (register, run) in self.registers.iter_mut().zip(other.registers) {
            *register = (*register).max(run);
        }
    }

    /// With fewer registers: the bits that no longer choose one belong to the run.
    fn rougher(&self, bits: u32) -> Hll {
        let mut rough = Hll { bits, registers: vec![0; 1 << bits] };
        let spare = self.bits - bits;
        for (register, run) in (0_u64..).zip(&self.registers).filter(|(_, run)| **run > 0) {
            let rest = register & ((1 << spare) - 1);
            let zeros = rest.leading_zeros() - (64 - spare);
            let run = if rest == 0 { u32::from(*run) + spare } else { zeros + 1 };
            rough.raise(register >> spare, run);
        }
        rough
    }

    /// About how many different values there were.
    pub fn count(&self) -> i64 {
        let longest = usize::try_from(64 - self.bits).unwrap_or(64);
        let mut runs = vec![0.0_f64; longest + 2];
        for run in &self.registers {
            if let Some(count) = runs.get_mut(usize::from(*run)) {
                *count += 1.0;
            }
        }
        let registers = self.registers.len() as f64;
        let share = |at: usize| runs.get(at).copied().unwrap_or(0.0) / registers;
        let mut sum = registers * full(1.0 - share(longest + 1));
        for run in (1..=longest).rev() {
            sum = 0.5 * (sum + runs.get(run).copied().unwrap_or(0.0));
        }
        sum += registers * empty(share(0));
        let estimate = registers * registers / (2.0 * std::f64::consts::LN_2 * sum);
        crate::value::whole(estimate.round()).unwrap_or(0)
    }

    /// The dynamic form: `{"hll": 1, "bits": 14, "runs": ...}`, where the runs are base64 of all registers, or of the
    /// numbers of those that are not 0 (three bytes, high byte first) each with its run, whichever is shorter.
    pub fn to_dynamic(&self) -> Dynamic {
        let used = (0_u32..).zip(&self.registers).filter(|(_, run)| **run > 0);
        let few: Vec<u8> = used
            .flat_map(|(register, run)| {
                let [_, high, middle, low] = register.to_be_bytes();
                [high, middle, low, *run]
            })
            .take(self.registers.len())
            .collect();
        let runs = if few.len() < self.registers.len() { &few } else { &self.registers };
        bag([
            ("hll", Dynamic::Long(1)),
            ("bits", Dynamic::Long(i64::from(self.bits))),
            ("runs", Dynamic::String(STANDARD_NO_PAD.encode(runs).into())),
        ])
    }

    /// From the dynamic form; `None` for anything else.
    pub fn from_dynamic(dynamic: &Dynamic) -> Option<Hll> {
        let bits = u32::try_from(dynamic.get("bits")?.to_value().to_i64()?).ok()?;
        if dynamic.get("hll") != Some(&Dynamic::Long(1)) || !BITS.contains(&bits) {
            return None;
        }
        let runs = STANDARD_NO_PAD.decode(dynamic.get("runs")?.to_value().as_str()?).ok()?;
        if runs.iter().any(|run| u32::from(*run) > 65 - bits) && runs.len() == 1 << bits {
            return None;
        }
        if runs.len() == 1 << bits {
            return Some(Hll { bits, registers: runs });
        }
        let mut hll = Hll { bits, registers: vec![0; 1 << bits] };
        let (used, rest) = runs.as_chunks::<4>();
        for [high, middle, low, run] in used {
            let register = u32::from_be_bytes([0, *high, *middle, *low]);
            if register >= 1 << bits || u32::from(*run) > 65 - bits {
                return None;
            }
            hll.raise(u64::from(register), u32::from(*run));
        }
        rest.is_empty().then_some(hll)
    }
}

/// What registers that saw nothing add to the estimate (sigma in Ertl's paper).
fn empty(share: f64) -> f64 {
    if share >= 1.0 {
        return f64::INFINITY;
    }
    let (mut x, mut y, mut sum) = (share, 1.0, share);
    loop {
        x *= x;
        let before = sum;
        sum += x * y;
        y += y;
        if sum <= before {
            return sum;
        }
    }
}

/// What registers that can hold no more add to it (tau).
fn full(share: f64) -> f64 {
    if share <= 0.0 || share >= 1.0 {
        return 0.0;
    }
    let (mut x, mut y, mut sum) = (share, 1.0, 1.0 - share);
    loop {
        x = x.sqrt();
        let before = sum;
        y *= 0.5;
        sum -= (1.0 - x).powi(2) * y;
        if sum >= before {
            return sum / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(numbers: impl IntoIterator<Item = i64>, accuracy: usize) -> Hll {
        let mut hll = Hll::with_accuracy(accuracy);
        numbers.into_iter().for_each(|number| hll.add(&Value::Long(number)));
        hll
    }

    #[test]
    fn counts_are_close() {
        for (accuracy, error) in [(0, 0.05), (1, 0.03), (4, 0.01)] {
            for count in [0, 1, 20, 1_000, 100_000] {
                let found = of(0..count, accuracy).count();
                assert!((found - count).abs() as f64 <= error * count as f64, "{accuracy} {count}: {found}");
            }
        }
    }

    #[test]
    fn merged_sketches_count_the_union() {
        let mut merged = of(1..=10, 1);
        merged.merge(&of(11..=20, 1));
        assert_eq!(merged.count(), 20);
        // A fine sketch made rough is the rough sketch of the same values.
        assert_eq!(of(0..5_000, 4).rougher(12), of(0..5_000, 0));
    }

    #[test]
    fn other_shapes_are_no_sketch() {
        let forms = [
            "{}",
            r#"{"hll":1,"bits":14,"runs":"AAA"}"#,
            r#"{"hll":1,"bits":60,"runs":""}"#,
            r#"{"hll":1,"bits":14,"runs":"////AQ"}"#,
            r#"{"hll":2,"bits":14,"runs":""}"#,
        ];
        for form in forms {
            assert_eq!(Hll::from_dynamic(&Dynamic::parse(form).unwrap()), None, "{form}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn sketches_come_back(count in 0..20_000_i64, accuracy in 0..5_usize) {
            let hll = of(0..count, accuracy);
            prop_assert_eq!(Hll::from_dynamic(&hll.to_dynamic()), Some(hll));
        }
    }
}
