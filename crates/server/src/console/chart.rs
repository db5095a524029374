//! How an answer is drawn, with the columns named that `render` leaves to whoever draws.
//!
//! Source: Kusto documentation, "render operator": the first column is the one across, of those that are left the numbers are
//! drawn, and texts between are series. A `timechart` has the first column of times across.

use std::collections::BTreeMap;

use castellan_kql::ScalarType;
use castellan_kql::plan::{Chart, Field};
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Drawn {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    y: Vec<String>,
    series: Vec<String>,
    properties: BTreeMap<String, Vec<String>>,
}

fn is_number(column: &Field) -> bool {
    use ScalarType::{Decimal, Int, Long, Real, TimeSpan};
    matches!(column.scalar_type, Int | Long | Real | Decimal | TimeSpan)
}

pub(super) fn of(chart: &Chart, columns: &[Field]) -> Drawn {
    let properties: BTreeMap<String, Vec<String>> =
        chart.properties.iter().map(|(name, values)| (name.to_lowercase(), values.clone())).collect();
    let said = |name: &str| properties.get(name).cloned().unwrap_or_default();
    let is_over_time = matches!(&*chart.kind, "timechart" | "anomalychart" | "timepivot");
    let of_time = columns.iter().find(|column| column.scalar_type == ScalarType::DateTime);
    let usual = of_time.filter(|_| is_over_time).or(columns.first());
    let x = said("xcolumn").into_iter().next().or_else(|| usual.map(|column| column.name.to_string()));
    let rest: Vec<&Field> = columns.iter().filter(|column| Some(&*column.name) != x.as_deref()).collect();
    let (mut y, mut series) = (said("ycolumns"), said("series"));
    if y.is_empty() {
        let numbers =
            rest.iter().filter(|column| is_number(column) && !series.iter().any(|own| *own == *column.name));
        // A list of a column that `make-series` made is drawn as well.
        y = numbers.map(|column| column.name.to_string()).collect();
        if y.is_empty() {
            let lists = rest.iter().filter(|column| column.scalar_type == ScalarType::Dynamic);
            y = lists.map(|column| column.name.to_string()).collect();
        }
    }
    if series.is_empty() {
        let texts = rest.iter().filter(|column| {
            let is_drawn = y.iter().any(|own| *own == *column.name);
            !is_drawn
                && matches!(column.scalar_type, ScalarType::String | ScalarType::Bool | ScalarType::Guid)
        });
        series = texts.map(|column| column.name.to_string()).collect();
    }
    let title = said("title").into_iter().next();
    Drawn { kind: chart.kind.to_string(), title, x, y, series, properties }
}

#[cfg(test)]
mod tests {
    use castellan_kql::ScalarType;
    use castellan_kql::plan::{Chart, Field};

    use super::of;

    fn check(
        kind: &str,
        properties: &[(&str, &[&str])],
        columns: &[(&str, ScalarType)],
        expected: [&str; 3],
    ) {
        let properties = properties
            .iter()
            .map(|(name, values)| ((*name).into(), values.iter().map(|value| (*value).to_owned()).collect()));
        let chart = Chart { kind: kind.into(), properties: properties.collect() };
        let columns: Vec<Field> = columns.iter().map(|(name, kind)| Field::new(*name, *kind)).collect();
        let drawn = of(&chart, &columns);
        let told = [drawn.x.unwrap_or_default(), drawn.y.join(" "), drawn.series.join(" ")];
        assert_eq!(told, expected);
    }

    #[test]
    fn columns_find_their_places() {
        use ScalarType::{DateTime, Dynamic, Long, String as Text};
        let counted = [("Action", Text), ("TimeGenerated", DateTime), ("count_", Long)];
        check("timechart", &[], &counted, ["TimeGenerated", "count_", "Action"]);
        check("columnchart", &[], &[("Action", Text), ("count_", Long)], ["Action", "count_", ""]);
        check("barchart", &[("xcolumn", &["count_"])], &counted, ["count_", "", "Action"]);
        check(
            "timechart",
            &[("ycolumns", &["a"]), ("series", &["b"])],
            &counted,
            ["TimeGenerated", "a", "b"],
        );
        check("timechart", &[], &[("xs", Dynamic), ("ys", Dynamic)], ["xs", "ys", ""]);
        check("card", &[], &[], ["", "", ""]);
    }
}
