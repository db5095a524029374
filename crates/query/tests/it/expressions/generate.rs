//! Expressions by chance, from what the registry says of functions and operators.

use castellan_kql::ScalarType;
use castellan_kql::registry::{self, Argument, ArgumentType, Kind, Returns, Row, Signature};

use super::node::Node;
use super::sample::COLUMNS;
use crate::chance::Chance;

/// Functions that give something else each time, look outside of the row, or are no values.
const LEFT_OUT: [&str; 12] = [
    "rand",
    "new_guid",
    "assert",
    "bin_auto",
    "typeof",
    "datetime_list_timezones",
    "toscalar",
    "totable",
    "materialize",
    "pack_all",
    "column_ifexists",
    "iscolumnexists",
];

pub(super) struct Generator {
    pub(super) chance: Chance,
    forms: Vec<(&'static Row, &'static Signature)>,
}

fn is_value(argument: &Argument) -> bool {
    argument.types.iter().any(|word| {
        !matches!(
            word,
            ArgumentType::Column
                | ArgumentType::Tabular
                | ArgumentType::Star
                | ArgumentType::Aggregate
                | ArgumentType::Variable
        )
    })
}

impl Generator {
    pub(super) fn new(seed: u64) -> Generator {
        let forms = registry::families()
            .filter(|(family, _)| *family != "session")
            .flat_map(|(_, rows)| rows)
            .filter(|row| matches!(row.kind, Kind::Scalar | Kind::Infix) && !LEFT_OUT.contains(&row.name))
            .flat_map(|row| row.signatures.iter().map(move |signature| (row, signature)))
            .filter(|(_, signature)| signature.arguments.iter().all(is_value))
            .collect();
        Generator { chance: Chance::new(seed), forms }
    }

    /// A type, the frequent ones more often.
    pub(super) fn scalar_type(&mut self) -> ScalarType {
        use ScalarType::{Bool, DateTime, Dynamic, Int, Long, Real, String, TimeSpan};
        if self.chance.percent(30) {
            return *self.chance.pick(&ScalarType::ALL);
        }
        *self.chance.pick(&[Bool, Bool, Bool, Int, Long, Real, String, String, DateTime, TimeSpan, Dynamic])
    }

    pub(super) fn expression(&mut self, wanted: ScalarType, depth: usize) -> Node {
        if depth == 0 || self.chance.percent(12) {
            return self.leaf(wanted);
        }
        if wanted == ScalarType::Dynamic && self.chance.percent(35) {
            return self.path(depth);
        }
        let is_number = wanted.is_number() || wanted == ScalarType::TimeSpan;
        if is_number && self.chance.percent(8) {
            return Node::begin(wanted, "-").then(self.expression(wanted, depth - 1), "");
        }
        // Operators are few, and most of what people write.
        let infix_only = self.chance.percent(45);
        let fits = |(row, signature): &&(&'static Row, &'static Signature)| {
            (!infix_only || row.kind == Kind::Infix) && can_give(signature, wanted)
        };
        let forms: Vec<&(&'static Row, &'static Signature)> = self.forms.iter().filter(fits).collect();
        if forms.is_empty() {
            return self.leaf(wanted);
        }
        let (row, signature) = **self.chance.pick(&forms);
        if row.kind == Kind::Infix {
            return self.infix(row, signature, wanted, depth);
        }
        self.call(row, signature, wanted, depth)
    }

