//! Values of tables and parts of documents as types of a scan, beside those of detectors.
//!
//! A column of an [`exact::Index`] that is looked for is a type, `exact:NAME.COLUMN`, and so is a [`fingerprint::Index`],
//! `fingerprint:NAME`. What they find has what a finding of a detector has: place, confidence, evidence, checks.
//!
//! ```
//! use castellan_classify::exact::{Builder, Column, Index, Key, Normalisation, Options};
//! use castellan_classify::indexed::Indexes;
//!
//! let key = Key::new(b"32 random bytes that stay here..").unwrap();
//! let columns =
//!     vec![Column::primary("account", Normalisation::IDENTIFIER), Column::secondary("surname", Normalisation::TEXT)];
//! let mut builder = Builder::new(columns, &key, *b"16 random bytes.").unwrap();
//! builder.add(&["NL91 ABNA 0417 1643 00", "de Vries"]).unwrap();
//! builder.add(&["NL20 INGB 0001 2345 67", "Jansen"]).unwrap();
//! let people = Index::open(builder.finish().unwrap().bytes, &key).unwrap();
//!
//! let mut indexes = Indexes::new(Options::default());
//! indexes.add_values("people", people).unwrap();
//! let found = indexes.find("pay nl91abna0417164300 of De Vries");
//! let hit = &found.hits[0];
//! assert_eq!((&*hit.id, hit.span.clone(), hit.confidence), ("exact:people.account", 4..22, 85));
//! assert_eq!((&*hit.evidence[0].name, hit.evidence[0].distance), ("surname", 4));
//! ```

use std::ops::Range;
use std::sync::Arc;

use crate::exact::{self, Options};
use crate::fingerprint::{self, Thresholds};

/// The confidence of a value with no other field of its row, with one, and with more.
const VALUE: [u8; 3] = [75, 85, 95];
/// The confidence of a text that is a document word for word.
const WHOLE: u8 = 95;
/// The confidence of a passage that is long enough to tell by itself.
const PASSAGE: u8 = 85;
/// The confidence of a text that shares enough with a document, in short passages.
const SHARE: u8 = 75;

/// Indexes whose columns and documents are looked for.
pub struct Indexes {
    values: Vec<Values>,
    documents: Vec<Documents>,
    options: Options,
    thresholds: Thresholds,
    /// The types that are told; all of them where there are none.
    wanted: Vec<String>,
}

struct Values {
    index: exact::Index<Vec<u8>>,
    /// By column: what it is called, and its type.
    columns: Vec<(Arc<str>, Arc<str>)>,
}

struct Documents {
    index: fingerprint::Index<Vec<u8>>,
    id: Arc<str>,
}

/// Two indexes would give types of the same name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are two indexes that are called `{0}`; give one of the files another name")]
pub struct NameTaken(String);

/// A value or a passage that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its type.
    pub id: Arc<str>,
    /// Where it stands, in bytes.
    pub span: Range<u64>,
    /// 1 to 100: for a value 75, with a field of its row nearby 85, with several 95; for a passage 85, for short ones that
    /// are a large share 75, for a whole document 95.
    pub confidence: u8,
    /// Columns of the fields of the same row nearby, or the name of the document.
    pub evidence: Vec<Nearby>,
    /// What it has passed: `exact-match` or `fingerprint`.
    pub check: &'static str,
}

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearby {
    /// The column or the document.
    pub name: Arc<str>,
    /// Where it stands, in bytes.
    pub span: Range<u64>,
    /// Characters between it and what was found.
    pub distance: u64,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// By place.
    pub hits: Vec<Hit>,
    /// Whether the search met no bound; else there may be more.
    pub complete: bool,
}

impl std::fmt::Debug for Indexes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Indexes").field(&self.types()).finish()
    }
}

impl Indexes {
    /// None yet. The options say how many fields of a row have to stand near a value, and how near.
    pub fn new(options: Options) -> Indexes {
        let thresholds = Thresholds::default();
        Indexes { values: Vec::new(), documents: Vec::new(), options, thresholds, wanted: Vec::new() }
    }

    /// Adds the values of a table: a type for each column that is looked for.
    ///
    /// # Errors
    /// When another index of values has the name.
    pub fn add_values(&mut self, name: &str, index: exact::Index<Vec<u8>>) -> Result<(), NameTaken> {
        let column = |name: &str, column: &exact::Column| {
            let id = format!("exact:{name}.{}", column.name());
            (Arc::from(column.name()), Arc::from(id))
        };
        let columns: Vec<(Arc<str>, Arc<str>)> = index.columns().map(|own| column(name, own)).collect();
        let known = self.values.iter().flat_map(|known| &known.columns);
        if known.clone().any(|(_, id)| columns.iter().any(|(_, own)| own == id)) {
            return Err(NameTaken(name.to_owned()));
        }
        self.values.push(Values { index, columns });
        Ok(())
    }

