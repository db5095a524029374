//! What the user asked for and forbade.

use std::collections::HashSet;
use std::ops::Range;

use super::Evidence;
use super::conversation::{Message, Role};
use super::rules::{Action, Rules};
use super::words::{Phrases, folded, sentences, words};

/// How far a denial reaches, in words.
const SCOPE: usize = 8;
/// A longer answer is a request of its own.
const MOST_WORDS_OF_CONSENT: usize = 8;
/// Shorter words of a value are in any request.
const LEAST_MEANT: usize = 3;
/// Words at which a clause ends.
const JOINTS: [&str; 12] =
    ["and", "but", "then", "und", "aber", "sondern", "et", "mais", "puis", "y", "pero", "luego"];
/// Words before whom or what something goes to.
const PREPOSITIONS: [&str; 10] = ["to", "with", "for", "an", "mit", "a", "avec", "con", "para", "pour"];

/// What one clause says about what may be done.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Asks,
    /// Where there are names, the denial is about them alone.
    Forbids {
        names: Vec<String>,
    },
    /// Nothing but what it asks for.
    Only,
    OnlyTo {
        names: Vec<String>,
    },
    AtMost {
        number: f64,
    },
}

#[derive(Clone, Debug)]
struct Statement {
    kind: Kind,
    /// For each action of the rules, whether it is about that.
    about: Vec<bool>,
    /// Whether it names nothing that would be done.
    is_general: bool,
    /// Said by who built the agent, so no request lifts it.
    is_fixed: bool,
    text: String,
    evidence: Evidence,
}

/// A restriction that a call breaks.
pub(super) struct Broken {
    pub(super) text: String,
    pub(super) evidence: Evidence,
}

/// All that the user said so far.
#[derive(Debug, Default)]
pub(super) struct Requests {
    statements: Vec<Statement>,
    /// What the user said, folded.
    pub(super) text: String,
    pub(super) words: HashSet<String>,
    /// Words of the user with a capital letter, folded.
    pub(super) names: HashSet<String>,
    /// Bits of the numbers that the user said.
    numbers: HashSet<u64>,
    /// Whether the user refers to what tools will find.
    pub(super) refers: bool,
    /// Words of requests that no rule knows the action of.
    open: HashSet<String>,
    /// What the assistant said last, and in which message.
    offered: Option<(usize, String)>,
}

impl Requests {
    /// Takes in the next message.
    pub(super) fn hear(&mut self, number: usize, message: &Message, rules: &Rules) {
        match message.role {
            Role::Assistant => self.offered = Some((number, message.contents.clone())),
            Role::Tool => {}
            Role::System => self.read(number, &message.contents, rules, true),
            Role::User => {
                if is_consent(&message.contents, rules)
                    && let Some((offer, contents)) = self.offered.take()
                {
                    self.take_words(&contents, rules);
                    self.read(offer, &contents, rules, false);
                }
                self.take_words(&message.contents, rules);
                self.read(number, &message.contents, rules, false);
            }
        }
    }

    fn take_words(&mut self, contents: &str, rules: &Rules) {
        let text = folded(contents);
        let spoken = words(&text);
        self.refers |= rules.referring.are_in(&spoken);
        self.words.extend(spoken);
        self.names.extend(names_of(contents));
        let numbers =
            text.split(|character: char| !(character.is_ascii_digit() || matches!(character, '.' | ',')));
        self.numbers.extend(numbers.filter_map(number).map(f64::to_bits));
        self.text.push_str(&text);
        self.text.push('\n');
    }

    fn read(&mut self, message: usize, contents: &str, rules: &Rules, restrictions_only: bool) {
        for sentence in sentences(contents) {
            let is_question =
                contents.get(sentence.clone()).is_some_and(|shown| shown.trim_end().ends_with('?'));
            for span in clauses(contents, sentence) {
                let shown = contents.get(span.clone()).unwrap_or_default();
                let mut found = statements(shown, asks_to_know(shown, is_question, rules), rules);
                found.retain(|(kind, _)| !restrictions_only || *kind != Kind::Asks);
                self.open.extend(
                    found
                        .iter()
                        .filter(|asked| is_open(asked, rules))
                        .flat_map(|(_, spoken)| spoken)
                        .cloned(),
                );
                let text = shown.trim();
                self.statements.extend(found.into_iter().map(|(kind, spoken)| Statement {
                    about: about(&kind, &spoken, rules),
                    kind,
                    is_general: spoken.is_empty(),
                    is_fixed: restrictions_only,
                    text: text.to_owned(),
                    evidence: Evidence { message, span: span.clone() },
                }));
            }
        }
    }

