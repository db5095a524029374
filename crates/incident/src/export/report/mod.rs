//! A report of one page that stands for itself: no script, nothing from elsewhere, readable on a screen, dark or light, and
//! on paper.
//!
//! *Invariant (text stays text):* everything that a source wrote goes through one escape; the page's own policy allows one
//! style sheet, by its hash, and nothing else.

mod page;
mod parts;
mod people;
mod picture;

use crate::case::Case;
use crate::graph::graph;
use page::{badge, code, escape, head, line, moment};

pub use picture::drawn;

use crate::graph::Graph;

/// The report of an incident, as HTML.
pub fn html(case: &Case) -> String {
    let mut out = head(&format!("Incident {}: {}", case.number, case.title));
    out.push_str(&header(case));
    out.push_str(&parts::facts(case));
    out.push_str("<h2 id=\"timeline\">Timeline</h2>\n");
    out.push_str(&picture::timeline(case));
    out.push_str("<h2 id=\"graph\">Who and what</h2>\n");
    out.push_str(&drawn(&graph(case)));
    out.push_str(&parts::entities(case));
    out.push_str(&parts::score(case));
    out.push_str(&parts::alerts(case));
    out.push_str(&people::evidence(case));
    out.push_str(&people::tasks(case));
    out.push_str(&people::comments(case));
    out.push_str(&people::trail(case));
    out.push_str("</body>\n</html>\n");
    out
}

/// The picture of a graph as a file of its own, with the style sheet of the report.
pub fn alone(graph: &Graph) -> String {
    let drawn = drawn(graph);
    let Some(inner) = drawn.strip_prefix("<svg ") else {
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 10 10\"/>\n".to_owned();
    };
    let (svg, _) = inner.split_once("</svg>").unwrap_or((inner, ""));
    let (attributes, content) = svg.split_once('>').unwrap_or((svg, ""));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" font-family=\"sans-serif\" {attributes}><style>{}</style>{content}</svg>\n",
        page::STYLE
    )
}

fn header(case: &Case) -> String {
    let labels: String =
        case.labels.iter().map(|label| format!(" <span class=\"label\">{}</span>", escape(label))).collect();
    let description = if case.description.is_empty() {
        String::new()
    } else {
        format!("<p class=\"lead\">{}</p>", escape(&case.description))
    };
    format!(
        "<header><p class=\"soft\">Incident {} &middot; {}</p><h1>{}</h1><p>{} <span class=\"status\">{}</span>{labels}</p>\
         {description}<p class=\"soft\">{} to {} UTC &middot; as of {} &middot; Castellan {}</p></header>\n\
         <nav><a href=\"#timeline\">Timeline</a><a href=\"#graph\">Who and what</a><a href=\"#alerts\">Alerts</a>\
         <a href=\"#evidence\">Evidence</a><a href=\"#people\">Tasks and comments</a><a href=\"#trail\">Audit trail</a></nav>\n",
        case.number,
        code(&case.id),
        escape(&line(&case.title, 300)),
        badge(case.severity),
        escape(&case.status),
        moment(case.first_activity),
        moment(case.last_activity),
        moment(case.modified),
        env!("CARGO_PKG_VERSION"),
    )
}