    fn infix(&mut self, row: &Row, signature: &Signature, wanted: ScalarType, depth: usize) -> Node {
        let [left, right, ..] = signature.arguments else { return self.leaf(wanted) };
        let first = self.type_for(left, signature, 0, wanted);
        let node =
            Node::begin(wanted, "(").then(self.expression(first, depth - 1), format!(" {} ", row.name));
        let same = |chance: &mut Chance| chance.percent(75);
        if row.name.ends_with("between") {
            let (low, high) = if first == ScalarType::DateTime && self.chance.percent(25) {
                (first, ScalarType::TimeSpan)
            } else {
                (first, first)
            };
            let node = node.text("(").then(self.expression(low, depth - 1), " .. ");
            return node.then(self.expression(high, depth - 1), "))");
        }
        if right.repeat.is_some() {
            let count = 1 + self.chance.below(4);
            let mut node = node.text("(");
            for at in 0..count {
                let item = if same(&mut self.chance) { first } else { self.scalar_type() };
                let depth = if self.chance.percent(70) { 0 } else { depth - 1 };
                let text = if at + 1 < count { ", " } else { "))" };
                node = node.then(self.expression(item, depth), text);
            }
            return node;
        }
        if row.name == "matches regex" {
            return node.then(Node::leaf(ScalarType::String, *self.chance.pick(&REGEXES)), ")");
        }
        let can_be_same = right.types.iter().any(|word| word.accepts(first));
        let second = if can_be_same && same(&mut self.chance) {
            first
        } else {
            self.type_for(right, signature, 1, wanted)
        };
        node.then(self.expression(second, depth - 1), ")")
    }

    fn call(&mut self, row: &Row, signature: &Signature, wanted: ScalarType, depth: usize) -> Node {
        let mut node = Node::begin(wanted, format!("{}(", row.name));
        let mut is_first = true;
        let mut at = 0;
        while let Some(argument) = signature.arguments.get(at) {
            let group = match argument.repeat {
                Some(_) => {
                    signature.arguments[at..].iter().take_while(|next| next.repeat == argument.repeat).count()
                }
                None => 1,
            };
            let times = match argument.repeat {
                Some((least, _)) => usize::from(least) + self.chance.below(3),
                None if argument.optional && self.chance.percent(50) => break,
                None => 1,
            };
            for _ in 0..times {
                for offset in 0..group {
                    let child = self.argument(row, signature, at + offset, wanted, depth);
                    let text = if is_first { "" } else { ", " };
                    node = node.text(text).then(child, "");
                    is_first = false;
                }
            }
            at += group;
        }
        node.text(")")
    }

    fn argument(
        &mut self,
        row: &Row,
        signature: &Signature,
        at: usize,
        wanted: ScalarType,
        depth: usize,
    ) -> Node {
        let argument = &signature.arguments[at];
        if argument.types.contains(&ArgumentType::Type) {
            return Node::leaf(wanted, format!("typeof({wanted})"));
        }
        let scalar_type = self.type_for(argument, signature, at, wanted);
        if let Some(pool) = pool(row, argument)
            && (argument.constant || self.chance.percent(70))
        {
            return Node::leaf(scalar_type, *self.chance.pick(pool));
        }
        // What says how much is made has to be small.
        if matches!(argument.name, "count" | "precision" | "length" | "base" | "level" | "resolution")
            || row.name == "range"
        {
            return Node::leaf(scalar_type, *self.chance.pick(&["n", "0", "3", "-2", "long(null)", "10"]));
        }
        if argument.constant {
            return self.literal(scalar_type);
        }
        self.expression(scalar_type, depth - 1)
    }

    /// A type that an argument may have, so that the call has the type that is wanted.
    fn type_for(
        &mut self,
        argument: &Argument,
        signature: &Signature,
        at: usize,
        wanted: ScalarType,
    ) -> ScalarType {
        let decides = match signature.returns {
            Returns::Argument1 | Returns::Promoted => at == 0,
            Returns::Widest => self.chance.percent(75),
            Returns::Common => !argument.types.contains(&ArgumentType::Exact(ScalarType::Bool)),
            _ => false,
        };
        if decides && argument.types.iter().any(|word| word.accepts(wanted)) {
            return wanted;
        }
        if self.chance.percent(4) {
            return ScalarType::Dynamic;
        }
        let words: Vec<ArgumentType> = argument.types.to_vec();
        let word = *self.chance.pick(&words);
        loop {
            let scalar_type = self.scalar_type();
            if word.accepts(scalar_type) {
                return scalar_type;
            }
            if let ArgumentType::Exact(exact) = word {
                return exact;
            }
        }
    }

