//! Analytics rules for the console: how they run, and a query that becomes one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use castellan_base::{Level, OsSystem, Sources, System, Ticks};
use castellan_detect::check::check;
use castellan_detect::rule::duration;
use castellan_detect::rule::read::read;
use castellan_detect::rule::{Operator, Rule};
use castellan_detect::stream::How;
use castellan_kql::Severity as Grade;
use castellan_kql::bind::Database;
use castellan_lake::Lake;
use castellan_server::console::{
    CheckedRule, Diagnosed, Failure, Mode, NewRule, RuleState, Rules, SavedRule, Trigger,
};

use crate::keys::digits;
use crate::up::analytics::board::{Board, Line, Progress};
use crate::up::kept::replace;

/// What files of the console are called: `console-NAME-1a2b3c4d.yaml`.
const OURS: &str = "console-";
/// Most rules that are saved in the console.
const MOST: usize = 10_000;

/// The rules as the console sees them.
pub(super) struct Shown {
    board: Arc<Board>,
    /// Whose tables rules are checked against.
    lake: Weak<Lake>,
    /// Where rules are saved.
    folder: Option<PathBuf>,
    /// What was saved here and does not run yet: the rules are read again within seconds. Whoever saves or removes holds it.
    waiting: Mutex<Vec<RuleState>>,
}

impl Shown {
    pub(super) fn new(board: Arc<Board>, lake: Weak<Lake>, folder: Option<PathBuf>) -> Shown {
        Shown { board, lake, folder, waiting: Mutex::default() }
    }

    /// Looks at a rule over the tables that there are now, those of one's own too, and over the functions that rules may call.
    fn looked(&self, rule: &NewRule, id: &str) -> Looked {
        let mut schemas = self.board.schemas();
        // Without a lake the server is ending.
        if let Some(lake) = self.lake.upgrade() {
            let engine = lake.engine(castellan_query::Settings::default());
            let database = engine.database();
            for name in database.table_names() {
                if let Some(shape) = database.table(&name) {
                    schemas.add_table(name, shape);
                }
            }
        }
        looked(rule, id, &schemas)
    }

    fn is_ours(&self, source: &str) -> bool {
        let Some(folder) = &self.folder else { return false };
        let path = Path::new(source);
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        path.parent() == Some(folder) && name.starts_with(OURS)
    }

    /// The rules that run without those whose file was removed, and those that wait to run.
    fn all(&self, waiting: &mut Vec<RuleState>) -> Vec<RuleState> {
        let known = self.board.list();
        let is_known = |saved: &RuleState| known.iter().any(|(line, _)| *line.rule.id == *saved.id);
        waiting.retain(|saved| !is_known(saved) && Path::new(&saved.source).exists());
        let stands = |line: &Line| !self.is_ours(&line.source) || Path::new(&line.source).exists();
        let run = known.iter().filter(|(line, _)| stands(line));
        run.map(|(line, progress)| self.state(line, progress)).chain(waiting.iter().cloned()).collect()
    }

    fn state(&self, line: &Line, progress: &Progress) -> RuleState {
        let rule = &line.rule;
        let (mode, mode_reason) = match &line.how {
            _ if !rule.enabled => (Mode::Off, "it is turned off".to_owned()),
            Some(How::Rows) => (Mode::Row, String::new()),
            Some(How::Windows) => {
                (Mode::Window, "what a window has so far is looked at when something arrives".to_owned())
            }
            Some(How::Scheduled(why)) => (Mode::Scheduled, why.clone()),
            None => (Mode::Scheduled, "it has not begun yet".to_owned()),
        };
        let now = OsSystem.now();
        #[allow(clippy::cast_precision_loss, reason = "seconds for people to read")]
        let lag = progress
            .until
            .map(|until| (now.get().saturating_sub(until.get())) as f64 / Ticks::PER_SECOND as f64);
        RuleState {
            is_ours: self.is_ours(&line.source),
            mode,
            mode_reason,
            source: line.source.clone(),
            last_run: progress.last,
            last_status: match (&progress.failure, progress.last) {
                (Some(failure), _) => failure.clone(),
                (None, Some(_)) => "Success".to_owned(),
                (None, None) => String::new(),
            },
            lag_seconds: lag.map(|lag| lag.max(0.0)),
            alerts: progress.alerts,
            errors: progress.failure.iter().cloned().collect(),
            ..plain(rule)
        }
    }
}

