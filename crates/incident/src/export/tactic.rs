//! Names and numbers of tactics. Source: MITRE ATT&CK, Enterprise and ICS.

use castellan_detect::rule::Tactic;

/// A tactic as ATT&CK knows it.
pub(super) struct Known {
    /// `TA0002`; empty for what is no tactic there any more.
    pub(super) id: &'static str,
    /// With blanks: `Lateral Movement`.
    pub(super) name: &'static str,
    /// The name of its phase in a kill chain: `lateral-movement`.
    pub(super) phase: &'static str,
    /// Its kill chain: `mitre-attack` or `mitre-ics-attack`.
    pub(super) chain: &'static str,
}

pub(super) fn known(tactic: Tactic) -> Known {
    const ATTACK: &str = "mitre-attack";
    const ICS: &str = "mitre-ics-attack";
    let (id, name, phase, chain) = match tactic {
        Tactic::Reconnaissance => ("TA0043", "Reconnaissance", "reconnaissance", ATTACK),
        Tactic::ResourceDevelopment => ("TA0042", "Resource Development", "resource-development", ATTACK),
        Tactic::InitialAccess => ("TA0001", "Initial Access", "initial-access", ATTACK),
        Tactic::Execution => ("TA0002", "Execution", "execution", ATTACK),
        Tactic::Persistence => ("TA0003", "Persistence", "persistence", ATTACK),
        Tactic::PrivilegeEscalation => ("TA0004", "Privilege Escalation", "privilege-escalation", ATTACK),
        Tactic::DefenseEvasion => ("TA0005", "Defense Evasion", "defense-evasion", ATTACK),
        Tactic::CredentialAccess => ("TA0006", "Credential Access", "credential-access", ATTACK),
        Tactic::Discovery => ("TA0007", "Discovery", "discovery", ATTACK),
        Tactic::LateralMovement => ("TA0008", "Lateral Movement", "lateral-movement", ATTACK),
        Tactic::Collection => ("TA0009", "Collection", "collection", ATTACK),
        Tactic::CommandAndControl => ("TA0011", "Command and Control", "command-and-control", ATTACK),
        Tactic::Exfiltration => ("TA0010", "Exfiltration", "exfiltration", ATTACK),
        Tactic::Impact => ("TA0040", "Impact", "impact", ATTACK),
        Tactic::PreAttack => ("", "Pre-Attack", "pre-attack", ATTACK),
        Tactic::ImpairProcessControl => ("TA0106", "Impair Process Control", "impair-process-control", ICS),
        Tactic::InhibitResponseFunction => {
            ("TA0107", "Inhibit Response Function", "inhibit-response-function", ICS)
        }
    };
    Known { id, name, phase, chain }
}

/// Where a technique is described: the name of its source and the page. `T1059.009`, `AML.T0051`.
pub(super) fn page(technique: &str) -> (&'static str, String) {
    if technique.starts_with("AML.") {
        return ("mitre-atlas", format!("https://atlas.mitre.org/techniques/{technique}"));
    }
    ("mitre-attack", format!("https://attack.mitre.org/techniques/{}", technique.replace('.', "/")))
}