    fn path(&mut self, depth: usize) -> Node {
        const STEPS: [&str; 16] = [
            ".a",
            ".b",
            ".x",
            ".a.b",
            ".a.b[0]",
            ".a.b[2].c",
            "[\"a\"]",
            "[\"key with space\"]",
            "['x']",
            "[0]",
            "[-1]",
            "[1]",
            "[n]",
            "[s1]",
            ".A",
            "[0].a",
        ];
        let column = *self.chance.pick(&["d1", "d2", "d3", "d4"]);
        let base = if depth > 1 && self.chance.percent(15) {
            Node::begin(ScalarType::Dynamic, "parse_json(")
                .then(self.expression(ScalarType::String, depth - 1), ")")
        } else {
            Node::leaf(ScalarType::Dynamic, column)
        };
        Node::begin(ScalarType::Dynamic, "").then(base, *self.chance.pick(&STEPS))
    }

    fn leaf(&mut self, wanted: ScalarType) -> Node {
        if self.chance.percent(30) {
            return self.literal(wanted);
        }
        let columns: Vec<&str> =
            COLUMNS.iter().filter(|(_, scalar_type)| *scalar_type == wanted).map(|(name, _)| *name).collect();
        Node::leaf(wanted, *self.chance.pick(&columns))
    }

    fn literal(&mut self, wanted: ScalarType) -> Node {
        Node::leaf(wanted, *self.chance.pick(literals(wanted)))
    }
}

/// What an expression can be replaced by.
pub(super) fn leaves(wanted: ScalarType) -> Vec<String> {
    let literals = literals(wanted).iter().take(3).map(|text| (*text).to_owned());
    let columns = COLUMNS.iter().filter(|(_, scalar_type)| *scalar_type == wanted);
    literals.chain(columns.map(|(name, _)| (*name).to_owned())).collect()
}

/// Whether a call of this form can have a type.
fn can_give(signature: &Signature, wanted: ScalarType) -> bool {
    let takes = |at: usize| {
        signature
            .arguments
            .get(at)
            .is_some_and(|argument: &Argument| argument.types.iter().any(|word| word.accepts(wanted)))
    };
    match signature.returns {
        Returns::Exact(exact) => exact == wanted,
        Returns::Argument1 => takes(0),
        Returns::Promoted => wanted != ScalarType::Int && takes(0),
        Returns::Widest => wanted.is_number(),
        Returns::Common | Returns::Typeof => true,
        Returns::Arrays => wanted == ScalarType::Dynamic,
        _ => false,
    }
}

const REGEXES: [&str; 12] = [
    "'a'",
    "'^[a-z]+$'",
    "@'(\\d+)'",
    "@'(\\w+)[-.](\\w+)'",
    "'(?i)ABC'",
    "''",
    "'.'",
    "@'\\bfoo\\b'",
    "'(a|b)*c?'",
    "'[^,]+'",
    "@'(?P<x>\\d)(?P<y>\\d)?'",
    "@'\\p{L}+'",
];