/// What a rule says of itself.
fn plain(rule: &Rule) -> RuleState {
    let techniques = rule.techniques.iter().chain(&rule.atlas);
    RuleState {
        id: rule.id.to_string(),
        name: rule.name.to_string(),
        description: rule.description.to_string(),
        kind: rule.kind,
        severity: rule.severity,
        enabled: rule.enabled,
        tactics: rule.tactics.iter().map(|tactic| tactic.as_str().to_owned()).collect(),
        techniques: techniques.map(|technique| technique.text.to_string()).collect(),
        query: rule.query.text.to_string(),
        frequency: duration::format(rule.frequency),
        period: duration::format(rule.period),
        trigger: Trigger { operator: rule.trigger.operator, threshold: rule.trigger.threshold },
        mode: Mode::Scheduled,
        mode_reason: String::new(),
        source: String::new(),
        is_ours: false,
        last_run: None,
        last_status: String::new(),
        lag_seconds: None,
        alerts: 0,
        errors: Vec::new(),
        triage: rule.triage.iter().map(|step| step.to_string()).collect(),
        playbook: rule.playbook.as_deref().unwrap_or_default().to_owned(),
    }
}

impl Rules for Shown {
    fn list(&self) -> Vec<RuleState> {
        self.all(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn folder(&self) -> Option<String> {
        self.folder.as_ref().map(|folder| folder.display().to_string())
    }

    fn check(&self, rule: &NewRule) -> CheckedRule {
        self.looked(rule, "00000000-0000-4000-8000-000000000000").told
    }

    fn save(&self, rule: &NewRule, by: &str) -> Result<SavedRule, Failure> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(folder) = &self.folder else {
            return Err(Failure::conflict(
                "rules are read from one file here; start the server with a folder of rules",
            ));
        };
        let known = self.all(&mut waiting);
        let name = rule.name.trim();
        if known.iter().any(|known| known.name.eq_ignore_ascii_case(name)) {
            return Err(Failure::conflict(format!("there is a rule `{name}` already; take another name")));
        }
        if known.iter().filter(|known| known.is_ours).count() >= MOST {
            return Err(Failure::conflict(format!(
                "there are {MOST} rules of the console; remove some first"
            )));
        }
        let id = new_id().map_err(|error| Failure::failed(format!("{error:#}")))?;
        let checked = self.looked(rule, &id);
        let Some(made) = checked.rule.filter(|_| checked.told.ok) else {
            let why = checked.why.unwrap_or_else(|| "it cannot be read".to_owned());
            return Err(Failure::bad(format!("the rule cannot be saved: {why}")));
        };
        let file = folder.join(format!("{OURS}{}-{}.yaml", slug(name), id.get(..8).unwrap_or_default()));
        let text = format!("# Saved in the console by {}.\n{}", one_line(by), checked.told.yaml);
        replace(&file, text.as_bytes())
            .map_err(|error| Failure::failed(format!("`{}` cannot be written: {error}", file.display())))?;
        self.board.changed();
        let source = file.display().to_string();
        let state = RuleState { source: source.clone(), is_ours: true, ..plain(&made) };
        waiting.push(state.clone());
        Ok(SavedRule { id, file: source, runs: true, rule: state })
    }

    fn remove(&self, id: &str, _by: &str) -> Result<(), Failure> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.all(&mut waiting);
        let rule = known.iter().find(|rule| rule.id.eq_ignore_ascii_case(id));
        let rule = rule.ok_or_else(|| Failure::missing(format!("there is no rule `{id}`")))?;
        if !rule.is_ours {
            let message =
                format!("this rule was not saved here ({}); it is removed where it stands", rule.source);
            return Err(Failure::conflict(message));
        }
        std::fs::remove_file(&rule.source)
            .map_err(|error| Failure::failed(format!("`{}` cannot be removed: {error}", rule.source)))?;
        waiting.retain(|saved| saved.id != rule.id);
        self.board.changed();
        Ok(())
    }
}

/// A random id in the form of others.
fn new_id() -> anyhow::Result<String> {
    let digits = digits()?;
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default().to_owned();
    Ok(format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32)))
}

