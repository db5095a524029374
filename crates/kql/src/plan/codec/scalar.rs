//! Values of rows: each part behind its operands.

use std::sync::Arc;

use super::form::{Form, Reader, Writer, choice, read_text, record, write_text};
use super::{MAX_HEIGHT, Refusal, Result};
use crate::ast::{BinaryKind, BinaryOperator, MembershipOperator};
use crate::functions::{self, ScalarFunction};
use crate::plan::{Plan, Scalar, ScalarKind, Volatile};
use crate::value::{ScalarType, Value};

record!(BinaryOperator { kind, is_negated, is_case_sensitive });

choice!(BinaryKind {
    0 => Or, 1 => And, 2 => Equal, 3 => Less, 4 => LessOrEqual, 5 => Greater, 6 => GreaterOrEqual, 7 => Add,
    8 => Subtract, 9 => Multiply, 10 => Divide, 11 => Modulo, 12 => Has, 13 => HasPrefix, 14 => HasSuffix,
    15 => Contains, 16 => StartsWith, 17 => EndsWith, 18 => MatchesRegex, 19 => Like, 20 => Search,
});

choice!(MembershipOperator { 0 => In { is_negated, is_case_sensitive }, 1 => HasAny, 2 => HasAll });

choice!(Volatile { 0 => Random(below), 1 => Guid });

impl Form for &'static ScalarFunction {
    fn write(&self, out: &mut Writer) {
        write_text(self.name, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<&'static ScalarFunction> {
        functions::find(read_text(input)?).ok_or(Refusal::new("there is no such function"))
    }
}

/// A part without its operands.
enum Part {
    Literal(Value),
    Column(usize),
    Call(&'static ScalarFunction, usize),
    Volatile(Volatile),
    Negate,
    Binary(BinaryOperator),
    Between(bool),
    Membership(MembershipOperator, usize),
    MembershipOf(MembershipOperator, Arc<Plan>),
    Member(Arc<str>),
    Index,
    Cast,
    Subquery(Arc<Plan>),
}

choice!(Part {
    0 => Literal(value), 1 => Column(at), 2 => Call(function, count), 3 => Volatile(what), 4 => Negate,
    5 => Binary(operator), 6 => Between(is_negated), 7 => Membership(operator, count),
    8 => MembershipOf(operator, table), 9 => Member(name), 10 => Index, 11 => Cast, 12 => Subquery(plan),
});

impl Part {
    fn of(kind: &ScalarKind) -> Part {
        match kind {
            ScalarKind::Literal(value) => Part::Literal(value.clone()),
            ScalarKind::Column(at) => Part::Column(*at),
            ScalarKind::Call { function, arguments } => Part::Call(function, arguments.len()),
            ScalarKind::Volatile(what) => Part::Volatile(what.clone()),
            ScalarKind::Negate(_) => Part::Negate,
            ScalarKind::Binary { operator, .. } => Part::Binary(*operator),
            ScalarKind::Between { is_negated, .. } => Part::Between(*is_negated),
            ScalarKind::Membership { operator, items, .. } => Part::Membership(*operator, items.len()),
            ScalarKind::MembershipOf { operator, table, .. } => {
                Part::MembershipOf(*operator, Arc::clone(table))
            }
            ScalarKind::Member(_, name) => Part::Member(Arc::clone(name)),
            ScalarKind::Index(..) => Part::Index,
            ScalarKind::Cast(_) => Part::Cast,
            ScalarKind::Subquery(plan) => Part::Subquery(Arc::clone(plan)),
        }
    }

    /// With its operands, the last of which are taken first.
    fn over(self, stack: &mut Operands) -> Result<ScalarKind> {
        Ok(match self {
            Part::Literal(value) => ScalarKind::Literal(value),
            Part::Column(at) => ScalarKind::Column(at),
            Part::Call(function, count) => {
                if !(function.least..=function.most).contains(&count) {
                    return Err(Refusal::new("a function does not take so many arguments"));
                }
                ScalarKind::Call { function, arguments: stack.several(count)? }
            }
            Part::Volatile(what) => ScalarKind::Volatile(what),
            Part::Negate => ScalarKind::Negate(stack.one()?),
            Part::Binary(operator) => {
                let right = stack.one()?;
                ScalarKind::Binary { operator, left: stack.one()?, right }
            }
            Part::Between(is_negated) => {
                let (high, low) = (stack.one()?, stack.one()?);
                ScalarKind::Between { value: stack.one()?, is_negated, low, high }
            }
            Part::Membership(operator, count) => {
                let items = stack.several(count)?;
                ScalarKind::Membership { value: stack.one()?, operator, items }
            }
            Part::MembershipOf(operator, table) => {
                ScalarKind::MembershipOf { value: stack.one()?, operator, table }
            }
            Part::Member(name) => ScalarKind::Member(stack.one()?, name),
            Part::Index => {
                let index = stack.one()?;
                ScalarKind::Index(stack.one()?, index)
            }
            Part::Cast => ScalarKind::Cast(stack.one()?),
            Part::Subquery(plan) => ScalarKind::Subquery(plan),
        })
    }
}

/// Values that wait for the part that they are operands of, each with its height.
#[derive(Default)]
struct Operands {
    waiting: Vec<(Scalar, usize)>,
    /// The height of the highest that was taken for the part at hand.
    height: usize,
}

const LACKS: Refusal = Refusal::new("a value lacks an operand");

impl Operands {
    fn one(&mut self) -> Result<Box<Scalar>> {
        let (scalar, height) = self.waiting.pop().ok_or(LACKS)?;
        self.height = self.height.max(height);
        Ok(Box::new(scalar))
    }

    fn several(&mut self, count: usize) -> Result<Vec<Scalar>> {
        let start = self.waiting.len().checked_sub(count).ok_or(LACKS)?;
        let taken = self.waiting.drain(start..);
        let mut highest = self.height;
        let scalars = taken.map(|(scalar, height)| {
            highest = highest.max(height);
            scalar
        });
        let scalars = scalars.collect();
        self.height = highest;
        Ok(scalars)
    }

    fn put(&mut self, kind: ScalarKind, scalar_type: ScalarType) -> Result<()> {
        let height = std::mem::take(&mut self.height) + 1;
        if height > MAX_HEIGHT {
            return Err(Refusal::new("a value has too many operators inside each other"));
        }
        self.waiting.push((Scalar { kind, scalar_type }, height));
        Ok(())
    }
}

impl Form for Scalar {
    fn write(&self, out: &mut Writer) {
        let mut parts = Vec::new();
        if !gather(self, 1, &mut parts) {
            out.refuse("a value has too many operators inside each other");
        }
        parts.len().write(out);
        for part in parts {
            Part::of(&part.kind).write(out);
            part.scalar_type.write(out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Scalar> {
        let mut operands = Operands::default();
        for _ in 0..input.length()? {
            let part = Part::read(input)?;
            let scalar_type = ScalarType::read(input)?;
            let kind = part.over(&mut operands)?;
            operands.put(kind, scalar_type)?;
        }
        match (operands.waiting.pop(), operands.waiting.is_empty()) {
            (Some((scalar, _)), true) => Ok(scalar),
            _ => Err(Refusal::new("a value has parts that nothing uses")),
        }
    }
}

/// The parts behind their operands; false where they are too high.
fn gather<'s>(scalar: &'s Scalar, depth: usize, parts: &mut Vec<&'s Scalar>) -> bool {
    let is_low =
        depth <= MAX_HEIGHT && scalar.operands().into_iter().all(|operand| gather(operand, depth + 1, parts));
    parts.push(scalar);
    is_low
}
