//! The figures of a training run.

use std::collections::BTreeMap;

use super::attack::{Prepared, Trained, label};
use super::evade::{self, Retention};
use super::harm::{self, Graded};
use super::measure::{Scored, area_under_precision_recall, area_under_roc, share};
use crate::Source;
use crate::harm::{HARMS, Model};
use crate::model::calibration::OperatingPoint;
use crate::shield::Shield;
use crate::view::english;

/// How many attacks and harmless texts are encoded in every way.
const ENCODED: usize = 60;

/// The operating points of the tables, in order.
const POINTS: [OperatingPoint; 4] = [
    OperatingPoint::Released,
    OperatingPoint::Percent,
    OperatingPoint::HalfPercent,
    OperatingPoint::TenthPercent,
];

/// A row of a table: what, how many, and a part of them at each operating point.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) count: usize,
    pub(super) shares: [f64; POINTS.len()],
}

/// Figures of one head.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) area: f64,
    pub(super) points: [f32; POINTS.len()],
    /// Attacks of sources that were left out, and of our own cases that were.
    pub(super) attacks: Vec<Row>,
    pub(super) held_attacks: Vec<Row>,
    /// Harmless texts, by kind.
    pub(super) harmless: Vec<Row>,
    pub(super) held_harmless: Vec<Row>,
}

/// Figures of a source of harms.
#[derive(Clone, Debug)]
pub(super) struct HarmRow {
    pub(super) name: String,
    pub(super) count: usize,
    pub(super) any: f64,
    pub(super) harmful: f64,
    pub(super) areas: [f64; 4],
}

/// How well severities are told.
#[derive(Clone, Debug)]
pub(super) struct SeverityRow {
    pub(super) harm: &'static str,
    pub(super) count: usize,
    pub(super) error: f64,
    pub(super) within_one: f64,
}

/// All figures.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) heads: [Head; 2],
    pub(super) retention: Vec<Retention>,
    pub(super) harms: Vec<HarmRow>,
    pub(super) any: [f64; 2],
    pub(super) harmless_flagged: f64,
    pub(super) severities: Vec<SeverityRow>,
    /// Sources and how many texts of each under which licence.
    pub(super) sources: Vec<(String, String, usize)>,
    pub(super) subtype_right: (usize, usize),
}

impl Report {
    pub(super) fn new(
        prepared: &[Prepared],
        trained: &Trained,
        graded: &[Graded],
        logits: &[[f32; 4]],
        model: &Model,
        shield: &Shield,
    ) -> Report {
        let harms = probabilities(logits, model);
        Report {
            heads: [head(prepared, trained, 0), head(prepared, trained, 1)],
            retention: retention(prepared, shield),
            any: [
                area_under_precision_recall(&any_scores(graded, &harms, |text| text.licence.contains("SA"))),
                area_under_precision_recall(&any_scores(graded, &harms, |text| !text.held_out)),
            ],
            harmless_flagged: share(
                graded
                    .iter()
                    .zip(&harms)
                    .filter(|(text, _)| text.kind == "harmless")
                    .map(|(_, harms)| any(harms)),
                0.5,
            ),
            severities: severities(graded, logits, model),
            harms: harm_rows(graded, &harms),
            sources: sources(prepared, graded),
            subtype_right: subtypes(prepared, shield),
        }
    }
}

fn head(prepared: &[Prepared], trained: &Trained, head: usize) -> Head {
    let judge = if head == 0 { &trained.model.user } else { &trained.model.content };
    let points = POINTS.map(|point| judge.points.at(point));
    let mut groups: BTreeMap<(bool, bool, String, String), Vec<f32>> = BTreeMap::new();
    for (item, logits) in prepared.iter().zip(&trained.logits) {
        let logit = logits.get(head).copied().flatten();
        if let (Some(attack), Some(logit)) = (label(&item.text, head), logit) {
            // Attacks are told by source, harmless texts by kind.
            let name = if attack { item.text.origin.clone() } else { String::new() };
            let key = (attack, item.text.held_out, item.text.kind.clone(), name);
            groups.entry(key).or_default().push(judge.platt.probability(logit));
        }
    }
    let rows = |attack: bool, held: bool| -> Vec<Row> {
        groups
            .iter()
            .filter(|((is_attack, is_held, ..), _)| (*is_attack, *is_held) == (attack, held))
            .map(|((_, _, kind, name), scores)| Row {
                name: name.clone(),
                kind: kind.clone(),
                count: scores.len(),
                shares: points.map(|point| share(scores.iter().copied(), point)),
            })
            .collect()
    };
    let area = trained.areas.get(head).copied().unwrap_or(f64::NAN);
    Head {
        area,
        points,
        attacks: rows(true, false),
        held_attacks: rows(true, true),
        harmless: rows(false, false),
        held_harmless: rows(false, true),
    }
}

/// Bits a letter of texts that are English throughout.
const ENGLISH: f32 = 1.2;

/// Short attacks that are found plainly, in every encoding, beside as many harmless requests.
fn retention(prepared: &[Prepared], shield: &Shield) -> Vec<Retention> {
    // Ciphers without a mark of their own are looked for in English alone.
    let english = |text: &str| {
        let known = [" the ", " you", " all ", " my "].iter().any(|word| text.contains(word));
        known && english::score(text).bits() >= ENGLISH
    };
    let short = |item: &&Prepared| (24..220).contains(&item.text.text.len()) && english(&item.text.text);
    let attacks = prepared.iter().filter(short).filter(|item| {
        item.text.user == Some(true)
            && item.text.span.is_none()
            && item.text.text.is_ascii()
            && (item.text.origin.starts_with("deepset")
                || item.text.origin.starts_with("cyber")
                || item.text.origin.contains("cases"))
    });
    let found = attacks.filter(|item| shield.attack(&item.text.text, Source::User).detected);
    let attacks: Vec<&str> = found.map(|item| item.text.text.as_str()).take(ENCODED).collect();
    let harmless = prepared.iter().filter(short).filter(|item| item.text.origin.starts_with("alpaca"));
    let harmless: Vec<&str> = harmless.map(|item| item.text.text.as_str()).take(ENCODED).collect();
    evade::retention(shield, &attacks, &harmless)
}

