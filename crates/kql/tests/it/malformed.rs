//! The queries of the corpora that are no queries, and why.

/// Why, the file, and the ids there (the number of the line from 0 where lines have no id).
pub(crate) const MALFORMED: &[(&str, &str, &[&str])] = &[
    (
        "a management command, which is not part of the query language",
        "kql/doc_cases.jsonl",
        &["data-purge-01", "data-purge-04", "data-purge-06", "log-reduce-train-fl-01", "dynamic-01"],
    ),
    (
        "day before month, which the documentation does not list",
        "kql/handwritten_cases.jsonl",
        &["ToDateTime3"],
    ),
    ("`and where`", "kql/sentinel_queries.jsonl", &["70", "71", "72", "73"]),
    (
        "`=` where `==` is meant",
        "kql/sentinel_queries.jsonl",
        &[
            "1169", "4754", "4772", "6000", "6223", "6224", "6225", "6226", "6227", "6228", "6229", "6230",
            "6231", "6232", "6233", "6234", "6343", "7491",
        ],
    ),
    (
        "several queries in one file without semicolons between them",
        "kql/sentinel_queries.jsonl",
        &[
            "522", "523", "5859", "5860", "5861", "5862", "5863", "5864", "5865", "5866", "5867", "5869",
            "5870", "5871", "5872", "5873", "5874", "5875", "5878", "5879", "5881", "5882", "5893",
        ],
    ),
    (
        "a piece of a query that begins with a bar, or a semicolon before one",
        "kql/sentinel_queries.jsonl",
        &["582", "1519", "2048", "4976", "4977"],
    ),
    ("several values behind `has`", "kql/sentinel_queries.jsonl", &["832", "974"]),
    ("a bracket too many or too few", "kql/sentinel_queries.jsonl", &["1165", "1168"]),
    (
        "expressions of Logic Apps, whose quotes end the string",
        "kql/sentinel_queries.jsonl",
        &["1565", "1566", "1567", "1569", "1570", "1571", "4959"],
    ),
    (
        "a string without its quotes, or that is never closed",
        "kql/sentinel_queries.jsonl",
        &["111", "1563", "1568"],
    ),
    ("the rest of a rule's YAML", "kql/sentinel_queries.jsonl", &["1184"]),
    ("an operator between two operands is missing", "kql/sentinel_queries.jsonl", &["610", "2183"]),
    ("a comma between two columns is missing", "kql/sentinel_queries.jsonl", &["1534"]),
    ("a bar before `where` is missing", "kql/sentinel_queries.jsonl", &["3299"]),
    ("a blank behind `where` is missing", "kql/sentinel_queries.jsonl", &["3597"]),
    ("a placeholder in angle brackets", "kql/sentinel_queries.jsonl", &["4720"]),
];