    /// Whether the user said this number, or that it may be as much.
    pub(super) fn has_number(&self, number: f64) -> bool {
        let allows =
            |statement: &Statement| matches!(statement.kind, Kind::AtMost { number: most } if number <= most);
        self.numbers.contains(&number.to_bits()) || self.statements.iter().any(allows)
    }

    /// Whether the user asked for the action with this number.
    pub(super) fn asks_for(&self, action: usize) -> bool {
        let asks = |statement: &Statement| {
            matches!(statement.kind, Kind::Asks | Kind::Only) && is_about(statement, action)
        };
        self.statements.iter().any(asks)
    }

    /// Whether a request whose action no rule knows names this folded value, or a part of it.
    pub(super) fn may_mean(&self, value: &str) -> bool {
        let parts = words(value);
        parts
            .iter()
            .any(|part| (part.len() >= LEAST_MEANT || number(part).is_some()) && self.open.contains(part))
    }

    /// The restriction that a call breaks which does this action with the values in `arguments`, folded.
    pub(super) fn breaks(&self, action: usize, arguments: &str, numbers: &[f64]) -> Option<Broken> {
        let has_one = |names: &[String]| names.iter().any(|name| arguments.contains(name.as_str()));
        let mut broken: Option<&Statement> = None;
        for statement in &self.statements {
            let is_about = is_about(statement, action);
            let breaks = match &statement.kind {
                Kind::Asks => {
                    // What was forbidden before is asked for now.
                    broken = broken.filter(|broken| !is_about || broken.is_fixed);
                    false
                }
                Kind::Forbids { names } => is_about && (names.is_empty() || has_one(names)),
                Kind::Only => !is_about && !self.asks_for(action),
                Kind::OnlyTo { names } => (is_about || statement.is_general) && !has_one(names),
                Kind::AtMost { number } => numbers.iter().any(|value| value > number),
            };
            if breaks {
                broken = broken.filter(|broken| broken.is_fixed).or(Some(statement));
            }
        }
        broken.map(|broken| Broken { text: broken.text.clone(), evidence: broken.evidence.clone() })
    }
}

fn is_about(statement: &Statement, action: usize) -> bool {
    statement.about.get(action).copied().unwrap_or_default()
}

/// For each action, whether a clause is about it. What is forbidden may be named as tools name it.
fn about(kind: &Kind, spoken: &[String], rules: &Rules) -> Vec<bool> {
    let is_asked = matches!(kind, Kind::Asks | Kind::Only);
    let names_it = |action: &Action| match is_asked {
        true => asks(spoken, action, rules),
        false => action.asked.are_in(spoken) || action.verbs.are_in(spoken),
    };
    rules.actions.iter().map(names_it).collect()
}

/// Whether a clause has a word that asks for `action` and is no noun there: no plural, and no article before it.
fn asks(spoken: &[String], action: &Action, rules: &Rules) -> bool {
    action.asked.places(spoken).any(|(place, phrase)| {
        let [single] = phrase else { return true };
        let before = place.checked_sub(1).and_then(|before| spoken.get(before));
        let is_noun = before.is_some_and(|before| rules.articles.contains(before));
        let is_plural = spoken.get(place).and_then(|word| word.strip_suffix('s')) == Some(single.as_str());
        !is_noun && !is_plural
    })
}

/// Whether a clause asks for something that no rule knows, and that is not only looking.
fn is_open((kind, spoken): &(Kind, Vec<String>), rules: &Rules) -> bool {
    *kind == Kind::Asks && !rules.harmless.are_in(spoken) && !about(kind, spoken, rules).contains(&true)
}

/// Whether a clause wants to know something, not to have something done.
fn asks_to_know(clause: &str, is_question: bool, rules: &Rules) -> bool {
    let spoken = words(&folded(clause));
    let begins = |phrases: &Phrases| phrases.first(&spoken).is_some_and(|(place, _)| place == 0);
    begins(&rules.question_words) || (is_question && begins(&rules.questions))
}

fn is_consent(contents: &str, rules: &Rules) -> bool {
    let spoken = words(&folded(contents));
    spoken.len() <= MOST_WORDS_OF_CONSENT
        && rules.consents.first(&spoken).is_some_and(|(place, _)| place == 0)
}

