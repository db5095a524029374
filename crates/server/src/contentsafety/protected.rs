//! `text:detectProtectedMaterial` and `text:detectProtectedMaterialForCode`: what of a text stands in protected texts.

use castellan_shield::protected::{Found, Kind, Run, find_in};
use serde::{Deserialize, Serialize};

use crate::contentsafety::{Failure, Service, limits};

/// Fewest and most characters of a text, where limits are kept.
const TEXT: (usize, usize) = (110, 1_000);
/// What citations say of code without a licence.
const NO_LICENCE: &str = "NOASSERTION";

#[derive(Debug, Deserialize)]
pub(crate) struct AskedText {
    text: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AskedCode {
    code: String,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer<Analysis> {
    protected_material_analysis: Analysis,
    castellan: More,
}

#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct TextAnalysis {
    detected: bool,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CodeAnalysis {
    detected: bool,
    code_citations: Vec<Citation>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Citation {
    license: String,
    source_urls: Vec<String>,
}

/// What the service of the same shape does not say: which words, counted in code points, and of what.
#[derive(Debug, PartialEq, Serialize)]
struct More {
    runs: Vec<Copied>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Copied {
    start: usize,
    end: usize,
    words: usize,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<String>,
    share_of_source: f64,
}

pub(crate) fn text(service: &Service, asked: AskedText) -> Result<Answer<TextAnalysis>, Failure> {
    limits::within(service, "text", &asked.text, TEXT)?;
    let runs = runs(service, &asked.text, Kind::Text)?;
    Ok(Answer {
        protected_material_analysis: TextAnalysis { detected: !runs.is_empty() },
        castellan: More::new(&asked.text, runs),
    })
}

pub(crate) fn code(service: &Service, asked: AskedCode) -> Result<Answer<CodeAnalysis>, Failure> {
    limits::text(service, "code", &asked.code)?;
    let runs = runs(service, &asked.code, Kind::Code)?;
    let analysis = CodeAnalysis { detected: !runs.is_empty(), code_citations: citations(&runs) };
    Ok(Answer { protected_material_analysis: analysis, castellan: More::new(&asked.code, runs) })
}

fn runs(service: &Service, text: &str, kind: Kind) -> Result<Vec<Run>, Failure> {
    if service.protected.is_empty() {
        let message = "this server has no index of protected texts to compare with; make one with \
                       `castellan shield index`, and start with `castellan up --protected INDEX`";
        return Err(Failure::unsupported(message));
    }
    let Found { mut runs, .. } = find_in(&service.protected, text);
    runs.retain(|run| run.source.kind == kind);
    Ok(runs)
}

/// The sources by licence, each once, in the order of the text.
fn citations(runs: &[Run]) -> Vec<Citation> {
    let mut citations: Vec<Citation> = Vec::new();
    for run in runs {
        let license = run.source.licence.clone().unwrap_or_else(|| NO_LICENCE.to_owned());
        let url = &run.source.name;
        match citations.iter_mut().find(|citation| citation.license == license) {
            Some(citation) if citation.source_urls.contains(url) => {}
            Some(citation) => citation.source_urls.push(url.clone()),
            None => citations.push(Citation { license, source_urls: vec![url.clone()] }),
        }
    }
    citations
}

impl More {
    fn new(text: &str, runs: Vec<Run>) -> More {
        let at = |byte: usize| text.get(..byte).map_or(0, |before| before.chars().count());
        let copied = |run: Run| Copied {
            start: at(run.span.start),
            end: at(run.span.end),
            words: run.words,
            source: run.source.name,
            licence: run.source.licence,
            share_of_source: run.share_of_source,
        };
        More { runs: runs.into_iter().map(copied).collect() }
    }
}