/// Texts that mean something to an argument.
fn pool(row: &Row, argument: &Argument) -> Option<&'static [&'static str]> {
    let named = |name: &str| row.name.starts_with(name);
    Some(match argument.name {
        "regex" => &REGEXES,
        "part" => &[
            "'year'",
            "'quarter'",
            "'month'",
            "'week'",
            "'day'",
            "'hour'",
            "'minute'",
            "'second'",
            "'millisecond'",
            "'microsecond'",
            "'nanosecond'",
            "'week_of_year'",
            "'dayOfYear'",
            "'none'",
        ],
        "format" if named("format_datetime") => {
            &["'yyyy-MM-dd'", "'yy/M/d H:m:s tt'", "'HH:mm:ss.fffffff'", "'[dd] FFF'", "'MMM'", "''"]
        }
        "format" => &["'d.hh:mm:ss'", "'hh:mm:ss.fff'", "'ddd'", "'s'", "''"],
        "path" if row.name == "extract_json" => &["'$.a'", "'$.a.b[0]'", "'$[0]'", "'$'", "'a'", "'$.x.y'"],
        "address" | "range" | "prefix"
            if argument.types.contains(&ArgumentType::Exact(ScalarType::String)) =>
        {
            &[
                "s1",
                "'192.168.1.1'",
                "'192.168.0.0/16'",
                "'10.0.'",
                "'8.8.8.8'",
                "'fe80::1'",
                "'2001:db8::/32'",
                "'x'",
                "d1",
            ]
        }
        "timezone" => &["'Europe/Berlin'", "'America/New_York'", "'UTC'", "'nowhere'"],
        "parser" => &["'windows'"],
        "look_for" => &["'browser'", "dynamic(['browser','os','device'])"],
        "kind" => &["'normal'", "'regex'"],
        "typeof" => &["typeof(long)"],
        "modulo" => &["10", "1", "0", "-3"],
        "delimiter" => &["','", "'.'", "' '", "''", "'ab'", "s2"],
        "group" | "index" => &["0", "1", "2", "-1", "n"],
        "from" | "to" if named("convert_") => &[
            "'Kilometer'",
            "'Mile'",
            "'Degree'",
            "'Radian'",
            "'Joule'",
            "'Calorie'",
            "'Newton'",
            "'Kilogram'",
            "'Pound'",
            "'MeterPerSecond'",
            "'Knot'",
            "'DegreeCelsius'",
            "'Kelvin'",
            "'Liter'",
            "'none'",
        ],
        "size" if row.name.starts_with("bin") => match argument.types.first() {
            Some(ArgumentType::Exact(ScalarType::TimeSpan)) => {
                &["1h", "1d", "7d", "0s", "-1h", "1tick", "p1"]
            }
            _ => &["5", "1", "0", "-2", "0.5", "1h", "decimal(3)", "n"],
        },
        "anchor" => &["0", "1", "-3", "0.5", "datetime(2026-01-01)", "30m"],
        "lookup" | "search" => &["'a'", "'b'", "''", "'A'", "s2", "' '"],
        _ => return None,
    })
}

fn literals(wanted: ScalarType) -> &'static [&'static str] {
    match wanted {
        ScalarType::Bool => &["bool(null)", "true", "false"],
        ScalarType::Int => &["int(null)", "int(1)", "int(0)", "int(-7)", "int(2147483647)"],
        ScalarType::Long => {
            &["long(null)", "1", "0", "-1", "7", "255", "9223372036854775807", "long(-9223372036854775808)"]
        }
        ScalarType::Real => {
            &["real(null)", "1.5", "0.0", "-2.5", "real(nan)", "real(+inf)", "real(-inf)", "1e300", "0.1"]
        }
        ScalarType::Decimal => &[
            "decimal(null)",
            "decimal(1)",
            "decimal(0)",
            "decimal(-2.50)",
            "decimal(1234567890123456789012345678901234)",
        ],
        ScalarType::String => &[
            "''",
            "'a'",
            "'abc'",
            "'ABC'",
            "'foo'",
            "'Stra\u{df}e'",
            "'1'",
            "'\u{1f600}'",
            "'192.168.1.1'",
            "'b,c'",
            "'{\"a\":1}'",
            "'2026-11-21'",
        ],
        ScalarType::DateTime => &[
            "datetime(null)",
            "datetime(2026-11-21T10:00:00Z)",
            "datetime(2024-02-29)",
            "datetime(0001-01-01)",
            "datetime(9999-12-31T23:59:59.9999999)",
            "now()",
            "ago(1d)",
        ],
        ScalarType::TimeSpan => &["timespan(null)", "1h", "0s", "-1d", "1tick", "30d", "90s"],
        ScalarType::Guid => &[
            "guid(null)",
            "guid(74be27de-1e4e-49d9-b579-fe0b331d3642)",
            "guid(00000000-0000-0000-0000-000000000000)",
        ],
        ScalarType::Dynamic => &[
            "dynamic(null)",
            "dynamic([])",
            "dynamic({})",
            "dynamic([1,2,3])",
            "dynamic(['a','abc','192.168.1.1'])",
            "dynamic({'a':1,'b':{'c':[1]}})",
            "dynamic('abc')",
            "dynamic(1)",
            "dynamic([0,1,2,3,4,5,6,7])",
            "dynamic({'type':'Point','coordinates':[1,2]})",
            "dynamic([true,false])",
        ],
    }
}
