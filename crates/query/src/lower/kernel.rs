//! Values that are computed an array at a time by functions of our own.

use castellan_kql::ast::{BinaryKind, BinaryOperator, MembershipOperator};
use castellan_kql::functions::address;
use castellan_kql::plan::{Scalar, ScalarKind};
use castellan_kql::value::{Dynamic, TICKS_PER_DAY};
use castellan_kql::{ScalarType, Value};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, cast, lit, not};

use super::scalar::Lower;
use crate::functions::address::InNetworks;
use crate::functions::dynamic::{Equals, IsNothing, ParseJson, Path, ToText};
use crate::functions::extract::Extract;
use crate::functions::kernel::{Kernel, call};
use crate::functions::real::Ordered;
use crate::functions::text::{Case, Concatenation, Length, Part as TextPart};
use crate::functions::text_test::TextTest;
use crate::functions::time::{Bin, Difference, HourOfDay, Shift};
use crate::physical::data_type;
use crate::physical::dynamic::Part;

impl Lower<'_> {
    /// `None` for values that have no kernel.
    pub(super) fn kernel(&self, scalar: &Scalar) -> Result<Option<Expr>> {
        match &scalar.kind {
            ScalarKind::Binary { operator, left, right } => self.operator(*operator, left, right, scalar),
            ScalarKind::Membership { value, operator, items } => self.membership(value, *operator, items),
            ScalarKind::Between { value, is_negated, low, high } => {
                self.between(value, *is_negated, low, high)
            }
            ScalarKind::Member(..) | ScalarKind::Index(..) => self.path(scalar),
            ScalarKind::Call { function, arguments } => self.call(function.name, arguments, scalar),
            ScalarKind::Cast(value) if scalar.scalar_type == ScalarType::String => self.text(value),
            _ => Ok(None),
        }
    }

    /// A test whether an address lies in any of some ranges, written as several: it is read once.
    pub(super) fn in_ranges(&self, scalar: &Scalar) -> Result<Option<Expr>> {
        match ranges_of(scalar) {
            Some((address, ranges)) => self.with(networks(&ranges), &[address]),
            None => Ok(None),
        }
    }

    fn with(&self, kernel: Option<impl Kernel>, arguments: &[&Scalar]) -> Result<Option<Expr>> {
        let Some(kernel) = kernel else { return Ok(None) };
        let arguments =
            arguments.iter().map(|argument| self.value(argument)).collect::<Result<Vec<Expr>>>()?;
        Ok(Some(call(kernel, arguments)))
    }

    fn operator(
        &self,
        operator: BinaryOperator,
        left: &Scalar,
        right: &Scalar,
        whole: &Scalar,
    ) -> Result<Option<Expr>> {
        use ScalarType::{DateTime, Dynamic, Int, Long, Real, String, TimeSpan};
        match (operator.kind, left.scalar_type, right.scalar_type) {
            (BinaryKind::Add, DateTime, TimeSpan) => self.with(Some(Shift::new(false)), &[left, right]),
            (BinaryKind::Add, TimeSpan, DateTime) => self.with(Some(Shift::new(false)), &[right, left]),
            (BinaryKind::Subtract, DateTime, TimeSpan) => self.with(Some(Shift::new(true)), &[left, right]),
            (BinaryKind::Subtract, DateTime, DateTime) if whole.scalar_type == TimeSpan => {
                self.with(Some(Difference), &[left, right])
            }
            (kind, Int | Long | Real, Int | Long | Real) => {
                let Some(kernel) = Ordered::new(kind) else { return Ok(None) };
                let real = |side: &Scalar| self.value(side).map(|side| cast(side, data_type(Real)));
                Ok(Some(call(kernel, vec![real(left)?, real(right)?])))
            }
            (_, String, _) => match right.as_literal() {
                Some(Value::String(wanted)) => self.with(TextTest::new(operator, wanted), &[left]),
                _ => Ok(None),
            },
            (_, Dynamic, _) => match right.as_literal() {
                // Case aside, the text of a dynamic value is that of what is in it.
                Some(Value::String(wanted)) if !operator.is_case_sensitive => {
                    let Some(test) = TextTest::new(operator, wanted) else { return Ok(None) };
                    Ok(self.with(Some(ToText), &[left])?.map(|text| call(test, vec![text])))
                }
                Some(constant) => self.with(Equals::new(operator, constant), &[left]),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    fn membership(
        &self,
        value: &Scalar,
        operator: MembershipOperator,
        items: &[Scalar],
    ) -> Result<Option<Expr>> {
        let Some(items) = constants(items) else { return Ok(None) };
        let texts =
            || items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>();
        match operator {
            MembershipOperator::In { is_negated, is_case_sensitive: true } => {
                let is_alike = |item: &Value| item.scalar_type() == Some(value.scalar_type);
                let is_exact = matches!(
                    value.scalar_type,
                    ScalarType::String
                        | ScalarType::Long
                        | ScalarType::Int
                        | ScalarType::DateTime
                        | ScalarType::Guid
                );
                if !is_exact || items.is_empty() || !items.iter().all(is_alike) {
                    return Ok(None);
                }
                let list =
                    items.iter().map(|item| lit(crate::physical::scalar(item, value.scalar_type))).collect();
                let found = self.value(value)?.in_list(list, is_negated);
                // Null is among no items that are not null.
                let is_total = value.scalar_type == ScalarType::String;
                Ok(Some(if is_total { found } else { or_else(found, is_negated) }))
            }
            MembershipOperator::In { is_negated, is_case_sensitive: false } => match texts() {
                Some(wanted) if value.scalar_type == ScalarType::String => {
                    self.with(TextTest::any_of(&wanted, is_negated), &[value])
                }
                _ => Ok(None),
            },
            MembershipOperator::HasAny | MembershipOperator::HasAll => match texts() {
                Some(wanted) if value.scalar_type == ScalarType::String => {
                    self.with(TextTest::terms(&wanted, operator == MembershipOperator::HasAll), &[value])
                }
                _ => Ok(None),
            },
        }
    }

    /// Between times, the upper bound of which may be a span from the lower one.
    fn between(&self, value: &Scalar, is_negated: bool, low: &Scalar, high: &Scalar) -> Result<Option<Expr>> {
        use ScalarType::{DateTime, Int, Long, Real, TimeSpan};
        let (is_so, value_type) =
            (|scalar_type| move |side: &Scalar| side.scalar_type == scalar_type, value.scalar_type);
        let inside = match value_type {
            DateTime if is_so(DateTime)(low) && matches!(high.scalar_type, DateTime | TimeSpan) => {
                let (value, from) = (self.value(value)?, self.value(low)?);
                let to = match high.scalar_type {
                    TimeSpan => call(Shift::new(false), vec![from.clone(), self.value(high)?]),
                    _ => self.value(high)?,
                };
                value.clone().gt_eq(from).and(value.lt_eq(to))
            }
            Int | Long | TimeSpan if is_so(value_type)(low) && is_so(value_type)(high) => {
                self.value(value)?.between(self.value(low)?, self.value(high)?)
            }
            Int | Long | Real if low.scalar_type.is_number() && high.scalar_type.is_number() => {
                let number = |kind, side: &Scalar| {
                    let operator = BinaryOperator { kind, is_negated: false, is_case_sensitive: true };
                    let (left, right) = (Box::new(value.clone()), Box::new(side.clone()));
                    let kind = ScalarKind::Binary { operator, left, right };
                    self.value(&Scalar { kind, scalar_type: ScalarType::Bool })
                };
                number(BinaryKind::GreaterOrEqual, low)?.and(number(BinaryKind::LessOrEqual, high)?)
            }
            _ => return Ok(None),
        };
        Ok(Some(if is_negated { not(inside) } else { inside }))
    }

    /// Members and items of a dynamic value, by constants.
    fn path(&self, scalar: &Scalar) -> Result<Option<Expr>> {
        let (mut parts, mut base) = (Vec::new(), scalar);
        loop {
            let (inner, part) = match &base.kind {
                ScalarKind::Member(inner, name) => (inner, Some(Part::Key(name.clone()))),
                ScalarKind::Index(inner, index) => (inner, index.as_literal().and_then(part)),
                _ => break,
            };
            let Some(part) = part else { break };
            parts.push(part);
            base = inner;
        }
        parts.reverse();
        if base.scalar_type != ScalarType::Dynamic || parts.is_empty() {
            return Ok(None);
        }
        if let (ScalarKind::Call { function, arguments }, [Part::Item(item)]) = (&base.kind, parts.as_slice())
            && let ("split", [text, delimiter]) = (function.name, arguments.as_slice())
            && let (ScalarType::String, Some(Value::String(delimiter))) =
                (text.scalar_type, delimiter.as_literal())
        {
            return self.with(TextPart::new(delimiter, *item), &[text]);
        }
        Ok(Some(call(Path::new(parts), vec![self.value(base)?])))
    }

    fn call(&self, name: &str, arguments: &[Scalar], whole: &Scalar) -> Result<Option<Expr>> {
        use ScalarType::{DateTime, Dynamic, String};
        let all = |wanted: ScalarType| arguments.iter().all(|argument| argument.scalar_type == wanted);
        match (name, arguments) {
            ("bin" | "floor", [value, size]) if whole.scalar_type == value.scalar_type => {
                self.with(size.as_literal().and_then(|size| bin(value.scalar_type, size)), &[value])
            }
            ("startofday", [value]) if all(DateTime) => {
                self.with(Bin::new(DateTime, TICKS_PER_DAY), &[value])
            }
            ("startofweek", [value]) if all(DateTime) => self.with(Bin::week(), &[value]),
            ("hourofday", [value]) if all(DateTime) => self.with(Some(HourOfDay), &[value]),
            ("tolower" | "toupper", [text]) if all(String) => {
                self.with(Some(Case::new(name == "toupper")), &[text])
            }
            ("ipv4_is_private", [text]) if all(String) => {
                self.with(InNetworks::new(address::PRIVATE.iter().copied()), &[text])
            }
            ("ipv4_is_in_range", [text, _]) | ("ipv4_is_in_any_range", [text, _, ..])
                if text.scalar_type == String =>
            {
                let networks = arguments.get(1..).and_then(constants).and_then(|ranges| networks(&ranges));
                self.with(networks, &[text])
            }
            ("strlen", [text]) if all(String) => self.with(Some(Length), &[text]),
            ("strcat", [_, ..]) if all(String) => {
                self.with(Some(Concatenation), &arguments.iter().collect::<Vec<&Scalar>>())
            }
            ("tostring", [value]) => self.text(value),
            ("parse_json" | "todynamic" | "parsejson" | "toobject", [text]) if all(String) => {
                self.with(Some(ParseJson), &[text])
            }
            ("isnull", [value]) if all(Dynamic) => self.with(Some(IsNothing::new(false)), &[value]),
            ("isempty", [value]) if all(Dynamic) => self.with(Some(IsNothing::new(true)), &[value]),
            ("isnotnull" | "notnull", [value]) if all(Dynamic) => {
                Ok(self.with(Some(IsNothing::new(false)), &[value])?.map(not))
            }
            ("isnotempty" | "notempty", [value]) if all(Dynamic) => {
                Ok(self.with(Some(IsNothing::new(true)), &[value])?.map(not))
            }
            ("extract", [pattern, group, text]) if text.scalar_type == String => {
                let extract = || {
                    let (pattern, group) = (pattern.as_literal()?.as_str()?, group.as_literal()?.to_i64()?);
                    Extract::new(pattern, usize::try_from(group).ok()?)
                };
                self.with(extract(), &[text])
            }
            _ => Ok(None),
        }
    }

    fn text(&self, value: &Scalar) -> Result<Option<Expr>> {
        match value.scalar_type {
            ScalarType::String => self.value(value).map(Some),
            ScalarType::Dynamic => self.with(Some(ToText), &[value]),
            _ => Ok(None),
        }
    }
}

/// A truth that is the same where it is null.
fn or_else(value: Expr, otherwise: bool) -> Expr {
    datafusion::functions::core::expr_fn::coalesce(vec![value, lit(otherwise)])
}

/// A bin whose size is a constant.
fn bin(scalar_type: ScalarType, size: &Value) -> Option<Bin> {
    match (scalar_type, size) {
        (ScalarType::DateTime | ScalarType::TimeSpan, Value::TimeSpan(size)) => Bin::new(scalar_type, *size),
        (ScalarType::Long, Value::Int(_) | Value::Long(_)) => Bin::new(scalar_type, size.to_i64()?),
        _ => None,
    }
}

/// A step into a value by a constant.
fn part(index: &Value) -> Option<Part> {
    match index.as_str() {
        Some(key) => Some(Part::Key(key.into())),
        None => index.to_i64().map(Part::Item),
    }
}

/// The items of a list of constants, with those of arrays for the arrays.
/// `ipv4_is_in_range(a, "...") or ipv4_is_in_range(a, "...")`: the address, and all ranges.
fn ranges_of(scalar: &Scalar) -> Option<(&Scalar, Vec<Value>)> {
    match &scalar.kind {
        ScalarKind::Binary { operator, left, right } if operator.kind == BinaryKind::Or => {
            let ((address, mut ranges), (other, more)) = (ranges_of(left)?, ranges_of(right)?);
            ranges.extend(more);
            (address == other).then_some((address, ranges))
        }
        ScalarKind::Call { function, arguments }
            if matches!(function.name, "ipv4_is_in_range" | "ipv4_is_in_any_range") =>
        {
            let (address, ranges) = arguments.split_first()?;
            let is_text = address.scalar_type == ScalarType::String && !ranges.is_empty();
            Some((address, constants(ranges)?)).filter(|_| is_text)
        }
        _ => None,
    }
}

fn networks(ranges: &[Value]) -> Option<InNetworks> {
    InNetworks::new(ranges.iter().map(Value::as_str).collect::<Option<Vec<&str>>>()?)
}

fn constants(items: &[Scalar]) -> Option<Vec<Value>> {
    let mut values = Vec::new();
    for item in items {
        match item.as_literal()? {
            Value::Dynamic(dynamic) => match &**dynamic {
                Dynamic::Array(inner) => values.extend(inner.iter().map(Dynamic::to_value)),
                scalar => values.push(scalar.to_value()),
            },
            value => values.push(value.clone()),
        }
    }
    Some(values)
}
