//! Texts that are rich in what nearly matches.

use proptest::prelude::*;

/// Rules with one detector of each kind that the product's do not have.
pub(crate) const RULES: &str = r"
elements:
  shared-words: { keywords: [alpha, beta gamma, 'id#', '#no', caf\u{e9}] }
detectors:
  - id: nine-digits
    title: t
    category: custom
    proximity: 20
    elements:
      e: { regex: '\d{9}|\d{3}[ -]\d{3}[ -]\d{3}' }
      other: { regex: '[A-Z]{2}\d{2}' }
    patterns:
      - { confidence: 85, primary: e, evidence: [shared-words, { any: [other, { match: e, min: 1 }] }] }
      - { confidence: 75, primary: e, evidence: [{ match: shared-words, min: 2, unique: true }] }
      - { confidence: 65, primary: e, evidence: [shared-words, { none: [other] }] }
  - id: subword
    title: t
    category: custom
    elements: { e: { regex: '(?i:pass|key)\s?=\s?(?P<value>[a-z0-9]{2,9})', boundary: subword } }
    patterns: [{ confidence: 75, primary: e }]
  - id: token
    title: t
    category: custom
    elements: { e: { regex: '[A-Za-z0-9+/]{20,24}={0,2}', boundary: token, checks: [{ mix: [digit, lower] }] } }
    patterns: [{ confidence: 75, primary: e }]
  - id: literal
    title: t
    category: custom
    elements: { e: { regex: '[a-z]{1,4}::[0-9a-f]{1,8}', boundary: none, slow: true }, f: { regex: '[a-z.]{1,9}@[a-z]{1,9}' } }
    patterns: [{ confidence: 75, primary: e }, { confidence: 65, primary: f }]
  - id: words
    title: t
    category: custom
    elements: { w: { groups: [{ terms: [beta, beta gamma, delta] }, { match: string, terms: [amm, a1] }] } }
    patterns: [{ confidence: 75, primary: w, evidence: [{ none: [shared-words] }] }, { confidence: 60, primary: w }]
  - id: names
    title: t
    category: person
    proximity: 12
    elements: { n: { dictionary: given-names, capitalised: true, follow: 2 } }
    patterns: [{ confidence: 75, primary: n, evidence: [shared-words] }, { confidence: 55, primary: n }]
  - id: lettered
    title: t
    category: custom
    elements: { e: { regex: '[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?', checks: [not-repeated] } }
    patterns: [{ confidence: 75, primary: e }]
  - id: prefixed
    title: t
    category: custom
    elements: { e: { regex: '[(+]{0,2}\d{2,3}[)]?[ -]?\d{3}(?:-\d{2})?' } }
    patterns: [{ confidence: 75, primary: e }]
  - id: either-case
    title: t
    category: custom
    elements:
      e:
        regex: '[a-z_]{0,3}(?i:key|pass)\s?=\s?(?:(?P<value>[a-z]{2,4})|(?P<value2>[0-9]{3}))'
        boundary: none
        checks: [{ not-matches: ['^1', 'b$'] }, { not-matches: ['(?i)s='], in: match }]
    patterns: [{ confidence: 75, primary: e }]
  - id: anywhere
    title: t
    category: custom
    proximity: unlimited
    elements: { e: { regex: 'zz\d{3}' } }
    patterns:
      - { confidence: 85, primary: e, evidence: [{ match: shared-words, min: 2 }] }
      - { confidence: 75, primary: e, evidence: [{ match: e, min: 2, unique: true }] }
  - id: anywhere-else
    title: t
    category: custom
    proximity: unlimited
    elements: { e: { keywords: [delta] }, digits: { regex: '\d{3}-\d{3}-\d{3}' } }
    patterns: [{ confidence: 75, primary: e, evidence: [digits, { none: [shared-words] }] }]
";

