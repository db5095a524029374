//! Composite formatting as .NET's `String.Format` does it, for the specifiers that templates use: `D`, `X`, `N`, `F`,
//! `P` and `G` on numbers; alignment on anything.

use castellan_base::{Node, Value};

use super::string::text_of;
use super::{FunctionError, TEXT_LIMIT};

/// Widest alignment and longest precision.
const WIDTH: usize = 4096;

pub(super) fn format(pattern: &str, args: &[Node]) -> Result<String, FunctionError> {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(offset) = rest.find(['{', '}']) {
        text.push_str(rest.get(..offset).unwrap_or_default());
        let brace = rest.get(offset..).unwrap_or_default();
        if brace.starts_with("{{") || brace.starts_with("}}") {
            text.push_str(brace.get(..1).unwrap_or_default());
            rest = brace.get(2..).unwrap_or_default();
            continue;
        }
        let end = brace.find('}').filter(|_| brace.starts_with('{'));
        let end = end.ok_or_else(|| FunctionError::new("a brace in the pattern stands alone; double it"))?;
        text.push_str(&placeholder(brace.get(1..end).unwrap_or_default(), args)?);
        rest = brace.get(end + 1..).unwrap_or_default();
        if text.len() > TEXT_LIMIT {
            return Err(FunctionError::new("the text would be too long"));
        }
    }
    text.push_str(rest);
    Ok(text)
}

/// `index[,alignment][:specifier]`.
fn placeholder(inner: &str, args: &[Node]) -> Result<String, FunctionError> {
    let (head, specifier) = inner.split_once(':').unwrap_or((inner, ""));
    let (index, alignment) = head.split_once(',').unwrap_or((head, "0"));
    let index: Option<usize> = index.trim().parse().ok();
    let argument = index.and_then(|index| args.get(index));
    let argument = argument.ok_or_else(|| FunctionError::new(format!("`{{{inner}}}` names no argument")))?;
    let width: i64 =
        alignment.trim().parse().map_err(|_| FunctionError::new("the alignment is no number"))?;
    let value = match argument.value {
        Value::Int(number) if !specifier.is_empty() => formatted_number(number, specifier)?,
        _ => text_of(argument),
    };
    let padding = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
    if padding > WIDTH {
        return Err(FunctionError::new(format!("an alignment is at most {WIDTH} wide")));
    }
    Ok(if width < 0 { format!("{value:<padding$}") } else { format!("{value:>padding$}") })
}

fn formatted_number(number: i64, specifier: &str) -> Result<String, FunctionError> {
    let unsupported = || FunctionError::new(format!("the number format `{specifier}` is not supported"));
    let kind = specifier.chars().next().ok_or_else(unsupported)?;
    if specifier.bytes().all(|byte| byte == b'0') {
        return Ok(signed(
            number,
            &format!("{:0>width$}", number.unsigned_abs(), width = specifier.len().min(WIDTH)),
        ));
    }
    let digits = specifier.get(kind.len_utf8()..).unwrap_or_default();
    let precision: Option<usize> = if digits.is_empty() { None } else { digits.parse().ok() };
    if (precision.is_none() && !digits.is_empty()) || precision.is_some_and(|precision| precision > WIDTH) {
        return Err(unsupported());
    }
    let magnitude = number.unsigned_abs();
    let decimals = |count: usize| if count == 0 { String::new() } else { format!(".{}", "0".repeat(count)) };
    Ok(match kind {
        'D' | 'd' | 'G' | 'g' => {
            signed(number, &format!("{magnitude:0>width$}", width = precision.unwrap_or(0)))
        }
        'X' => format!("{number:0>width$X}", width = precision.unwrap_or(0)),
        'x' => format!("{number:0>width$x}", width = precision.unwrap_or(0)),
        'F' | 'f' => signed(number, &(magnitude.to_string() + &decimals(precision.unwrap_or(2)))),
        'N' | 'n' => signed(number, &(grouped(magnitude) + &decimals(precision.unwrap_or(2)))),
        _ => return Err(unsupported()),
    })
}

fn signed(number: i64, magnitude: &str) -> String {
    format!("{}{magnitude}", if number < 0 { "-" } else { "" })
}

fn grouped(magnitude: u64) -> String {
    let digits = magnitude.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
