//! .NET's date formats: the standard ones that make sense without a culture, and the custom ones.

use castellan_base::Ticks;

use super::FunctionError;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Longest format that is followed.
const LENGTH: usize = 256;

pub(super) fn write(time: Ticks, format: &str) -> Result<String, FunctionError> {
    let custom = match format {
        "d" => "MM/dd/yyyy",
        "D" => "dddd, dd MMMM yyyy",
        "f" => "dddd, dd MMMM yyyy HH:mm",
        "F" => "dddd, dd MMMM yyyy HH:mm:ss",
        "g" => "MM/dd/yyyy HH:mm",
        "G" => "MM/dd/yyyy HH:mm:ss",
        "o" | "O" => "yyyy-MM-ddTHH:mm:ss.fffffffZ",
        "r" | "R" => "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
        "s" => "yyyy-MM-ddTHH:mm:ss",
        "t" => "HH:mm",
        "T" => "HH:mm:ss",
        "u" => "yyyy-MM-dd HH:mm:ssZ",
        "y" | "Y" => "yyyy MMMM",
        other => other,
    };
    if custom.len() > LENGTH {
        return Err(FunctionError::new(format!("a date format is at most {LENGTH} long")));
    }
    let zoned = time.to_timestamp().map(|timestamp| timestamp.to_zoned(jiff::tz::TimeZone::UTC));
    let zoned = zoned.ok_or_else(|| FunctionError::new("the time is too far away"))?;
    let mut text = String::new();
    let mut rest = custom;
    while let Some(letter) = rest.chars().next() {
        let run = rest.chars().take_while(|next| *next == letter).count();
        let mut consumed = run * letter.len_utf8();
        match letter {
            '\'' => {
                let inner = rest.get(1..).unwrap_or_default();
                let end = inner.find('\'').unwrap_or(inner.len());
                text.push_str(inner.get(..end).unwrap_or_default());
                consumed = (end + 2).min(rest.len());
            }
            _ => part(&mut text, letter, run, &zoned),
        }
        rest = rest.get(consumed..).unwrap_or_default();
    }
    Ok(text)
}

fn part(text: &mut String, letter: char, run: usize, time: &jiff::Zoned) {
    let two = |number: i8| if run == 1 { number.to_string() } else { format!("{number:02}") };
    let named = |names: &[&str], index: i8| {
        let name =
            usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default();
        if run == 3 { name.get(..3).unwrap_or(name).to_owned() } else { name.to_owned() }
    };
    let twelve = |hour: i8| if hour % 12 == 0 { 12 } else { hour % 12 };
    let shown = match letter {
        'y' if run <= 2 => format!("{:02}", time.year() % 100),
        'y' => format!("{:0>run$}", time.year()),
        'M' if run <= 2 => two(time.month()),
        'M' => named(&MONTHS, time.month() - 1),
        'd' if run <= 2 => two(time.day()),
        'd' => named(&DAYS, time.weekday().to_monday_zero_offset()),
        'H' => two(time.hour()),
        'h' => two(twelve(time.hour())),
        'm' => two(time.minute()),
        's' => two(time.second()),
        'f' | 'F' => format!("{:09}", time.subsec_nanosecond()).chars().take(run.min(7)).collect(),
        't' => if time.hour() < 12 { "AM" } else { "PM" }.chars().take(run.min(2)).collect(),
        'K' => "Z".to_owned(),
        'z' if run >= 3 => "+00:00".to_owned(),
        'z' => "+00".to_owned(),
        other => std::iter::repeat_n(other, run).collect(),
    };
    text.push_str(&shown);
}
