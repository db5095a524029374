//! What people did: evidence, tasks, comments, the audit trail.

use castellan_base::Ticks;

use super::page::{code, escape, line, moment, table};
use super::parts::{ROWS, more};
use crate::case::{Case, Exhibit};

pub(super) fn evidence(case: &Case) -> String {
    let mut out = format!("<h2 id=\"evidence\">Evidence ({})</h2>\n", case.evidence.len());
    if case.evidence.is_empty() {
        out.push_str("<p class=\"soft\">No text was kept.</p>\n");
        return out;
    }
    out.push_str(
        "<p class=\"soft\">Secrets and personal data are taken out and marked. Originals are sealed; opening one is \
         written to the audit log before its text is shown.</p>\n",
    );
    for exhibit in case.evidence.iter().take(ROWS) {
        out.push_str(&one(exhibit));
    }
    out.push_str(&more(case.evidence.len()));
    out
}

fn one(exhibit: &Exhibit) -> String {
    let removed: Vec<String> =
        exhibit.removed.iter().map(|(what, count)| format!("{count} {}", escape(what))).collect();
    let removed = if removed.is_empty() {
        "nothing taken out".to_owned()
    } else {
        format!("taken out: {}", removed.join(", "))
    };
    let cut = if exhibit.cut > 0 {
        format!(" &middot; {} bytes more than are shown", exhibit.cut)
    } else {
        String::new()
    };
    let sealed = exhibit.sealed_to.as_ref().map_or_else(
        || "<span class=\"seal open\">original not kept</span>".to_owned(),
        |key| format!("<span class=\"seal\">original sealed to {}</span>", code(key)),
    );
    let at = Ticks::new(exhibit.at).map(moment).unwrap_or_default();
    format!(
        "<details open><summary><span class=\"title\">{}</span><span class=\"soft\">{} &middot; {at}</span></summary><div>\
         <pre>{}</pre><p class=\"soft\">{sealed} {removed} &middot; {} bytes{cut} &middot; digest {}</p></div></details>\n",
        escape(&line(&exhibit.kind, 80)),
        escape(&line(&exhibit.source, 120)),
        marked(&exhibit.redacted),
        exhibit.size,
        code(exhibit.id.get(..16).unwrap_or(&exhibit.id)),
    )
}

/// A redacted text with its marks made visible: `<PAYMENT_CARD>` stands for what was taken out. A text may hold such words
/// by itself; they look the same and hide nothing.
fn marked(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(&escape(before));
        let mark = after.split_once('>').filter(|(word, _)| is_mark(word));
        match mark {
            Some((word, behind)) => {
                out.push_str(&format!("<mark>{}</mark>", escape(word)));
                rest = behind;
            }
            None => {
                out.push_str("&lt;");
                rest = after;
            }
        }
    }
    out.push_str(&escape(rest));
    out
}

fn is_mark(word: &str) -> bool {
    !word.is_empty()
        && word.len() <= 64
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

pub(super) fn tasks(case: &Case) -> String {
    let rows: Vec<Vec<String>> = case
        .tasks
        .iter()
        .take(ROWS)
        .map(|task| {
            let done = match (&task.done_by, task.done) {
                (Some(by), Some(at)) => format!("done by {} at {}", escape(by), moment(at)),
                _ if task.is_done => "done".to_owned(),
                _ => "open".to_owned(),
            };
            let more = if task.description.is_empty() {
                String::new()
            } else {
                format!("<br><span class=\"soft\">{}</span>", escape(&task.description))
            };
            let mark = if task.is_done { "\u{2611}" } else { "\u{2610}" };
            vec![format!("{mark} {}{more}", escape(&task.title)), escape(&task.by), done]
        })
        .collect();
    let table = table(&["task", "added by", "state"], &rows, "There are no tasks.");
    format!("<h2 id=\"people\">Tasks</h2>\n{table}{}", more(case.tasks.len()))
}

pub(super) fn comments(case: &Case) -> String {
    let mut out = String::from("<h2>Comments</h2>\n");
    if case.comments.is_empty() {
        out.push_str("<p class=\"soft\">Nobody has said anything.</p>\n");
    }
    for comment in case.comments.iter().take(ROWS) {
        out.push_str(&format!(
            "<div class=\"comment\"><p class=\"soft\">{} &middot; {}</p><p class=\"said\">{}</p></div>\n",
            escape(&comment.by),
            moment(comment.at),
            escape(&comment.text),
        ));
    }
    out.push_str(&more(case.comments.len()));
    out
}

pub(super) fn trail(case: &Case) -> String {
    let rows: Vec<Vec<String>> = case
        .trail
        .iter()
        .take(ROWS)
        .map(|step| {
            vec![moment(step.at), escape(&step.by), escape(&step.what), escape(&line(&step.told, 1_000))]
        })
        .collect();
    let table = table(&["time (UTC)", "who", "what", "more"], &rows, "Nothing was done.");
    format!("<h2 id=\"trail\">Audit trail</h2>\n{table}{}", more(case.trail.len()))
}

#[cfg(test)]
mod tests {
    use super::marked;

    #[test]
    fn marks_are_shown_and_markup_is_not() {
        assert_eq!(marked("card <PAYMENT_CARD>."), "card <mark>PAYMENT_CARD</mark>.");
        assert_eq!(
            marked("<script>x</script> < <A B> <"),
            "&lt;script&gt;x&lt;/script&gt; &lt; &lt;A B&gt; &lt;"
        );
    }
}