    /// Adds documents: one type for all of them.
    ///
    /// # Errors
    /// When another index of documents has the name.
    pub fn add_documents(&mut self, name: &str, index: fingerprint::Index<Vec<u8>>) -> Result<(), NameTaken> {
        let id: Arc<str> = format!("fingerprint:{name}").into();
        if self.documents.iter().any(|known| known.id == id) {
            return Err(NameTaken(name.to_owned()));
        }
        self.documents.push(Documents { index, id });
        Ok(())
    }

    /// The types that can be found.
    pub fn types(&self) -> Vec<Arc<str>> {
        let primary = |values: &'_ Values| -> Vec<Arc<str>> {
            let columns = values.index.columns().zip(&values.columns);
            columns.filter(|(column, _)| column.is_primary()).map(|(_, (_, id))| Arc::clone(id)).collect()
        };
        let documents = self.documents.iter().map(|documents| Arc::clone(&documents.id));
        self.values.iter().flat_map(primary).chain(documents).filter(|id| self.tells(id)).collect()
    }

    /// Tells only these types from now on; names of others do not matter.
    pub fn narrow(&mut self, types: &[String]) {
        self.wanted = types.to_vec();
    }

    fn tells(&self, id: &str) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|wanted| wanted == id)
    }

    /// Searches a text.
    pub fn find(&self, text: &str) -> Hits {
        let mut search = self.search();
        search.push(text);
        search.finish()
    }

    /// Searches a text that comes in chunks, in bounded memory.
    pub fn search(&self) -> Search<'_> {
        Search {
            indexes: self,
            scanners: self.values.iter().map(|values| values.index.scanner(&self.options)).collect(),
            matchers: self.documents.iter().map(|documents| documents.index.matcher()).collect(),
            length: 0,
        }
    }
}

/// A search in a text that comes in chunks.
pub struct Search<'i> {
    indexes: &'i Indexes,
    scanners: Vec<exact::Scanner<'i, Vec<u8>>>,
    matchers: Vec<fingerprint::Matcher<'i, Vec<u8>>>,
    length: u64,
}

impl Search<'_> {
    /// Takes the next chunk.
    pub fn push(&mut self, chunk: &str) {
        self.scanners.iter_mut().for_each(|scanner| scanner.push(chunk));
        self.matchers.iter_mut().for_each(|matcher| matcher.push(chunk));
        self.length += chunk.len() as u64;
    }

    /// Ends the text.
    pub fn finish(self) -> Hits {
        let mut found = Hits { hits: Vec::new(), complete: true };
        for (scanner, values) in self.scanners.into_iter().zip(&self.indexes.values) {
            let matches = scanner.finish();
            found.complete &= matches.complete;
            found.hits.extend(matches.found.iter().filter_map(|own| values.hit(own)));
        }
        for (matcher, documents) in self.matchers.into_iter().zip(&self.indexes.documents) {
            let comparison = matcher.finish(&self.indexes.thresholds);
            documents.hits(&comparison, (self.length, self.indexes.thresholds.words), &mut found.hits);
        }
        found.hits.retain(|hit| self.indexes.tells(&hit.id));
        found.hits.sort_by(|one, other| {
            (one.span.start, one.span.end, &one.id).cmp(&(other.span.start, other.span.end, &other.id))
        });
        found
    }
}

fn bytes(span: &Range<usize>) -> Range<u64> {
    span.start as u64..span.end as u64
}

impl Values {
    fn hit(&self, found: &exact::Match) -> Option<Hit> {
        let (_, id) = self.columns.get(found.column)?;
        let nearby = |field: &exact::Field| {
            let (name, _) = self.columns.get(field.column)?;
            Some(Nearby { name: Arc::clone(name), span: bytes(&field.span), distance: field.distance as u64 })
        };
        let evidence: Vec<Nearby> = found.fields.iter().filter_map(nearby).collect();
        let confidence = VALUE.get(evidence.len()).or(VALUE.last()).copied()?;
        let (id, span) = (Arc::clone(id), bytes(&found.span));
        Some(Hit { id, span, confidence, evidence, check: "exact-match" })
    }
}

impl Documents {
    fn hits(&self, comparison: &fingerprint::Comparison, (length, least): (u64, u64), hits: &mut Vec<Hit>) {
        let mut tell = |document: usize, span: Range<u64>, confidence: u8| {
            let name: Arc<str> = self.index.name(document).unwrap_or_default().into();
            let evidence = vec![Nearby { name, span: span.clone(), distance: 0 }];
            hits.push(Hit { id: Arc::clone(&self.id), span, confidence, evidence, check: "fingerprint" });
        };
        if let Some(document) = comparison.whole {
            tell(document, 0..length, WHOLE);
        }
        for similar in comparison.documents.iter().filter(|it| Some(it.document) != comparison.whole) {
            let mut long = similar.passages.iter().filter(|passage| passage.words >= least).peekable();
            if long.peek().is_none() {
                let start = similar.passages.iter().map(|passage| passage.span.start).min();
                let end = similar.passages.iter().map(|passage| passage.span.end).max();
                tell(similar.document, start.unwrap_or(0)..end.unwrap_or(length), SHARE);
            }
            long.for_each(|passage| tell(similar.document, passage.span.clone(), PASSAGE));
        }
    }
}
