//! `text:analyze`: how harmful a text is, and what of it stands on a block list.

use castellan_shield::harm::{Harm, Harms};
use serde::{Deserialize, Serialize};

use crate::contentsafety::blocklists::{Lists, Match};
use crate::contentsafety::{Failure, Service, limits};

/// A category of harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Category {
    Hate,
    SelfHarm,
    Sexual,
    Violence,
}

impl Category {
    pub(crate) const ALL: [Category; 4] =
        [Category::Hate, Category::SelfHarm, Category::Sexual, Category::Violence];

    /// How answers name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Category::Hate => "Hate",
            Category::SelfHarm => "SelfHarm",
            Category::Sexual => "Sexual",
            Category::Violence => "Violence",
        }
    }

    /// What was found of it.
    pub(crate) fn of(self, harms: &Harms) -> Harm {
        match self {
            Category::Hate => harms.hate,
            Category::SelfHarm => harms.self_harm,
            Category::Sexual => harms.sexual,
            Category::Violence => harms.violence,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Output {
    #[default]
    FourSeverityLevels,
    EightSeverityLevels,
}

impl Output {
    /// Of four levels, each stands for two.
    fn level(self, harm: Harm) -> u8 {
        match self {
            Output::FourSeverityLevels => harm.four_levels(),
            Output::EightSeverityLevels => harm.severity,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    text: String,
    categories: Option<Vec<Category>>,
    #[serde(default)]
    blocklist_names: Option<Vec<String>>,
    #[serde(default)]
    halt_on_blocklist_hit: Option<bool>,
    #[serde(default)]
    output_type: Option<Output>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    blocklists_match: Vec<Match>,
    categories_analysis: Vec<Analysis>,
    castellan: More,
}

#[derive(Debug, PartialEq, Serialize)]
struct Analysis {
    category: Category,
    severity: u8,
}

/// What the service of the same shape does not say: a calibrated probability for each category.
#[derive(Debug, PartialEq, Serialize)]
struct More {
    probabilities: Vec<Probability>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Probability {
    category: Category,
    probability: f32,
}

pub(crate) fn answer(service: &Service, asked: Asked) -> Result<Answer, Failure> {
    limits::text(service, "text", &asked.text)?;
    let blocklists_match = match asked.blocklist_names.as_deref().unwrap_or_default() {
        [] => Vec::new(),
        names => Lists::find(&service.lists, names, &asked.text)?,
    };
    let halts = asked.halt_on_blocklist_hit.unwrap_or(false) && !blocklists_match.is_empty();
    let categories = match halts {
        true => Vec::new(),
        false => asked.categories.filter(|some| !some.is_empty()).unwrap_or_else(|| Category::ALL.to_vec()),
    };
    let harms = if categories.is_empty() { Harms::default() } else { service.judge.harm(&asked.text) };
    let output = asked.output_type.unwrap_or_default();
    let analysis = |category: &Category| {
        let severity = output.level(category.of(&harms));
        Analysis { category: *category, severity }
    };
    let probability = |category: &Category| Probability {
        category: *category,
        probability: category.of(&harms).probability,
    };
    Ok(Answer {
        blocklists_match,
        categories_analysis: categories.iter().map(analysis).collect(),
        castellan: More { probabilities: categories.iter().map(probability).collect() },
    })
}
