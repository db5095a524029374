//! Data points of metrics to `OTelMetrics`, a table of our own: Azure Monitor keeps metrics outside of its logs.

use castellan_base::Ticks;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint,
    exemplar, exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
};

use super::any::{Attributes, double};
use super::origin::Origin;
use super::spans::{id, own_attributes, write_attributes};
use crate::json::{self, Object};
use crate::problem::{Place, ProblemKind, Problems};
use crate::rows::Sheet;
use crate::{MAX_TEXT, times};

/// Most exemplars of a data point that are kept.
const MAX_EXEMPLARS: usize = 1_024;

/// Writes rows, with buffers that are used again.
pub(super) struct Writer {
    received: Ticks,
    row: Vec<u8>,
}

/// What all kinds of data points have.
struct Common<'a> {
    start: u64,
    time: u64,
    flags: u32,
    attributes: &'a [KeyValue],
    exemplars: &'a [Exemplar],
}

/// What the points of a metric share.
struct About<'a> {
    origin: &'a Origin,
    metric: &'a Metric,
    kind: &'static str,
    temporality: i32,
    monotonic: Option<bool>,
}

impl Writer {
    pub(super) fn new(received: Ticks) -> Writer {
        Writer { received, row: Vec::new() }
    }

    pub(super) fn scope(
        &mut self,
        origin: &Origin,
        metrics: &[Metric],
        outer: (usize, usize),
        sheet: &mut Sheet,
    ) {
        for (place, metric) in metrics.iter().enumerate() {
            sheet.problems.at(Place { outer: Some(outer), record: place });
            self.metric(origin, metric, sheet);
        }
    }

    fn metric(&mut self, origin: &Origin, metric: &Metric, sheet: &mut Sheet) {
        let about = |kind, temporality, monotonic| About { origin, metric, kind, temporality, monotonic };
        match &metric.data {
            None => sheet.problems.tell(ProblemKind::NoData),
            Some(Data::Gauge(gauge)) => {
                for point in &gauge.data_points {
                    self.point(&about("Gauge", 0, None), &number(point), sheet, |row, told| {
                        value(row, point, told)
                    });
                }
            }
            Some(Data::Sum(sum)) => {
                let about = about("Sum", sum.aggregation_temporality, Some(sum.is_monotonic));
                for point in &sum.data_points {
                    self.point(&about, &number(point), sheet, |row, told| value(row, point, told));
                }
            }
            Some(Data::Histogram(histogram)) => {
                let about = about("Histogram", histogram.aggregation_temporality, None);
                for point in &histogram.data_points {
                    self.point(&about, &of_histogram(point), sheet, |row, told| buckets(row, point, told));
                }
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                let about = about("ExponentialHistogram", histogram.aggregation_temporality, None);
                for point in &histogram.data_points {
                    self.point(&about, &of_exponential(point), sheet, |row, told| {
                        exponential(row, point, told)
                    });
                }
            }
            Some(Data::Summary(summary)) => {
                for point in &summary.data_points {
                    self.point(&about("Summary", 0, None), &of_summary(point), sheet, |row, told| {
                        quantiles(row, point, told);
                    });
                }
            }
        }
    }

    fn point(
        &mut self,
        about: &About<'_>,
        common: &Common<'_>,
        sheet: &mut Sheet,
        columns: impl FnOnce(&mut Object<'_>, &mut Problems),
    ) {
        if !sheet.admits() {
            return;
        }
        let problems = &mut sheet.problems;
        let start = times::from_nanos(common.start);
        let time = times::of_record(times::from_nanos(common.time), self.received, problems);
        let attributes = Attributes::of(common.attributes, problems);
        self.row.clear();
        let mut row = Object::begin(&mut self.row);
        row.time("TimeGenerated", time);
        if let Some(start) = start {
            row.time("StartTime", start);
        }
        row.text("Name", json::cut(&about.metric.name, MAX_TEXT));
        row.text("Description", json::cut(&about.metric.description, MAX_TEXT));
        row.text("Unit", json::cut(&about.metric.unit, MAX_TEXT));
        row.text("Kind", about.kind);
        row.text("Temporality", temporality(about.temporality));
        if let Some(monotonic) = about.monotonic {
            row.boolean("IsMonotonic", monotonic);
        }
        columns(&mut row, problems);
        exemplars(&mut row, common.exemplars, problems);
        row.members(&about.origin.scope);
        row.members(&about.origin.resource);
        row.members(&about.origin.software);
        row.members(&about.origin.azure);
        write_attributes(&mut row, &attributes, &[], problems, |extra| {
            own_attributes(extra, &attributes, common.flags, about.origin);
        });
        row.end();
        sheet.push("OTelMetrics", &self.row);
    }
}

fn temporality(temporality: i32) -> &'static str {
    match temporality {
        1 => "Delta",
        2 => "Cumulative",
        _ => "",
    }
}

fn number(point: &NumberDataPoint) -> Common<'_> {
    Common {
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        flags: point.flags,
        attributes: &point.attributes,
        exemplars: &point.exemplars,
    }
}

