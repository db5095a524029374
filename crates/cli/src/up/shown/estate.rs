//! The scanned estate for the console: findings with their fixes, and what people accept.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use castellan_base::{Finding, OsSystem, System, Verdict};
use castellan_estate::bom::{CycloneDxOptions, bill_of_materials, to_cyclonedx};
use castellan_posture::exemptions::{ExemptionCategory, Exemptions};
use castellan_posture::fix::patch_of;
use castellan_posture::{AssessedFinding, Met, Report};
use castellan_server::console::{
    Category, Estate, EstateState, Exempt, Exemption, Failure, Fix, FixKind, Hub, Observed, Place,
    Recommendation, RecommendationState,
};
use serde::{Deserialize, Serialize};

use crate::survey::{Held, Survey};
use crate::up::kept::replace;

/// Lines shown before and after a place.
const AROUND: u32 = 3;
/// The longest line that is shown, in characters.
const LONGEST: usize = 400;
/// Most exemptions that are given in the console.
const MOST: usize = 10_000;

/// The estate as the console sees it.
pub(super) struct Shown {
    held: Arc<Held>,
    hub: Hub,
    /// Where exemptions of the console are kept.
    file: PathBuf,
    /// Held while the file changes.
    changing: Mutex<()>,
}

impl Shown {
    pub(super) fn new(held: Arc<Held>, hub: Hub, file: PathBuf) -> Shown {
        Shown { held, hub, file, changing: Mutex::new(()) }
    }

    fn survey(&self) -> Result<Arc<Survey>, Failure> {
        self.held
            .now()
            .ok_or_else(|| Failure::missing("the estate was not scanned yet; try again in a moment"))
    }

    /// Surveys again with other exemptions, and gives the finding as it is then.
    fn again(&self, id: &str) -> Result<Recommendation, Failure> {
        // A survey that goes on meanwhile may have read the file before: then another follows it.
        while !self.held.again(&OsSystem) {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let state = self.state();
        self.hub.posture(state.scanned, state.problem.as_deref());
        self.recommendation(id)
    }

    fn kept(&self) -> Result<Kept> {
        Kept::read(&self.file)
    }
}

/// Exemptions that were given in the console: a file that `castellan scan --exemptions` reads too, since JSON is YAML.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    exemptions: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    check: String,
    resource: String,
    category: String,
    reason: String,
    approver: String,
    expires: String,
}

impl Kept {
    fn read(file: &Path) -> Result<Kept> {
        if !OsSystem.exists(file) {
            return Ok(Kept::default());
        }
        let read = Exemptions::load(&OsSystem, file)?;
        let entries = read.entries().iter().map(|entry| Entry {
            check: entry.check.to_string(),
            resource: entry.resource.to_string(),
            category: entry.category.as_str().to_owned(),
            reason: entry.reason.to_string(),
            approver: entry.approver.to_string(),
            expires: entry.expires.to_string(),
        });
        Ok(Kept { exemptions: entries.collect() })
    }

    fn write(&self, file: &Path) -> Result<()> {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        }
        let text = serde_json::to_string_pretty(self)? + "\n";
        replace(file, text.as_bytes()).with_context(|| format!("cannot write `{}`", file.display()))
    }

    fn is_of(entry: &Entry, finding: &Finding) -> bool {
        entry.check == *finding.check && entry.resource.eq_ignore_ascii_case(finding.resource.as_str())
    }
}

fn failed(error: &anyhow::Error) -> Failure {
    Failure::failed(format!("{error:#}"))
}

impl Estate for Shown {
    fn state(&self) -> EstateState {
        let (state, survey) = (self.held.state(), self.held.now());
        let paths = self.held.sources().paths.clone();
        EstateState {
            available: !paths.is_empty(),
            paths,
            is_scanning: state.is_scanning,
            scanned: survey.as_ref().map(|survey| survey.assessment.at),
            took_ms: survey.as_ref().map(|survey| survey.took.as_secs_f64() * 1_000.0),
            resources: survey.as_ref().map(|survey| survey.assessment.inventory.resources as u64),
            problem: state.problem,
        }
    }

    fn bom(&self) -> Result<serde_json::Value, Failure> {
        let survey = self.survey()?;
        let options = CycloneDxOptions::at(survey.assessment.at);
        Ok(to_cyclonedx(&bill_of_materials(&survey.estate), &options))
    }

    fn scan(&self) -> Result<EstateState, Failure> {
        if self.held.sources().paths.is_empty() {
            return Err(Failure::missing(
                "there is nothing to scan; put templates and exports into `estate` of the data folder",
            ));
        }
        let (held, hub) = (Arc::clone(&self.held), self.hub.clone());
        std::thread::spawn(move || {
            if held.again(&OsSystem) {
                let scanned = held.now().map(|survey| survey.assessment.at);
                hub.posture(scanned, held.state().problem.as_deref());
            }
        });
        Ok(EstateState { is_scanning: true, ..self.state() })
    }

