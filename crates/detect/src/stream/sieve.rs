//! Which rows of a table matter to which rules.
//!
//! Rules share conditions: each is asked once of rows that come, however many rules have it. Cheap ones are asked first,
//! and dear ones only of the rows that are left.

use castellan_kql::ast::{BinaryKind, MembershipOperator};
use castellan_kql::plan::{Scalar, ScalarKind};
use castellan_query::arrow::array::BooleanArray;
use castellan_query::arrow::compute::{and, or};
use castellan_query::arrow::datatypes::SchemaRef;
use castellan_query::compiled::{Columns, Compiler, Condition, Conversion};
use castellan_query::{Error, Table};

use super::together::Left;

/// Literals of a list beyond which asking for it is dear.
const SHORT_LIST: usize = 50;
/// A dear condition is asked of all rows when more than one in so many is left.
const FEW: usize = 4;

/// The conditions of all rules on one table.
#[derive(Debug)]
pub(super) struct Sieve {
    table: Table,
    schema: SchemaRef,
    conversion: Conversion,
    tests: Vec<Test>,
    ways: Vec<Way>,
}

/// A condition, however many rules have it.
#[derive(Debug)]
struct Test {
    scalar: Scalar,
    condition: Condition,
    is_cheap: bool,
}

/// The conditions of a place where a rule reads the table, by their numbers; cheap ones first.
#[derive(Debug)]
struct Way {
    rule: usize,
    tests: Vec<usize>,
}

impl Sieve {
    /// Without rules.
    ///
    /// Errors: a table of which a part is seen alone.
    pub(super) fn new(table: Table, compiler: &Compiler) -> Result<Sieve, Error> {
        let (schema, conversion) = (table.schema(), compiler.conversion(&table)?);
        Ok(Sieve { table, schema, conversion, tests: Vec::new(), ways: Vec::new() })
    }

    /// The columns that arriving rows have to have.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How rows become rows of the language.
    pub(super) fn conversion(&self) -> &Conversion {
        &self.conversion
    }

    /// Adds a place where a rule reads the table. `rule` is the number by which [`Sieve::matters`] names it: one for all
    /// places of a rule, or one for each where they are to be told apart.
    ///
    /// Errors: a condition that cannot be compiled.
    pub(super) fn add(
        &mut self,
        rule: usize,
        conditions: &[Scalar],
        compiler: &Compiler,
    ) -> Result<(), Error> {
        let mut tests = Vec::with_capacity(conditions.len());
        for scalar in conditions {
            tests.push(self.test(scalar, compiler)?);
        }
        tests.sort_by_key(|at| self.tests.get(*at).is_none_or(|test| !test.is_cheap));
        tests.dedup();
        self.ways.push(Way { rule, tests });
        Ok(())
    }

    /// Takes a rule away.
    pub(super) fn remove(&mut self, rule: usize) {
        self.ways.retain(|way| way.rule != rule);
    }

    /// Whether any rule reads the table.
    pub(super) fn is_read(&self) -> bool {
        !self.ways.is_empty()
    }

    fn test(&mut self, scalar: &Scalar, compiler: &Compiler) -> Result<usize, Error> {
        if let Some(at) = self.tests.iter().position(|test| test.scalar == *scalar) {
            return Ok(at);
        }
        let condition = compiler.condition(&self.table, scalar)?;
        self.tests.push(Test { scalar: scalar.clone(), condition, is_cheap: is_cheap(scalar) });
        Ok(self.tests.len() - 1)
    }

    /// The rules that some of the rows matter to, and which rows those are.
    ///
    /// Errors: values that cannot be computed.
    pub(super) fn matters(&self, rows: &dyn Columns) -> Result<Vec<(usize, BooleanArray)>, Error> {
        let mut asked: Vec<Option<BooleanArray>> = vec![None; self.tests.len()];
        let mut found: Vec<(usize, BooleanArray)> = Vec::new();
        for way in &self.ways {
            let Some(mask) = self.way(way, rows, &mut asked)? else { continue };
            match found.iter_mut().find(|(rule, _)| *rule == way.rule) {
                Some((_, known)) => *known = or(known, &mask)?,
                None => found.push((way.rule, mask)),
            }
        }
        Ok(found)
    }

    /// The rows that meet all conditions; nothing where none does.
    fn way(
        &self,
        way: &Way,
        rows: &dyn Columns,
        asked: &mut [Option<BooleanArray>],
    ) -> Result<Option<BooleanArray>, Error> {
        let mut left: Option<BooleanArray> = None;
        for at in &way.tests {
            let (Some(test), Some(known)) = (self.tests.get(*at), asked.get_mut(*at)) else { continue };
            let mask = match (&left, &known) {
                (Some(left), Some(known)) => and(left, known)?,
                (None, Some(known)) => known.clone(),
                (Some(left), None) if !test.is_cheap && left.true_count() * FEW < rows.rows() => {
                    let few = Left::new(rows, left);
                    few.spread(&test.condition.holds(&few)?)
                }
                (left, None) => {
                    let mask = test.condition.holds(rows)?;
                    *known = Some(mask.clone());
                    left.as_ref().map_or(Ok(mask.clone()), |left| and(left, &mask))?
                }
            };
            if mask.true_count() == 0 {
                return Ok(None);
            }
            left = Some(mask);
        }
        let all = || (rows.rows() > 0).then(|| BooleanArray::from(vec![true; rows.rows()]));
        Ok(left.or_else(all))
    }
}

/// Whether a condition compares a column with something short.
fn is_cheap(scalar: &Scalar) -> bool {
    let is_plain = |part: &Scalar| match &part.kind {
        ScalarKind::Column(_) | ScalarKind::Literal(_) => true,
        ScalarKind::Cast(inner) => matches!(inner.kind, ScalarKind::Column(_)),
        _ => false,
    };
    match &scalar.kind {
        ScalarKind::Column(_) => true,
        ScalarKind::Binary { operator, left, right } => {
            let is_compared = matches!(
                operator.kind,
                BinaryKind::Equal
                    | BinaryKind::Less
                    | BinaryKind::LessOrEqual
                    | BinaryKind::Greater
                    | BinaryKind::GreaterOrEqual
            );
            is_compared && is_plain(left) && is_plain(right)
        }
        ScalarKind::Membership { value, operator: MembershipOperator::In { .. }, items } => {
            is_plain(value) && items.len() <= SHORT_LIST && items.iter().all(is_plain)
        }
        ScalarKind::Call { function, arguments } => {
            matches!(function.name, "isnotempty" | "isempty" | "isnull" | "isnotnull")
                && arguments.iter().all(is_plain)
        }
        _ => false,
    }
}
