//! Steps.

use super::form::{Form, Reader, Writer, choice, read_text, record, write_text};
use super::{Refusal, Result};
use crate::plan::{
    Aggregate, AggregateFunction, Expansion, JoinKind, ParseMode, ParseStep, Plugin, PluginArgument,
    PluginValue, ScanOutput, ScanPlan, ScanStepPlan, Series, SeriesValue, SortKey, Step, TopLevel,
    WindowCall, WindowFunction,
};
use crate::registry::{self, Kind, Row};

choice!(Step {
    0 => Table(name),
    1 => Rows(rows),
    2 => Range { from, to, step },
    3 => External { sources, properties },
    4 => Part,
    5 => Materialize(plan),
    6 => Filter { input, predicate },
    7 => Project { input, values },
    8 => Aggregate { input, keys, aggregates },
    9 => Sort { input, by },
    10 => Take { input, count },
    11 => Sample { input, count },
    12 => Join { kind, left, right, on },
    13 => Union(inputs),
    14 => Window { input, calls },
    15 => Expand { input, kept, columns, limit, bags_as_arrays, with_index },
    16 => Apply { input, kept, columns, limit, with_index, body },
    17 => Partition { input, by, body },
    18 => Parse { input, parse, is_filter },
    19 => Series(series),
    20 => TopNested { input, levels },
    21 => Scan(scan),
    22 => Reduce { input, by, threshold, characters },
    23 => Plugin { input, plugin },
    24 => GraphMatch { graph, pattern },
    25 => GraphShortestPaths { graph, pattern, all },
    26 => GraphNodes { graph, with_id },
    27 => GraphEdges { graph, with_source, with_target },
});

choice!(JoinKind {
    0 => InnerUnique, 1 => Inner, 2 => LeftOuter, 3 => RightOuter, 4 => FullOuter, 5 => LeftSemi, 6 => LeftAnti,
    7 => RightSemi, 8 => RightAnti,
});

record!(Aggregate { function, arguments, filter, outputs });

choice!(AggregateFunction {
    0 => Count,
    1 => CountDistinct,
    2 => Dcount,
    3 => Sum,
    4 => Average,
    5 => Minimum,
    6 => Maximum,
    7 => ArgMax,
    8 => ArgMin,
    9 => TakeAny,
    10 => MakeList { limit, with_nulls },
    11 => MakeSet { limit },
    12 => MakeBag { limit },
    13 => Percentiles { ranks, is_weighted, as_array },
    14 => StandardDeviation { of_population },
    15 => Variance { of_population },
    16 => Covariance { of_population },
    17 => BinaryAnd,
    18 => BinaryOr,
    19 => BinaryXor,
    20 => BuildSchema,
    21 => Hll { accuracy },
    22 => HllMerge,
    23 => TDigest,
    24 => TDigestMerge,
});

record!(SortKey { value, is_ascending, nulls_first });
record!(WindowCall { function, arguments, output });

choice!(WindowFunction {
    0 => Prev, 1 => Next, 2 => RowNumber, 3 => CumulativeSum, 4 => RankDense, 5 => RankMin, 6 => Session,
});

record!(Expansion { value, to });

choice!(ParseMode { 0 => Simple, 1 => Regex, 2 => Relaxed });

choice!(ParseStep {
    0 => Pattern { value, regex, mode },
    1 => KeyValue { value, pair_delimiter, kv_delimiter, quotes, escape, greedy },
    2 => KeyValueRegex { value, regex },
});

record!(Series { input, keys, from, to, step, includes_end, values });
record!(SeriesValue { default });
record!(TopLevel { count, value, others, by, is_ascending });
record!(ScanPlan { input, partition, defaults, steps, with_match_id });
record!(ScanStepPlan { is_optional, output, condition, assignments });

choice!(ScanOutput { 0 => All, 1 => Last, 2 => None });

record!(Plugin { row, arguments });

impl Form for &'static Row {
    fn write(&self, out: &mut Writer) {
        write_text(self.name, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<&'static Row> {
        let row = registry::find_kind(read_text(input)?, Kind::Plugin);
        row.ok_or(Refusal::new("there is no such plugin"))
    }
}

impl Form for PluginArgument {
    fn write(&self, out: &mut Writer) {
        write_text(self.name, out);
        self.given.write(out);
        self.value.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<PluginArgument> {
        let name = argument_name(read_text(input)?)?;
        Ok(PluginArgument { name, given: Form::read(input)?, value: Form::read(input)? })
    }
}

/// The name as the registry has it.
fn argument_name(name: &str) -> Result<&'static str> {
    let plugins = registry::rows().filter(|row| row.kind == Kind::Plugin);
    let arguments = plugins.flat_map(|row| row.signatures).flat_map(|signature| signature.arguments);
    let mut names = arguments.map(|argument| argument.name);
    names.find(|known| *known == name).ok_or(Refusal::new("no plugin has such an argument"))
}

choice!(PluginValue { 0 => Scalar(scalar), 1 => Table(plan), 2 => Aggregate(aggregate), 3 => Star });