/// How many subtypes of held out cases that are found are told rightly.
fn subtypes(prepared: &[Prepared], shield: &Shield) -> (usize, usize) {
    let (mut right, mut all) = (0, 0);
    for item in prepared.iter().filter(|item| item.text.held_out) {
        let Some(expected) = item.text.subtype.as_deref().and_then(crate::attack::Subtype::from_name) else {
            continue;
        };
        let source = if item.text.user == Some(true) { Source::User } else { Source::Document };
        let verdict = shield.attack(&item.text.text, source);
        if verdict.detected {
            all += 1;
            right += usize::from(verdict.subtype == Some(expected));
        }
    }
    (right, all)
}

fn probabilities(logits: &[[f32; 4]], model: &Model) -> Vec<[f32; 4]> {
    let of = |logits: &[f32; 4]| {
        let mut probabilities = [0.0; 4];
        for ((place, logit), head) in probabilities.iter_mut().zip(logits).zip(&model.heads) {
            *place = head.platt.probability(*logit);
        }
        probabilities
    };
    logits.iter().map(of).collect()
}

fn any(probabilities: &[f32; 4]) -> f32 {
    1.0 - probabilities.iter().map(|probability| 1.0 - probability).product::<f32>()
}

fn any_scores(graded: &[Graded], harms: &[[f32; 4]], wanted: impl Fn(&Graded) -> bool) -> Vec<Scored> {
    let rows = graded.iter().zip(harms).filter(|(text, _)| wanted(text));
    rows.filter_map(|(text, harms)| harm::any(text).map(|label| (any(harms), label))).collect()
}

fn harm_rows(graded: &[Graded], harms: &[[f32; 4]]) -> Vec<HarmRow> {
    let mut groups: BTreeMap<String, Vec<(&Graded, &[f32; 4])>> = BTreeMap::new();
    for (text, harms) in graded.iter().zip(harms).filter(|(text, _)| text.kind != "harmless") {
        let own = text.origin == "castellan cases";
        let name =
            if own && text.held_out { "castellan cases, left out".to_owned() } else { text.origin.clone() };
        groups.entry(name).or_default().push((text, harms));
    }
    groups.into_iter().map(|(name, rows)| harm_row(name, &rows)).collect()
}

fn harm_row(name: String, rows: &[(&Graded, &[f32; 4])]) -> HarmRow {
    let scored: Vec<Scored> =
        rows.iter().filter_map(|(text, harms)| harm::any(text).map(|label| (any(harms), label))).collect();
    let mut areas = [f64::NAN; 4];
    for (harm, area) in areas.iter_mut().enumerate() {
        let known = rows.iter().filter_map(|(text, harms)| {
            let label = text.labels.get(harm).copied().flatten()?;
            harms.get(harm).map(|probability| (*probability, label))
        });
        *area = area_under_roc(&known.collect::<Vec<Scored>>());
    }
    let harmful = scored.iter().filter(|item| item.1).map(|_| 1.0).sum::<f64>();
    HarmRow {
        name,
        count: rows.len(),
        any: area_under_precision_recall(&scored),
        harmful: harmful / scored.iter().map(|_| 1.0).sum::<f64>(),
        areas,
    }
}

fn severities(graded: &[Graded], logits: &[[f32; 4]], model: &Model) -> Vec<SeverityRow> {
    let row = |(harm, (name, head)): (usize, (&&'static str, &crate::harm::Head))| {
        let errors: Vec<f64> = graded
            .iter()
            .zip(logits)
            .filter_map(|(text, logits)| {
                let grade = text.grades.get(harm).copied().flatten()?;
                let logit = logits.get(harm)?;
                let told = head.severities.iter().take_while(|least| logit >= least).count();
                Some((f64::from(u8::try_from(told).unwrap_or(7)) - f64::from(grade)).abs())
            })
            .collect();
        let count = errors.iter().map(|_| 1.0).sum::<f64>();
        SeverityRow {
            harm: name,
            count: errors.len(),
            error: errors.iter().sum::<f64>() / count,
            within_one: errors.iter().filter(|error| **error <= 1.0).map(|_| 1.0).sum::<f64>() / count,
        }
    };
    HARMS.iter().zip(&model.heads).enumerate().map(row).collect()
}

fn sources(prepared: &[Prepared], graded: &[Graded]) -> Vec<(String, String, usize)> {
    let mut sources: BTreeMap<(String, String), usize> = BTreeMap::new();
    let attacks = prepared
        .iter()
        .filter(|item| !item.text.held_out)
        .map(|item| (&item.text.origin, &item.text.licence));
    let harms = graded
        .iter()
        .filter(|text| !text.held_out && text.kind != "harmless")
        .map(|text| (&text.origin, &text.licence));
    for (origin, licence) in attacks.chain(harms) {
        *sources.entry((origin.clone(), licence.clone())).or_default() += 1;
    }
    sources.into_iter().map(|((origin, licence), count)| (origin, licence, count)).collect()
}