/// Rules of combinations of each kind.
pub(crate) const COMBINATIONS: &str = r"
elements:
  words: { keywords: [alpha, beta gamma, beta, 'id#', caf\u{e9}] }
  parts: { keywords: [amm, '12', a1], match: string }
  nine: { regex: '\d{9}|\d{3}[ -]\d{3}[ -]\d{3}' }
  digits: { regex: '\d{2}', boundary: none, slow: true }
  name: { dictionary: given-names, capitalised: true, follow: 2 }
  lettered: { regex: '[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?', checks: [not-repeated] }
affinities:
  - { id: near, title: t, proximity: 30, threshold: 80, evidence: [{ confidence: 60, of: [words] }, { confidence: 60, of: [nine] }] }
  - { id: nearer, title: t, proximity: 8, threshold: 75, evidence: [{ confidence: 75, of: [digits, words] }, { confidence: 30, of: [name] }] }
  - { id: several, title: t, proximity: 60, threshold: 70, evidence: [{ confidence: 70, of: [{ match: digits, min: 3, unique: true }, { match: words, min: 2 }] }] }
  - id: without
    title: t
    proximity: 25
    threshold: 75
    evidence: [{ confidence: 75, of: [words, { none: [name, { match: parts, min: 2 }] }] }]
  - { id: some, title: t, proximity: 40, threshold: 75, evidence: [{ confidence: 75, of: [{ any: [name, words, lettered, nine], min: 2, max: 3 }] }] }
  - { id: absent, title: t, proximity: 20, threshold: 60, evidence: [{ confidence: 65, of: [{ none: [parts] }] }, { confidence: 20, of: [name] }] }
  - { id: anywhere, title: t, proximity: unlimited, threshold: 75, evidence: [{ confidence: 75, of: [{ match: digits, min: 4 }, name, { none: [lettered] }] }] }
";

/// Words that stand for every dictionary.
pub(crate) const NAMES: [&str; 3] = ["Jane", "John", "Maria"];

const PIECES: [&str; 66] = [
    "alpha",
    "beta gamma",
    "betaGamma",
    "BETA_GAMMA",
    "id#",
    "#no",
    "caf\u{e9}",
    "CAF\u{c9}",
    "AB12",
    "123456789",
    "123-456-789",
    "123 456 789",
    "zz123",
    "zz999",
    "dbPassword",
    "pass=",
    "myKey = ",
    "abc123",
    "AbCdEf0123456789xyzT",
    "==",
    "ab::12",
    "x@y",
    "a.b@c",
    "delta",
    "gamma",
    "a1",
    "Jane",
    "Jane Doe",
    "John O'Neil Smith",
    "ABCDEFGH",
    "ABCDEFGHXXX",
    "(12)",
    "+12 345-67",
    "123",
    "12",
    " ",
    "  ",
    "\n",
    ",",
    "-",
    "_",
    ".",
    ":",
    "\u{e9}",
    "\u{2014}",
    "\u{53f7}\u{7801}",
    "\u{1f600}",
    "4111111111111111",
    "4111 1111 1111 1111",
    "visa",
    "ssn",
    "536-22-8726",
    "DE89 3704 0044 0532 0130 00",
    "198.51.100.7",
    "jane.doe@example.com",
    "https://example.com/a",
    "2001:db8::1",
    "dob: 1985-05-12",
    "tel",
    "+44 20 7946 0958",
    "<TOKEN",
    ":3f2a9100",
    "_2>",
    "<PAYMENT_CARD>",
    "[[tok:v1:LETTERED:k1:",
    "[[enc:v1:SUBWORD:",
];

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(&PIECES[..]).prop_map(str::to_owned),
        1 => "[ -~]{1,6}",
        1 => "[0-9]{1,12}",
        1 => "[A-Z0-9a-z]{1,24}",
        4 => Just(" ".to_owned()),
    ]
}

/// A text of up to `most` pieces.
pub(crate) fn text(most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..most).prop_map(|pieces| pieces.concat())
}
