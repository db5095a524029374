//! The timeline: a lane for the alerts of each name, one for evidence, one for what people did.

use std::fmt::Write as _;

use castellan_base::Ticks;

use super::{WIDTH, units};
use crate::case::Case;
use crate::export::report::page::{class, escape, line, moment};
use crate::timeline::{Kind, Moment, timeline as moments};

/// Lanes of alerts; those of further names share the last one.
const LANES: usize = 14;
/// Moments that are drawn in one lane.
const DRAWN: usize = 400;
/// Height of a lane.
const LANE: f64 = 26.0;
/// Where lanes begin, behind their names.
const LEFT: f64 = 300.0;
/// Times that are written below.
const TIMES: usize = 5;

struct Lane {
    name: String,
    moments: Vec<Moment>,
}

pub(crate) fn timeline(case: &Case) -> String {
    let all = moments(case);
    let lanes = lanes(&all);
    let (Some(first), Some(last)) = (
        all.iter().map(|moment| moment.at).min(),
        all.iter().map(|moment| moment.until.unwrap_or(moment.at)).max(),
    ) else {
        return "<p class=\"soft\">Nothing has a time.</p>\n".to_owned();
    };
    let scale = Scale { first: first.get(), last: last.get().max(first.get() + 1) };
    let height = LANE * units(lanes.len()) + 40.0;
    let mut svg = format!(
        "<svg class=\"picture\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Timeline\">"
    );
    axis(&mut svg, LANE * units(lanes.len()), &scale);
    for (at, lane) in lanes.iter().enumerate() {
        draw(&mut svg, lane, units(at) * LANE, &scale);
    }
    svg.push_str("</svg>\n");
    svg
}

fn lanes(all: &[Moment]) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    for moment in all.iter().filter(|moment| moment.kind == Kind::Alert) {
        let known = lanes.iter().position(|lane| lane.name == moment.title);
        let at = known.unwrap_or_else(|| {
            if lanes.len() < LANES {
                lanes.push(Lane { name: moment.title.clone(), moments: Vec::new() });
            } else if let Some(lane) = lanes.last_mut() {
                "other alerts".clone_into(&mut lane.name);
            }
            lanes.len() - 1
        });
        if let Some(lane) = lanes.get_mut(at) {
            lane.moments.push(moment.clone());
        }
    }
    for (kind, name) in [(Kind::Evidence, "Evidence"), (Kind::Step, "What was done")] {
        let moments: Vec<Moment> = all.iter().filter(|moment| moment.kind == kind).cloned().collect();
        if !moments.is_empty() {
            lanes.push(Lane { name: name.to_owned(), moments });
        }
    }
    lanes
}

struct Scale {
    first: i64,
    last: i64,
}

impl Scale {
    /// Where a time stands.
    #[allow(clippy::cast_precision_loss)] // A picture needs no more digits.
    fn place(&self, ticks: i64) -> f64 {
        let share = (ticks - self.first) as f64 / (self.last - self.first) as f64;
        LEFT + 10.0 + share * (WIDTH - LEFT - 30.0)
    }
}

fn draw(svg: &mut String, lane: &Lane, top: f64, scale: &Scale) {
    let middle = top + LANE / 2.0;
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        "<line class=\"rule\" x1=\"{LEFT}\" y1=\"{middle}\" x2=\"{WIDTH}\" y2=\"{middle}\"/>\
         <text class=\"name\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
        LEFT - 12.0,
        middle + 4.0,
        escape(&line(&lane.name, 42))
    );
    for moment in lane.moments.iter().take(DRAWN) {
        let from = scale.place(moment.at.get());
        let to = moment.until.map_or(from, |until| scale.place(until.get()));
        let title = escape(&format!("{} UTC: {}", self::moment(moment.at), line(&moment.title, 120)));
        match moment.severity {
            Some(severity) => {
                let _ = write!(
                    svg,
                    "<rect class=\"bar {}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"12\" rx=\"3\"><title>{title}</title></rect>",
                    class(severity),
                    from - 3.0,
                    middle - 6.0,
                    (to - from + 6.0).max(6.0)
                );
            }
            None => {
                let _ = write!(
                    svg,
                    "<circle class=\"dot {}\" cx=\"{from:.1}\" cy=\"{middle:.1}\" r=\"4.5\"><title>{title}</title></circle>",
                    moment.kind.as_str()
                );
            }
        }
    }
}

fn axis(svg: &mut String, top: f64, scale: &Scale) {
    for step in 0..TIMES {
        let step = i64::try_from(step).unwrap_or_default();
        let steps = i64::try_from(TIMES).unwrap_or(2) - 1;
        let ticks = scale.first + (scale.last - scale.first) / steps * step;
        let text = Ticks::new(ticks).map(moment).unwrap_or_default();
        let (at, anchor) = (
            scale.place(ticks),
            if step == 0 {
                "start"
            } else if step == steps {
                "end"
            } else {
                "middle"
            },
        );
        let _ = write!(
            svg,
            "<line class=\"rule\" x1=\"{at:.1}\" y1=\"0\" x2=\"{at:.1}\" y2=\"{:.1}\"/>\
             <text class=\"time\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            top + 6.0,
            top + 22.0,
            escape(text.get(..16).unwrap_or(&text))
        );
    }
}