/// Letters and digits of a name, for the name of a file.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.chars().take(60) {
        match letter {
            letter if letter.is_ascii_alphanumeric() => slug.push(letter.to_ascii_lowercase()),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    slug.trim_end_matches('-').to_owned()
}

fn one_line(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

/// A rule that was looked at.
struct Looked {
    /// The rule, where it can be read.
    rule: Option<Rule>,
    told: CheckedRule,
    /// The first error.
    why: Option<String>,
}

fn looked(rule: &NewRule, id: &str, database: &dyn Database) -> Looked {
    let yaml = written(rule, id);
    let mut sources = Sources::default();
    let mut loaded = read("rule.yaml", &yaml, &mut sources);
    let own = crate::query::diagnostics(&rule.query, database);
    let made = (loaded.rules.len() == 1).then(|| loaded.rules.remove(0));
    let mut rest: Vec<(Grade, String)> = Vec::new();
    for (what, text) in [("frequency", &rule.frequency), ("period", &rule.period)] {
        if text.as_deref().is_some_and(|text| duration::parse(text).is_none()) {
            rest.push((Grade::Error, format!("`{what}` is no duration; write it as PT5M or P1D")));
        }
    }
    let mut of_file = loaded.diagnostics;
    if let Some(made) = &made
        && own.is_empty()
    {
        of_file.extend(check(made, database, &sources).diagnostics);
    }
    for found in of_file {
        let grade = if found.level == Level::Error { Grade::Error } else { Grade::Warning };
        rest.push((grade, found.message));
    }
    let of_query =
        own.iter().filter(|found| found.severity == Grade::Error).map(|found| found.message.clone());
    let of_rest = rest.iter().filter(|(grade, _)| *grade == Grade::Error).map(|(_, message)| message.clone());
    let why = of_query.chain(of_rest).next();
    let mut diagnostics: Vec<Diagnosed> =
        own.iter().map(|found| Diagnosed::in_text(found, &rule.query)).collect();
    diagnostics.extend(rest.into_iter().map(|(grade, message)| Diagnosed::nowhere(grade, message)));
    let ok = made.is_some() && why.is_none();
    Looked { rule: made, told: CheckedRule { ok, diagnostics, yaml, mode: None, mode_reason: None }, why }
}

/// The rule as a file. Texts are written as JSON writes them, which YAML reads, and the query as a block where that is the same.
fn written(rule: &NewRule, id: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let frequency = rule.frequency.clone().unwrap_or_else(|| "PT5M".to_owned());
    let period = rule.period.clone().unwrap_or_else(|| frequency.clone());
    let trigger = rule.trigger.unwrap_or(Trigger { operator: Operator::GreaterThan, threshold: 0 });
    let mut text = String::new();
    let members: BTreeMap<u8, (&str, String)> = [
        (0, ("id", id.to_owned())),
        (1, ("name", quoted(rule.name.trim()))),
        (2, ("version", "1.0.0".to_owned())),
        (3, ("kind", "Scheduled".to_owned())),
        (4, ("description", quoted(&rule.description))),
        (5, ("severity", rule.severity.as_str().to_owned())),
        (6, ("queryFrequency", quoted(&frequency))),
        (7, ("queryPeriod", quoted(&period))),
        (8, ("triggerOperator", trigger.operator.as_str().to_owned())),
        (9, ("triggerThreshold", trigger.threshold.to_string())),
    ]
    .into();
    for (name, value) in members.values() {
        let _ = writeln!(text, "{name}: {value}");
    }
    for (name, list) in [("tactics", &rule.tactics), ("relevantTechniques", &rule.techniques)] {
        let items: Vec<String> = list.iter().map(|item| quoted(item)).collect();
        let _ = writeln!(text, "{name}: [{}]", items.join(", "));
    }
    let query = rule.query.trim_end();
    let is_plain = query.chars().all(|letter| letter == '\n' || !letter.is_control())
        && !query.starts_with(char::is_whitespace)
        && !query.is_empty();
    if is_plain {
        let _ = writeln!(text, "query: |");
        query.lines().for_each(|line| _ = writeln!(text, "  {line}"));
    } else {
        let _ = writeln!(text, "query: {}", quoted(&rule.query));
    }
    let _ = writeln!(text, "eventGroupingSettings: {{ aggregationKind: SingleAlert }}");
    let _ = writeln!(text, "incidentConfiguration: {{ createIncident: true }}");
    text
}
