//! Values and columns.

use std::sync::Arc;

use indexmap::IndexMap;

use super::form::{Form, Reader, Writer, choice, read_text, record, write_text};
use super::{Refusal, Result};
use crate::plan::{Field, NamedPlan};
use crate::value::{BigDecimal, Dynamic, ScalarType, Value};

record!(Field { name, scalar_type });
record!(NamedPlan { name, plan });

choice!(ScalarType {
    0 => Bool, 1 => Int, 2 => Long, 3 => Real, 4 => Decimal, 5 => String, 6 => DateTime, 7 => TimeSpan, 8 => Guid,
    9 => Dynamic,
});

choice!(Value {
    0 => Null, 1 => Bool(value), 2 => Int(value), 3 => Long(value), 4 => Real(value), 5 => Decimal(value),
    6 => String(value), 7 => DateTime(value), 8 => TimeSpan(value), 9 => Guid(value), 10 => Dynamic(value),
});

impl Form for i32 {
    fn write(&self, out: &mut Writer) {
        i64::from(*self).write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<i32> {
        i32::try_from(i64::read(input)?).map_err(|_| Refusal::new("a number is too large"))
    }
}

/// Digits as they are, and how many of them stand behind the point.
impl Form for BigDecimal {
    fn write(&self, out: &mut Writer) {
        let (digits, scale) = self.as_bigint_and_exponent();
        write_text(&digits.to_string(), out);
        scale.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<BigDecimal> {
        const WRONG: Refusal = Refusal::new("a decimal is not written as decimals are");
        let text = read_text(input)?;
        let scale = i64::read(input)?;
        // A decimal of the language has 34 digits and a sign at most, and an exponent of four digits.
        if text.len() > 40 || scale.abs() > 10_000 {
            return Err(WRONG);
        }
        let digits = text.parse::<BigDecimal>().map_err(|_| WRONG)?;
        let (digits, nothing) = digits.into_bigint_and_exponent();
        if nothing != 0 || digits.to_string() != text {
            return Err(WRONG);
        }
        Ok(BigDecimal::new(digits, scale))
    }
}

/// Deepest nesting of a dynamic value that is read.
const MAX_DEPTH: usize = 200;

impl Form for Arc<Dynamic> {
    fn write(&self, out: &mut Writer) {
        write_dynamic(self, 0, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Arc<Dynamic>> {
        read_dynamic(input, 0).map(Arc::new)
    }
}

fn write_dynamic(value: &Dynamic, depth: usize, out: &mut Writer) {
    if depth > MAX_DEPTH {
        return out.refuse("a dynamic value is nested too deeply");
    }
    match value {
        Dynamic::Null => out.byte(0),
        Dynamic::Bool(flag) => {
            out.byte(1);
            flag.write(out);
        }
        Dynamic::Long(number) => {
            out.byte(2);
            number.write(out);
        }
        Dynamic::Real(number) => {
            out.byte(3);
            number.write(out);
        }
        Dynamic::String(text) => {
            out.byte(4);
            text.write(out);
        }
        Dynamic::DateTime(ticks) => {
            out.byte(5);
            ticks.write(out);
        }
        Dynamic::TimeSpan(ticks) => {
            out.byte(6);
            ticks.write(out);
        }
        Dynamic::Guid(guid) => {
            out.byte(7);
            guid.write(out);
        }
        Dynamic::Array(items) => {
            out.byte(8);
            items.len().write(out);
            items.iter().for_each(|item| write_dynamic(item, depth + 1, out));
        }
        Dynamic::Bag(members) => {
            out.byte(9);
            members.len().write(out);
            for (key, value) in members {
                key.write(out);
                write_dynamic(value, depth + 1, out);
            }
        }
    }
}

fn read_dynamic(input: &mut Reader<'_>, depth: usize) -> Result<Dynamic> {
    if depth > MAX_DEPTH {
        return Err(Refusal::new("a dynamic value is nested too deeply"));
    }
    Ok(match input.byte()? {
        0 => Dynamic::Null,
        1 => Dynamic::Bool(Form::read(input)?),
        2 => Dynamic::Long(Form::read(input)?),
        3 => Dynamic::Real(Form::read(input)?),
        4 => Dynamic::String(Form::read(input)?),
        5 => Dynamic::DateTime(Form::read(input)?),
        6 => Dynamic::TimeSpan(Form::read(input)?),
        7 => Dynamic::Guid(Form::read(input)?),
        8 => {
            let items = (0..input.length()?).map(|_| read_dynamic(input, depth + 1));
            Dynamic::Array(items.collect::<Result<_>>()?)
        }
        9 => {
            let mut members = IndexMap::new();
            for _ in 0..input.length()? {
                if members.insert(Form::read(input)?, read_dynamic(input, depth + 1)?).is_some() {
                    return Err(Refusal::new("a bag has a key twice"));
                }
            }
            Dynamic::Bag(members)
        }
        _ => return Err(Refusal::new("there is no such dynamic value")),
    })
}