/// A number with separators of thousands or a decimal point.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim_matches(['.', ',']);
    let is_grouped = text
        .split_once(',')
        .is_some_and(|(_, rest)| rest.split(['.', ',']).next().is_some_and(|group| group.len() == 3));
    let plain = if is_grouped { text.replace(',', "") } else { text.replace(',', ".") };
    plain.parse().ok()
}

/// Words with a capital letter, and addresses, folded.
fn names_of(text: &str) -> Vec<String> {
    let parts =
        text.split_whitespace().map(|part| part.trim_matches(|character: char| !character.is_alphanumeric()));
    let is_name = |part: &&str| part.contains('@') || part.chars().next().is_some_and(char::is_uppercase);
    parts
        .filter(|part| part.chars().nth(1).is_some())
        .filter(is_name)
        .map(folded)
        .map(without_possessive)
        .collect()
}

fn without_possessive(name: String) -> String {
    name.strip_suffix("'s").map(str::to_owned).unwrap_or(name)
}

/// The parts of a sentence between commas, colons and words that join clauses.
fn clauses(text: &str, sentence: Range<usize>) -> Vec<Range<usize>> {
    let part = text.get(sentence.clone()).unwrap_or_default();
    let mut cuts = vec![sentence.start];
    let mut place = sentence.start;
    for word in part.split_inclusive(char::is_whitespace) {
        let is_joint = JOINTS.contains(&folded(word).trim());
        if is_joint {
            cuts.push(place);
        }
        place += word.len();
        let ends = word.trim_end().ends_with([',', ':']);
        if ends {
            cuts.push(place);
        }
    }
    cuts.push(sentence.end);
    cuts.dedup();
    cuts.windows(2)
        .filter_map(|pair| if let [start, end] = pair { Some(*start..*end) } else { None })
        .collect()
}

/// What a clause says, with the words that it is said of.
fn statements(clause: &str, is_question: bool, rules: &Rules) -> Vec<(Kind, Vec<String>)> {
    let spoken = words(&folded(clause));
    let most = limit(&spoken, rules);
    let mut found = asked_or_forbidden(clause, spoken, rules);
    found.retain(|(kind, _)| !is_question || *kind != Kind::Asks);
    // After the request that it limits.
    found.extend(most.map(|number| (Kind::AtMost { number }, Vec::new())));
    found
}

fn asked_or_forbidden(clause: &str, spoken: Vec<String>, rules: &Rules) -> Vec<(Kind, Vec<String>)> {
    let mut found = Vec::new();
    let rest_of = |place: usize| spoken.get(place..).unwrap_or_default();
    if let Some((place, length)) = rules.exclusive_to.first(&spoken) {
        let names: Vec<String> = rest_of(place + length).to_vec();
        let before = spoken.get(..place).unwrap_or_default().to_vec();
        found.push((Kind::Asks, spoken));
        found.push((Kind::OnlyTo { names }, before));
        return found;
    }
    if let Some((place, length)) = rules.prohibitions_behind.first(&spoken) {
        let before = spoken.get(place.saturating_sub(SCOPE)..place).unwrap_or_default();
        let scope = before.iter().chain(rest_of(place + length).iter().take(SCOPE)).cloned().collect();
        found.push((Kind::Forbids { names: Vec::new() }, scope));
        return found;
    }
    if let Some((place, length)) = rules.prohibitions.first(&spoken) {
        let scope: Vec<String> = rest_of(place + length).iter().take(SCOPE).cloned().collect();
        found.push((Kind::Asks, spoken.get(..place).unwrap_or_default().to_vec()));
        found.push((Kind::Forbids { names: addressed(clause, &scope) }, scope));
        return found;
    }
    let only = rules.exclusives.first(&spoken).filter(|(place, _)| {
        let next: Vec<String> = rest_of(place + 1).iter().take(2).cloned().collect();
        rules.harmless.are_in(&next) || rules.actions.iter().any(|action| action.asked.are_in(&next))
    });
    found.push((if only.is_some() { Kind::Only } else { Kind::Asks }, spoken));
    found
}

/// The names within `scope` that something would go to.
fn addressed(clause: &str, scope: &[String]) -> Vec<String> {
    let names = names_of(clause);
    let behind = scope.iter().skip_while(|word| !PREPOSITIONS.contains(&word.as_str()));
    behind.filter(|word| names.iter().any(|name| name == *word || name.contains('@'))).cloned().collect()
}

/// The number that stands shortly after words such as `at most`.
fn limit(spoken: &[String], rules: &Rules) -> Option<f64> {
    let (place, length) = rules.limits.first(spoken)?;
    spoken.get(place + length..)?.iter().take(3).find_map(|word| number(word))
}
