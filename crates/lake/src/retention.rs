//! How long rows are kept.

use std::fmt;
use std::str::FromStr;

/// The most days: a century, so that times stay within what files can say.
const MOST: u32 = 36_525;

/// How long rows of a table are kept, by the later of their `TimeGenerated` and the time of receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retention {
    /// As long as the lake says for tables that do not say it themselves.
    #[default]
    Default,
    /// For ever.
    Forever,
    /// So many days, from 1.
    Days(u32),
}

impl fmt::Display for Retention {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Retention::Default => formatter.write_str("default"),
            Retention::Forever => formatter.write_str("forever"),
            Retention::Days(days) => write!(formatter, "{days}d"),
        }
    }
}

impl FromStr for Retention {
    type Err = String;

    /// Reads `default`, `forever` or a number of days, as `90` or `90d`.
    fn from_str(text: &str) -> Result<Retention, String> {
        match text {
            "default" => Ok(Retention::Default),
            "forever" => Ok(Retention::Forever),
            days => match days.strip_suffix('d').unwrap_or(days).parse() {
                Ok(days @ 1..=MOST) => Ok(Retention::Days(days)),
                _ => Err(format!(
                    "`{text}` is no time to keep rows; say `forever`, `default`, or days from 1 to {MOST}, as `90d`"
                )),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for kept in [Retention::Default, Retention::Forever, Retention::Days(1), Retention::Days(MOST)] {
            assert_eq!(kept.to_string().parse(), Ok(kept));
        }
        assert_eq!("30".parse(), Ok(Retention::Days(30)));
        for wrong in ["0", "0d", "-1", "d", "", "36526", "1w", "99999999999"] {
            assert!(wrong.parse::<Retention>().is_err(), "{wrong}");
        }
    }
}
