//! `/analyze`: what is found in a text.

mod ad_hoc;
mod allow;
mod answer;
mod catalogue;
mod explain;
pub(super) mod language;
mod python;
mod request;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::http::header::HeaderName;
use axum::response::{IntoResponse, Response};
use castellan_classify::{Engine, Finding, Overlap, Selection};

use crate::Refusal;
use crate::presidio::anonymizer::is_nothing;
use ad_hoc::{AdHoc, Deadline};
use allow::AllowList;
use answer::{Found, least_told, without_repetitions};
use catalogue::Catalogue;
use explain::Explainer;
use request::{Analyze, Text};

/// So many selections of types are kept ready.
const SELECTIONS: usize = 64;

/// Most texts in one request.
const TEXTS: usize = 65_536;

/// Most results in one answer.
const RESULTS: usize = 250_000;

/// Says which of the entities asked for nothing here finds.
const IGNORED: HeaderName = HeaderName::from_static("castellan-ignored-entities");

/// What stands between the words of a request's context and the text: more blanks than any check looks across.
const GAP: &str = "\n\n\n\n\n";

/// The detectors, and the selections of them that were asked for last.
pub(super) struct Analyzer {
    engine: Engine,
    catalogue: Catalogue,
    selected: Mutex<HashMap<(Vec<String>, u8), Engine>>,
}

/// What a request comes to.
struct Plan {
    chosen: Chosen,
    allow: AllowList,
    threshold: Option<f64>,
    named: bool,
    context: Vec<String>,
    explains: bool,
}

/// What looks for the entities that are asked for.
struct Chosen {
    /// Nothing where only ad hoc recognisers are asked for.
    engine: Option<Engine>,
    ad_hoc: Vec<AdHoc>,
    /// Entities that nothing here finds.
    ignored: Vec<String>,
}

impl Analyzer {
    pub(super) fn new(engine: Engine) -> Analyzer {
        let catalogue = Catalogue::new(&engine);
        Analyzer { engine, catalogue, selected: Mutex::default() }
    }

    /// Every type, by name.
    pub(super) fn entities(&self) -> Vec<String> {
        self.catalogue.entities().map(str::to_owned).collect()
    }

