//! Building blocks of the page: escaping, the shell around it, tables.

use std::fmt::Write as _;

use base64::Engine as _;
use castellan_base::Ticks;
use castellan_detect::rule::Severity;
use sha2::{Digest as _, Sha256};

/// The style sheet; the page has no script at all.
pub(super) const STYLE: &str = include_str!("page.css");

/// Text for element content and for attributes in double quotes. Control characters and those that reorder text become
/// visible marks, so that a name cannot pass for another.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(character),
            hidden if hidden.is_control() || reorders(hidden) => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

fn reorders(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line of at most so many characters.
pub(super) fn line(text: &str, most: usize) -> String {
    let mut shown: String =
        text.chars().map(|each| if each.is_control() { ' ' } else { each }).take(most).collect();
    if text.chars().nth(most).is_some() {
        shown.truncate(shown.char_indices().nth(most.saturating_sub(1)).map_or(0, |(at, _)| at));
        shown.push('\u{2026}');
    }
    shown
}

/// Everything up to the first heading.
pub(super) fn head(title: &str) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy =
        format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        escape(&line(title, 200))
    )
}

/// A table. Cells are markup already; what has no rows is said in the words instead.
pub(super) fn table(headers: &[&str], rows: &[Vec<String>], none: &str) -> String {
    if rows.is_empty() {
        return format!("<p class=\"soft\">{}</p>\n", escape(none));
    }
    let mut markup = String::from("<table><thead><tr>");
    for header in headers {
        // Writing to a string cannot fail.
        let _ = write!(markup, "<th>{}</th>", escape(header));
    }
    markup.push_str("</tr></thead><tbody>\n");
    for row in rows {
        let _ = writeln!(
            markup,
            "<tr>{}</tr>",
            row.iter().map(|cell| format!("<td>{cell}</td>")).collect::<String>()
        );
    }
    markup.push_str("</tbody></table>\n");
    markup
}

/// The word for a severity as a class of the style sheet.
pub(super) fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Informational => "info",
    }
}

/// A severity in a pill.
pub(super) fn badge(severity: Severity) -> String {
    format!("<span class=\"badge {}\">{severity}</span>", class(severity))
}

/// Text in a fixed pitch.
pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", escape(text))
}

/// A time to the second, without the zone: the page says once that it is UTC.
pub(super) fn moment(ticks: Ticks) -> String {
    let text = ticks.to_string();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_stays_text() {
        assert_eq!(escape("<i a='\"'>&\u{202e}\u{0}"), "&lt;i a=&#39;&quot;&#39;&gt;&amp;\u{fffd}\u{fffd}");
        assert!(!STYLE.contains("</style"), "the style sheet must not end its own element");
    }

    #[test]
    fn long_lines_are_cut_at_characters() {
        assert_eq!(line("a\nb", 9), "a b");
        assert_eq!(line("\u{e9}\u{e9}\u{e9}\u{e9}", 3), "\u{e9}\u{e9}\u{2026}");
        assert_eq!(line("", 0), "");
    }
}
