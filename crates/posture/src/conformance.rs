//! How far our verdicts agree with the compliance states that Azure itself computed and the user exported.
//!
//! Only pairs that Azure judged and that are part of what was read can be compared. A pair that we cannot tell is
//! counted apart: it is neither agreement nor disagreement.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_base::{Node, ResourceId, Ticks, Verdict};
use castellan_estate::{Estate, GovernanceKind};
use castellan_policy::EvaluationContext;
use castellan_policy::governance::Governance;

use crate::judge::{Subject, Terms};
use crate::pack::{self, PolicyPack};

/// The comparison, definition by definition.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conformance {
    /// Definitions with at least one state that could be compared, in order of their ids.
    pub definitions: Vec<DefinitionConformance>,
    /// States whose definition or resource is not part of what was read.
    pub not_comparable: usize,
}

/// The comparison for one definition.
#[derive(Debug, Clone, PartialEq)]
pub struct DefinitionConformance {
    /// The definition's id.
    pub policy: Arc<str>,
    /// Its display name.
    pub display_name: Arc<str>,
    /// States where both sides say compliant or non-compliant.
    pub compared: usize,
    /// Those where both say the same.
    pub agreed: usize,
    /// States that Azure could tell and we could not.
    pub unknown_here: usize,
    /// Where the two differ.
    pub disagreements: Vec<Disagreement>,
}

/// One resource on which the two differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Disagreement {
    /// The resource.
    pub resource: ResourceId,
    /// What Azure says.
    pub azure: Arc<str>,
    /// What we say.
    pub castellan: &'static str,
}

impl DefinitionConformance {
    /// Agreement in percent of what could be compared; 100 when nothing could.
    #[allow(clippy::cast_precision_loss)] // Counts of states stay far below 2^52.
    pub fn agreement_percent(&self) -> f64 {
        if self.compared == 0 { 100.0 } else { self.agreed as f64 / self.compared as f64 * 100.0 }
    }
}

impl Conformance {
    /// Agreement over all definitions, in percent; `None` when nothing could be compared.
    #[allow(clippy::cast_precision_loss)] // Counts of states stay far below 2^52.
    pub fn agreement_percent(&self) -> Option<f64> {
        let compared: usize = self.definitions.iter().map(|one| one.compared).sum();
        let agreed: usize = self.definitions.iter().map(|one| one.agreed).sum();
        (compared > 0).then(|| agreed as f64 / compared as f64 * 100.0)
    }
}

/// Compares with every exported compliance state of a definition in the pack and a resource in the estate.
pub(crate) fn compare(pack: &PolicyPack, estate: &Estate, now: Ticks) -> Conformance {
    let mut conformance = Conformance::default();
    let context = pack::context(now);
    let governance = pack::governance(pack, estate);
    let mut definitions: BTreeMap<usize, DefinitionConformance> = BTreeMap::new();
    let states = estate.governance.iter().filter(|document| document.kind == GovernanceKind::ComplianceState);
    for state in states {
        if let Some((position, said)) =
            compare_one(pack, estate, &state.document, &context, governance.as_ref())
        {
            let Some(loaded) = pack.details.get(position) else { continue };
            let definition = definitions.entry(position).or_insert_with(|| DefinitionConformance {
                policy: Arc::clone(&loaded.id),
                display_name: Arc::clone(&loaded.display_name),
                compared: 0,
                agreed: 0,
                unknown_here: 0,
                disagreements: Vec::new(),
            });
            definition.count(said);
        } else {
            conformance.not_comparable += 1;
        }
    }
    conformance.definitions = definitions.into_values().collect();
    conformance.definitions.sort_by(|left, right| left.policy.cmp(&right.policy));
    conformance
}

/// What both sides say of one resource.
struct Said {
    resource: ResourceId,
    azure: Arc<str>,
    here: Verdict,
}

impl DefinitionConformance {
    fn count(&mut self, said: Said) {
        let azure_compliant = said.azure.eq_ignore_ascii_case("Compliant");
        match said.here {
            Verdict::Unknown(_) => self.unknown_here += 1,
            verdict => {
                self.compared += 1;
                // Azure has no state for what a definition does not speak about, and calls it compliant.
                let here_compliant = matches!(verdict, Verdict::Compliant | Verdict::NotApplicable);
                if here_compliant == azure_compliant {
                    self.agreed += 1;
                } else {
                    let castellan = verdict.as_str();
                    self.disagreements.push(Disagreement {
                        resource: said.resource,
                        azure: said.azure,
                        castellan,
                    });
                }
            }
        }
    }
}

fn compare_one(
    pack: &PolicyPack,
    estate: &Estate,
    document: &Node,
    context: &EvaluationContext,
    governance: Option<&Governance>,
) -> Option<(usize, Said)> {
    // `az policy state list` gives the row itself, Resource Graph keeps it under `properties`.
    let row = document.get("properties").unwrap_or(document);
    let text = |key: &str| row.get(key).and_then(Node::as_str);
    let azure = text("complianceState").filter(|state| {
        ["compliant", "noncompliant"].iter().any(|known| state.eq_ignore_ascii_case(known))
    })?;
    let definition = text("policyDefinitionId").or_else(|| text("policyDefinitionName"))?;
    let position = pack.find(definition)?;
    let id: ResourceId = text("resourceId")?.parse().ok()?;
    let resource = estate.get(&id)?;
    let policy = pack.index.policies().get(position)?;
    // A state belongs to one assignment; without it, the definition's own defaults are what can be compared with.
    let reached = governance.map(|all| all.reaching(&resource.body, context.now)).unwrap_or_default();
    let assignment = text("policyAssignmentId").unwrap_or_default();
    let reference = text("policyDefinitionReferenceId").unwrap_or_default();
    let own = reached.iter().find(|one| {
        let same_reference = reference.is_empty()
            || one.reference.is_none_or(|known| known.id.eq_ignore_ascii_case(reference));
        pack.find(one.definition) == Some(position)
            && one.assignment.id.eq_ignore_ascii_case(assignment)
            && same_reference
    });
    let terms = own.map_or_else(Terms::default, |one| Terms {
        parameters: Some(&one.parameters),
        effect: one.effect,
        trace: false,
    });
    let here = Subject::new(estate, resource, context).evaluate(policy, &terms).verdict;
    Some((position, Said { resource: id, azure: azure.into(), here }))
}