fn of_histogram(point: &HistogramDataPoint) -> Common<'_> {
    Common {
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        flags: point.flags,
        attributes: &point.attributes,
        exemplars: &point.exemplars,
    }
}

fn of_exponential(point: &ExponentialHistogramDataPoint) -> Common<'_> {
    Common {
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        flags: point.flags,
        attributes: &point.attributes,
        exemplars: &point.exemplars,
    }
}

fn of_summary(point: &SummaryDataPoint) -> Common<'_> {
    Common {
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        flags: point.flags,
        attributes: &point.attributes,
        exemplars: &[],
    }
}

/// `Value` holds every number; a whole one stands in `IntegerValue` too, where it keeps all its digits.
fn value(row: &mut Object<'_>, point: &NumberDataPoint, problems: &mut Problems) {
    match point.value {
        None => {}
        Some(number_data_point::Value::AsInt(number)) => {
            row.real("Value", number as f64);
            row.integer("IntegerValue", number);
        }
        Some(number_data_point::Value::AsDouble(number)) => real(row, "Value", Some(number), problems),
    }
}

fn buckets(row: &mut Object<'_>, point: &HistogramDataPoint, problems: &mut Problems) {
    long(row, "Count", point.count, problems);
    real(row, "Sum", point.sum, problems);
    real(row, "Min", point.min, problems);
    real(row, "Max", point.max, problems);
    list(row, "BucketCounts", &point.bucket_counts, |out, count| unsigned(out, *count));
    list(row, "ExplicitBounds", &point.explicit_bounds, |out, bound| double(out, *bound));
}

fn exponential(row: &mut Object<'_>, point: &ExponentialHistogramDataPoint, problems: &mut Problems) {
    long(row, "Count", point.count, problems);
    real(row, "Sum", point.sum, problems);
    real(row, "Min", point.min, problems);
    real(row, "Max", point.max, problems);
    row.integer("Scale", i64::from(point.scale));
    long(row, "ZeroCount", point.zero_count, problems);
    real(row, "ZeroThreshold", Some(point.zero_threshold), problems);
    let mut half = |offset: &str, counts: &str, buckets: Option<&Buckets>| {
        let Some(buckets) = buckets.filter(|buckets| !buckets.bucket_counts.is_empty()) else { return };
        row.integer(offset, i64::from(buckets.offset));
        list(row, counts, &buckets.bucket_counts, |out, count| unsigned(out, *count));
    };
    half("PositiveOffset", "PositiveBucketCounts", point.positive.as_ref());
    half("NegativeOffset", "NegativeBucketCounts", point.negative.as_ref());
}

fn quantiles(row: &mut Object<'_>, point: &SummaryDataPoint, problems: &mut Problems) {
    long(row, "Count", point.count, problems);
    real(row, "Sum", Some(point.sum), problems);
    list(row, "Quantiles", &point.quantile_values, |out, pair| {
        let mut object = Object::begin(out);
        double(object.key("Quantile"), pair.quantile);
        double(object.key("Value"), pair.value);
        object.end();
    });
}

fn exemplars(row: &mut Object<'_>, all: &[Exemplar], problems: &mut Problems) {
    if all.len() > MAX_EXEMPLARS {
        problems.tell(ProblemKind::TooManyAttributes);
    }
    let kept = all.get(..MAX_EXEMPLARS).unwrap_or(all);
    list(row, "Exemplars", kept, |out, exemplar| {
        let mut object = Object::begin(out);
        if let Some(time) = times::from_nanos(exemplar.time_unix_nano) {
            object.time("Time", time);
        }
        match exemplar.value {
            Some(exemplar::Value::AsInt(number)) => object.integer("Value", number),
            Some(exemplar::Value::AsDouble(number)) => double(object.key("Value"), number),
            None => {}
        }
        object.text("TraceId", &id::<16>(&exemplar.trace_id, problems));
        object.text("SpanId", &id::<8>(&exemplar.span_id, problems));
        let attributes = Attributes::of(&exemplar.filtered_attributes, problems);
        if !attributes.is_empty() {
            write_attributes(&mut object, &attributes, &[], problems, |_| {});
        }
        object.end();
    });
}

/// A list; an empty one is left out.
fn list<T>(row: &mut Object<'_>, column: &str, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    if items.is_empty() {
        return;
    }
    let out = row.key(column);
    out.push(b'[');
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

fn unsigned(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(number.to_string().as_bytes());
}

fn real(row: &mut Object<'_>, column: &'static str, number: Option<f64>, problems: &mut Problems) {
    match number {
        Some(number) if !number.is_finite() => problems.tell(ProblemKind::NotFinite(column)),
        Some(number) => row.real(column, number),
        None => {}
    }
}

fn long(row: &mut Object<'_>, column: &'static str, number: u64, problems: &mut Problems) {
    let kept = i64::try_from(number).unwrap_or_else(|_| {
        problems.tell(ProblemKind::TooLarge(column));
        i64::MAX
    });
    row.integer(column, kept);
}