    fn recommendation(&self, id: &str) -> Result<Recommendation, Failure> {
        let survey = self.survey()?;
        let ours = |finding: &Finding| {
            self.kept().is_ok_and(|kept| kept.exemptions.iter().any(|entry| Kept::is_of(entry, finding)))
        };
        if let Some(found) = survey.assessment.findings.iter().find(|found| found.fingerprint == id) {
            return told(&survey, found, ours(&found.finding)).ok_or_else(|| missing(id));
        }
        let met = survey.assessment.met.iter().find(|met| fingerprint(&survey, **met).as_deref() == Some(id));
        met.and_then(|met| healthy(&survey, *met)).ok_or_else(|| missing(id))
    }

    fn exempt(&self, id: &str, exempt: &Exempt, by: &str) -> Result<Recommendation, Failure> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let survey = self.survey()?;
        let found = survey.assessment.findings.iter().find(|found| found.fingerprint == id);
        let found = found.ok_or_else(|| missing(id))?;
        if found.finding.verdict == Verdict::Exempt {
            return Err(Failure::conflict("this is accepted already; take that back first"));
        }
        let mut kept = self.kept().map_err(|error| failed(&error))?;
        kept.exemptions.retain(|entry| !Kept::is_of(entry, &found.finding));
        if kept.exemptions.len() >= MOST {
            return Err(Failure::conflict(format!("there are {MOST} exemptions; take some back first")));
        }
        kept.exemptions.push(Entry {
            check: found.finding.check.to_string(),
            resource: found.finding.resource.as_str().to_owned(),
            category: match exempt.category {
                Category::Waiver => "waiver",
                Category::Mitigated => "mitigated",
            }
            .to_owned(),
            reason: exempt.reason.clone(),
            approver: by.to_owned(),
            expires: exempt.until.to_string(),
        });
        kept.write(&self.file).map_err(|error| failed(&error))?;
        self.again(id)
    }

    fn lift(&self, id: &str, _by: &str) -> Result<Recommendation, Failure> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let survey = self.survey()?;
        let found = survey.assessment.findings.iter().find(|found| found.fingerprint == id);
        let found = found.ok_or_else(|| missing(id))?;
        let mut kept = self.kept().map_err(|error| failed(&error))?;
        let before = kept.exemptions.len();
        kept.exemptions.retain(|entry| !Kept::is_of(entry, &found.finding));
        if kept.exemptions.len() == before {
            return Err(match found.finding.verdict {
                Verdict::Exempt => Failure::conflict("this is accepted in a file; change it there"),
                _ => Failure::conflict("this is not accepted"),
            });
        }
        kept.write(&self.file).map_err(|error| failed(&error))?;
        self.again(id)
    }
}

fn missing(id: &str) -> Failure {
    Failure::missing(format!(
        "there is no recommendation `{id}`; what was scanned since may not have it any more"
    ))
}

fn fingerprint(survey: &Survey, met: Met) -> Option<String> {
    let check = &survey.assessment.checks.get(met.check)?.check;
    let resource = survey.estate.resources.get(met.resource)?;
    Some(Finding::fingerprint_of(&check.id, &resource.id))
}

/// The workload of a resource, as the tables have it.
fn workload(survey: &Survey, resource: &castellan_base::ResourceId) -> String {
    survey.groups.workload(resource).to_owned()
}

fn told(survey: &Survey, found: &AssessedFinding, is_ours: bool) -> Option<Recommendation> {
    let result = survey.assessment.check_of(found)?;
    let (check, finding) = (&result.check, &found.finding);
    let (state, reason) = match &finding.verdict {
        Verdict::NonCompliant => (RecommendationState::Unhealthy, check.risk.to_string()),
        Verdict::Unknown(unknown) if unknown.next_step.is_empty() => {
            (RecommendationState::Unknown, unknown.message.clone())
        }
        Verdict::Unknown(unknown) => (
            RecommendationState::Unknown,
            format!("{}. What would settle it: {}", unknown.message, unknown.next_step),
        ),
        Verdict::Exempt => (RecommendationState::Exempt, check.risk.to_string()),
        Verdict::Compliant | Verdict::NotApplicable => return None,
    };
    let places = found.evidence_locations.iter();
    let evidence =
        finding.evidence.iter().zip(places).map(|(one, place)| observed(survey, one, place.as_ref()));
    let fixes = fixes(survey, found);
    let violations = result.counts.non_compliant.max(1);
    Some(Recommendation {
        id: found.fingerprint.clone(),
        check_id: finding.check.to_string(),
        title: finding.title.to_string(),
        description: check.risk.to_string(),
        severity: finding.severity,
        state,
        resource_id: finding.resource.as_str().to_owned(),
        resource_name: finding.resource.name().to_owned(),
        resource_type: finding.resource_type.to_string(),
        workload: workload(survey, &finding.resource),
        reason,
        evidence: evidence.collect(),
        location: finding.location.as_ref().map(Place::from),
        remediation: check.remediation.to_string(),
        frameworks: finding.frameworks.iter().map(ToString::to_string).collect(),
        risk_gain: found.risk_gain,
        #[allow(clippy::cast_precision_loss, reason = "counts of findings stay far below 2^52")]
        score_gain: result.secure_score_gain / violations as f64,
        fixable: fixes.iter().any(|fix| fix.diff.is_some() || !fix.commands.is_empty()),
        exemption: found.exemption.as_ref().map(|exemption| Exemption {
            category: match exemption.category {
                ExemptionCategory::Waiver => Category::Waiver,
                ExemptionCategory::Mitigated => Category::Mitigated,
            },
            reason: exemption.reason.to_string(),
            approver: exemption.approver.to_string(),
            expires: Some(exemption.expires),
            is_ours,
        }),
        fixes,
    })
}

