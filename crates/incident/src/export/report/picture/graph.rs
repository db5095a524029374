//! The graph: those who act on the left, alerts in the middle, what is acted on on the right.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{WIDTH, units};
use crate::export::report::page::{escape, line};
use crate::graph::{Graph, Side, Vertex};

/// Nodes of a column that are drawn; the others are counted.
const DRAWN: usize = 24;
/// Height of a node, and the space below it.
const HEIGHT: f64 = 34.0;
const GAP: f64 = 12.0;
/// Width of a node.
const BOX: f64 = 290.0;
/// Rounds of sorting columns by their neighbours: after a few nothing moves any more.
const ROUNDS: usize = 4;

/// The picture of a graph as SVG, to stand in a page with the report's style sheet.
pub fn drawn(graph: &Graph) -> String {
    let mut columns = [Side::Actor, Side::Alert, Side::Thing].map(|side| column(graph, side));
    let beyond: usize = columns.iter().map(|column| column.len().saturating_sub(DRAWN)).sum();
    for column in &mut columns {
        column.truncate(DRAWN);
    }
    untangle(graph, &mut columns);
    let tallest = columns.iter().map(Vec::len).max().unwrap_or_default();
    if tallest == 0 {
        return "<p class=\"soft\">There is nothing to draw.</p>\n".to_owned();
    }
    let height = units(tallest) * (HEIGHT + GAP) + GAP;
    let mut places: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (at, column) in columns.iter().enumerate() {
        // A line has a width, of which half is outside.
        let left = 1.0 + units(at) * (WIDTH - BOX - 2.0) / 2.0;
        let top = (height - units(column.len()) * (HEIGHT + GAP) + GAP) / 2.0;
        for (row, node) in column.iter().enumerate() {
            places.insert(&node.id, (left, top + units(row) * (HEIGHT + GAP)));
        }
    }
    let mut svg = format!(
        "<svg class=\"picture\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"Graph of alerts and entities\">"
    );
    edges(&mut svg, graph, &places);
    for node in columns.iter().flatten() {
        if let Some(place) = places.get(node.id.as_str()) {
            vertex(&mut svg, node, *place);
        }
    }
    svg.push_str("</svg>\n");
    if beyond > 0 {
        svg.push_str(&format!(
            "<p class=\"soft\">{beyond} more are not drawn; the table below has them.</p>\n"
        ));
    }
    svg
}

/// The nodes of a side, those that most alerts name first.
fn column(graph: &Graph, side: Side) -> Vec<&Vertex> {
    let mut nodes: Vec<&Vertex> = graph.nodes.iter().filter(|node| node.side == side).collect();
    if side != Side::Alert {
        nodes.sort_by_key(|node| std::cmp::Reverse(node.count));
    }
    nodes
}

/// Sorts the columns beside the alerts so that nodes stand near their neighbours: by the mean of these.
fn untangle<'g>(graph: &'g Graph, columns: &mut [Vec<&'g Vertex>; 3]) {
    for round in 0..ROUNDS {
        let order = |column: &[&Vertex]| -> BTreeMap<String, f64> {
            column.iter().enumerate().map(|(at, node)| (node.id.clone(), units(at))).collect()
        };
        let [actors, alerts, things] = columns;
        if round % 2 == 0 {
            let places = order(alerts);
            sort(graph, actors, &places);
            sort(graph, things, &places);
        } else {
            let mut places = order(actors);
            places.extend(order(things));
            sort(graph, alerts, &places);
        }
    }
}

fn sort(graph: &Graph, column: &mut [&Vertex], places: &BTreeMap<String, f64>) {
    let mean = |node: &Vertex| {
        let ends = graph.edges.iter().filter_map(|edge| {
            let other = if edge.from == node.id {
                &edge.to
            } else if edge.to == node.id {
                &edge.from
            } else {
                return None;
            };
            places.get(other).copied()
        });
        let (sum, count) = ends.fold((0.0, 0), |(sum, count), place| (sum + place, count + 1));
        if count == 0 { f64::MAX } else { sum / units(count) }
    };
    column.sort_by(|one, other| mean(one).total_cmp(&mean(other)));
}

fn edges(svg: &mut String, graph: &Graph, places: &BTreeMap<&str, (f64, f64)>) {
    for edge in &graph.edges {
        let ends = (places.get(edge.from.as_str()), places.get(edge.to.as_str()));
        let (Some((alert, alert_top)), Some((entity, entity_top))) = ends else { continue };
        // An edge leaves the alert on the side where the entity stands.
        let (from, to) = if entity < alert { (*alert, entity + BOX) } else { (alert + BOX, *entity) };
        let (y1, y2) = (alert_top + HEIGHT / 2.0, entity_top + HEIGHT / 2.0);
        let middle = f64::midpoint(from, to);
        let width = 1.0 + units(edge.count.min(9)).sqrt();
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<path class=\"edge\" stroke-width=\"{width:.1}\" d=\"M{from:.1} {y1:.1} C{middle:.1} {y1:.1} {middle:.1} {y2:.1} {to:.1} {y2:.1}\"/>"
        );
    }
}

fn vertex(svg: &mut String, node: &Vertex, (left, top): (f64, f64)) {
    let is_alert = node.side == Side::Alert;
    let count = if node.count > 1 { format!(" \u{d7}{}", node.count) } else { String::new() };
    let name = if node.label.is_empty() { "(no name)".to_owned() } else { node.label.clone() };
    let kind = if is_alert { format!("alert{count}") } else { node.kind.clone() };
    let _ = write!(
        svg,
        "<g><title>{}</title><rect class=\"node {}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{BOX}\" height=\"{HEIGHT}\" rx=\"{}\"/>\
         <text class=\"kind\" x=\"{:.1}\" y=\"{:.1}\">{}</text><text class=\"label\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
        escape(&line(&format!("{kind}: {name}"), 300)),
        if is_alert { "alert" } else { "entity" },
        if is_alert { 4 } else { 16 },
        left + 14.0,
        top + 13.0,
        escape(&kind),
        left + 14.0,
        top + 27.0,
        escape(&ending(&name, 40)),
    );
}

/// A name of at most so many characters: of a path, the end tells more than the beginning.
fn ending(name: &str, most: usize) -> String {
    let count = name.chars().count();
    if count <= most || !name.contains('/') {
        return line(name, most);
    }
    let tail: String = name.chars().skip(count - most + 1).collect();
    format!("\u{2026}{}", line(&tail, most))
}