    /// Every detector, by id.
    pub(super) fn recognizers(&self) -> Vec<String> {
        let mut ids: Vec<String> =
            self.engine.rules().detectors.iter().map(|detector| detector.id.to_string()).collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn answer(&self, asked: Analyze) -> Result<Response, Refusal> {
        let Some(text) = asked.text.filter(|text| !text.is_empty()) else {
            return Err(Refusal::failed("No text provided"));
        };
        let Some(code) = asked.language.filter(|code| !code.is_empty()) else {
            return Err(Refusal::failed("No language provided"));
        };
        language::known(&code)?;
        let ad_hoc = ad_hoc::read(asked.ad_hoc_recognizers.unwrap_or_default(), &code)?;
        let entities = asked.entities.unwrap_or_default();
        let chosen = self.select(&entities, ad_hoc, asked.score_threshold)?;
        let plan = Plan {
            chosen,
            allow: AllowList::read(asked.allow_list, asked.allow_list_match, asked.regex_flags)?,
            threshold: asked.score_threshold,
            named: !entities.is_empty(),
            context: request::context(asked.context.unwrap_or_default())?,
            explains: asked.return_decision_process.is_some_and(|value| !is_nothing(&value)),
        };
        let mut response = self.results(&plan, text)?;
        if let Some(ignored) = request::header(&plan.chosen.ignored) {
            response.headers_mut().insert(IGNORED, ignored);
        }
        Ok(response)
    }

    fn results(&self, plan: &Plan, text: Text) -> Result<Response, Refusal> {
        let deadline = Deadline::start();
        match text {
            Text::One(text) => Ok(Json(self.analyze(plan, &text, &deadline)?).into_response()),
            Text::Many(texts) if texts.len() > TEXTS => {
                Err(Refusal::bad(format!("there are more than {TEXTS} texts; send fewer at once")))
            }
            Text::Many(texts) => {
                let mut count = 0;
                let mut all = Vec::with_capacity(texts.len());
                for text in texts {
                    let found = self.analyze(plan, &text, &deadline)?;
                    count += found.len();
                    few(count)?;
                    all.push(found);
                }
                Ok(Json(all).into_response())
            }
        }
    }

    /// The detectors and ad hoc recognisers for the entities that are named, and the names that nothing stands for.
    fn select(
        &self,
        entities: &[String],
        mut ad_hoc: Vec<AdHoc>,
        threshold: Option<f64>,
    ) -> Result<Chosen, Refusal> {
        let lowest = least_told(threshold, !entities.is_empty(), self.catalogue.lowest_recommended());
        if entities.is_empty() {
            let engine = Some(self.selection(Vec::new(), lowest)?);
            return Ok(Chosen { engine, ad_hoc, ignored: Vec::new() });
        }
        ad_hoc.retain(|recognizer| entities.iter().any(|name| *name == *recognizer.entity));
        let (mut detectors, mut ignored) = (Vec::new(), Vec::new());
        for name in entities {
            match self.catalogue.detectors(name) {
                Some(ids) => detectors.extend(ids.iter().cloned()),
                None if ad_hoc.iter().any(|recognizer| *recognizer.entity == **name) => {}
                None => ignored.push(name.clone()),
            }
        }
        if detectors.is_empty() && ad_hoc.is_empty() {
            return Err(Refusal::failed(language::NO_RECOGNIZERS));
        }
        let engine = match detectors.is_empty() {
            true => None,
            false => Some(self.selection(detectors, lowest)?),
        };
        Ok(Chosen { engine, ad_hoc, ignored })
    }

    fn selection(&self, mut detectors: Vec<String>, min_confidence: u8) -> Result<Engine, Refusal> {
        detectors.sort_unstable();
        detectors.dedup();
        let key = (detectors, min_confidence);
        let mut selected = self.selected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = selected.get(&key) {
            return Ok(engine.clone());
        }
        let selection = Selection { detectors: key.0.clone(), min_confidence, overlap: Overlap::default() };
        let engine = self.engine.select(&selection).map_err(Refusal::failed)?;
        if selected.len() >= SELECTIONS {
            selected.clear();
        }
        selected.insert(key, engine.clone());
        Ok(engine)
    }

    fn analyze(&self, plan: &Plan, text: &str, deadline: &Deadline) -> Result<Vec<Found>, Refusal> {
        let mut found = Vec::new();
        if let Some(engine) = &plan.chosen.engine {
            self.detect(plan, engine, text, &mut found);
        }
        for recognizer in &plan.chosen.ad_hoc {
            recognizer.find(text, &plan.context, deadline, plan.explains, &mut found)?;
            few(found.len())?;
        }
        if let Some(threshold) = plan.threshold {
            found.retain(|result| result.score >= threshold);
        }
        let mut found = without_repetitions(found);
        plan.allow.apply(text, &mut found);
        few(found.len())?;
        Ok(found)
    }

    /// What the detectors find. The words of the request's context stand before the text, as if it began with them.
    fn detect(&self, plan: &Plan, engine: &Engine, text: &str, found: &mut Vec<Found>) {
        let whole: String;
        let (scanned, before) = if plan.context.is_empty() {
            (text, 0)
        } else {
            let words = plan.context.join("\n") + GAP;
            whole = words + text;
            (whole.as_str(), whole.len() - text.len())
        };
        let shift = scanned.get(..before).map_or(0, |words| words.chars().count());
        let explainer = Explainer::new(engine, scanned);
        let findings = engine.scan(scanned).into_iter();
        found.extend(
            findings.filter(|finding| finding.range().start >= before && self.is_told(plan, finding)).map(
                |finding| {
                    let score = explainer.score(&finding);
                    Found {
                        analysis_explanation: plan.explains.then(|| explainer.explain(&finding)),
                        entity_type: self.catalogue.entity(finding.detector),
                        start: place(finding.start.character) - shift,
                        end: place(finding.end.character) - shift,
                        score,
                    }
                },
            ),
        );
    }

    fn is_told(&self, plan: &Plan, finding: &Finding) -> bool {
        let recommended = self.engine.detector(finding).map_or(0, |detector| detector.recommended);
        finding.confidence >= least_told(plan.threshold, plan.named, recommended)
    }
}

fn place(character: u64) -> usize {
    usize::try_from(character).unwrap_or(usize::MAX)
}

fn few(results: usize) -> Result<(), Refusal> {
    if results > RESULTS {
        return Err(Refusal::bad(format!("there are more than {RESULTS} results; send less text at once")));
    }
    Ok(())
}

impl std::fmt::Debug for Analyzer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Analyzer").finish_non_exhaustive()
    }
}

/// A name that several results share.
type Name = Arc<str>;
