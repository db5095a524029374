//! Building blocks of the page: escaping, the shell around it, gauges and bars.

use std::fmt::{Display, Write as _};

use base64::Engine as _;
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
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                escaped.push('\u{fffd}')
            }
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Everything up to the first heading. The policy allows this one style sheet, by its hash, and nothing else.
pub(super) fn head(title: &str) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy =
        format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        escape(title)
    )
}

/// A half circle that fills from left to right; `share` is 0 to 1, `good` how good that is, 0 to 1.
pub(super) fn gauge(share: f64, good: f64, label: &str) -> String {
    let share = share.clamp(0.0, 1.0);
    let class = if good >= 0.75 {
        "good"
    } else if good >= 0.4 {
        "fair"
    } else {
        "poor"
    };
    let length = std::f64::consts::PI * 50.0;
    let filled = length * share;
    format!(
        "<svg viewBox=\"0 0 120 72\" role=\"img\" aria-label=\"{0}\"><path class=\"track\" d=\"M10 62 A50 50 0 0 1 110 62\" \
         fill=\"none\" stroke-width=\"12\" stroke-linecap=\"round\"/><path class=\"{class}\" d=\"M10 62 A50 50 0 0 1 110 62\" \
         fill=\"none\" stroke-width=\"12\" stroke-linecap=\"round\" stroke-dasharray=\"{filled:.1} {length:.1}\"/>\
         <text x=\"60\" y=\"60\" text-anchor=\"middle\">{0}</text></svg>",
        escape(label)
    )
}

/// A bar of two parts.
#[allow(clippy::cast_precision_loss)] // Counts of resources stay far below 2^52.
pub(super) fn bar(good: usize, bad: usize) -> String {
    let all = (good + bad).max(1) as f64;
    let width = good as f64 / all * 100.0;
    format!(
        "<div class=\"bar\"><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"ok\" width=\"{width:.1}\" height=\"10\"/><rect class=\"bad\" x=\"{width:.1}\" width=\"{:.1}\" height=\"10\"/></svg></div>",
        if good + bad == 0 { 0.0 } else { 100.0 - width }
    )
}

/// A table. Headers that start with `#` head columns of numbers; cells are markup already.
pub(super) fn table(headers: &[&str], rows: &[Vec<String>]) -> String {
    let mut markup = String::from("<table><thead><tr>");
    for header in headers {
        match header.strip_prefix('#') {
            Some(number) => {
                let _ = write!(markup, "<th class=\"number\">{}</th>", escape(number));
            }
            None => {
                let _ = write!(markup, "<th>{}</th>", escape(header));
            }
        }
    }
    markup.push_str("</tr></thead><tbody>\n");
    for row in rows {
        markup.push_str("<tr>");
        for (cell, header) in row.iter().zip(headers) {
            let class = if header.starts_with('#') { " class=\"number\"" } else { "" };
            let _ = write!(markup, "<td{class}>{cell}</td>");
        }
        markup.push_str("</tr>\n");
    }
    markup.push_str("</tbody></table>\n");
    markup
}

/// A label in a pill.
pub(super) fn badge(class: &str, words: impl Display) -> String {
    format!("<span class=\"badge {class}\">{}</span>", escape(&words.to_string()))
}

/// Text in a fixed pitch.
pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", escape(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_names_stays_text() {
        assert_eq!(
            escape("<img src=x onerror='a(\"b\")'>&"),
            "&lt;img src=x onerror=&#39;a(&quot;b&quot;)&#39;&gt;&amp;"
        );
        assert_eq!(escape("a\u{202e}b\u{0}"), "a\u{fffd}b\u{fffd}");
        assert!(!STYLE.contains("</style"), "the style sheet must not end its own element");
    }
}