fn observed(
    survey: &Survey,
    one: &castellan_base::Evidence,
    place: Option<&castellan_base::Location>,
) -> Observed {
    let snippet = place.and_then(|place| lines(survey, one.span, place.line));
    Observed {
        path: one.path.to_string(),
        actual: one.actual.as_ref().map_or(serde_json::Value::Null, |node| node.to_json()),
        operator: one.operator.to_string(),
        expected: one.expected.to_json(),
        location: place.map(Place::from),
        snippet_line: snippet.as_ref().map(|(first, _)| *first),
        snippet: snippet.map(|(_, text)| text),
    }
}

/// Lines around a place of a file that was read, and the number of the first.
fn lines(survey: &Survey, span: castellan_base::Span, line: u32) -> Option<(u32, String)> {
    let text = survey.estate.sources.text(span.source)?;
    let first = line.saturating_sub(AROUND).max(1);
    let count = usize::try_from(line.saturating_add(AROUND).saturating_sub(first) + 1).ok()?;
    let cut = |line: &str| line.chars().take(LONGEST).collect::<String>();
    let shown = text.lines().skip(usize::try_from(first).ok()?.saturating_sub(1)).take(count).map(cut);
    Some((first, shown.collect::<Vec<_>>().join("\n")))
}

fn fixes(survey: &Survey, found: &AssessedFinding) -> Vec<Fix> {
    let mut fixes = Vec::new();
    let blank = |title: &str, kind: FixKind| Fix {
        title: title.to_owned(),
        kind,
        file: None,
        diff: None,
        text: None,
        commands: Vec::new(),
        note: None,
    };
    let proposal = Report::new(&survey.assessment, &survey.estate).proposal(found);
    let note = proposal.as_ref().and_then(|proposal| proposal.note.as_ref().map(ToString::to_string));
    if found.is_violation()
        && let Ok(patched) = patch_of(found, &survey.assessment, &survey.estate)
    {
        let (file, diff) = (Some(patched.path.to_string()), Some(patched.patch));
        fixes.push(Fix {
            file,
            diff,
            note: note.clone(),
            ..blank("Change the file that was scanned", FixKind::Arm)
        });
    }
    let Some(proposal) = proposal else { return fixes };
    for (title, kind, text) in [
        ("Resource Manager", FixKind::Arm, &proposal.arm),
        ("Bicep", FixKind::Bicep, &proposal.bicep),
        ("Terraform", FixKind::Terraform, &proposal.terraform),
    ] {
        if !text.is_empty() {
            fixes.push(Fix { text: Some(text.clone()), note: note.clone(), ..blank(title, kind) });
        }
    }
    if !proposal.az.is_empty() {
        let commands = proposal.az.lines().map(str::to_owned).collect();
        fixes.push(Fix { commands, note, ..blank("Azure CLI", FixKind::Az) });
    }
    fixes
}

fn healthy(survey: &Survey, met: Met) -> Option<Recommendation> {
    let check = &survey.assessment.checks.get(met.check)?.check;
    let resource = survey.estate.resources.get(met.resource)?;
    let location = survey.estate.sources.locate(resource.span.or(resource.body.span));
    Some(Recommendation {
        id: Finding::fingerprint_of(&check.id, &resource.id),
        check_id: check.id.to_string(),
        title: check.title.to_string(),
        description: check.risk.to_string(),
        severity: check.severity,
        state: RecommendationState::Healthy,
        resource_id: resource.id.as_str().to_owned(),
        resource_name: resource.name().to_owned(),
        resource_type: resource.resource_type.to_string(),
        workload: workload(survey, &resource.id),
        reason: String::new(),
        evidence: Vec::new(),
        location: location.as_ref().map(Place::from),
        remediation: check.remediation.to_string(),
        frameworks: check.frameworks.iter().map(ToString::to_string).collect(),
        risk_gain: 0.0,
        score_gain: 0.0,
        fixable: false,
        exemption: None,
        fixes: Vec::new(),
    })
}
