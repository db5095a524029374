//! The words of a language, read from `content/shield/grounded`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use castellan_base::{Limits, Node, Sources, yaml};

use crate::view::{Options, normalise_with};

/// What is known of one language. All words are folded.
#[derive(Debug, Default)]
pub(super) struct Language {
    pub(super) code: String,
    pub(super) decimal_comma: bool,
    pub(super) nouns_capitalised: bool,
    pub(super) function: HashSet<String>,
    suffixes: Vec<String>,
    /// The first of each group of words, by the stems of all.
    same: HashMap<String, String>,
    antonyms: HashMap<String, Vec<String>>,
    pub(super) negation: HashSet<String>,
    pub(super) not_negation: Vec<Vec<String>>,
    pub(super) numbers: HashMap<String, f64>,
    pub(super) scales: HashMap<String, f64>,
    /// The name of a unit by its spellings.
    pub(super) units: HashMap<String, String>,
    pub(super) months: HashMap<String, u8>,
    pub(super) weekdays: HashMap<String, u8>,
    pub(super) month_before: HashSet<String>,
    pub(super) name_before: HashSet<String>,
    pub(super) abbreviations: HashSet<String>,
    pub(super) clause: HashSet<String>,
    pub(super) about: HashSet<String>,
    pub(super) no_claim: Vec<Vec<String>>,
}

const FILES: [(&str, &str); 4] = [
    ("en.yaml", include_str!("../../../../content/shield/grounded/en.yaml")),
    ("de.yaml", include_str!("../../../../content/shield/grounded/de.yaml")),
    ("fr.yaml", include_str!("../../../../content/shield/grounded/fr.yaml")),
    ("es.yaml", include_str!("../../../../content/shield/grounded/es.yaml")),
];

static LANGUAGES: LazyLock<Vec<Language>> =
    LazyLock::new(|| FILES.iter().filter_map(|(name, text)| Language::read(name, text).ok()).collect());

/// The languages of the product. That all of them can be read is a test.
pub(super) fn languages() -> &'static [Language] {
    &LANGUAGES
}

/// Small letters without accents.
pub(super) fn folded(text: &str) -> String {
    normalise_with(text, &Options { fold_case: true, ..Options::default() }).text().trim().to_owned()
}

impl Language {
    fn read(name: &str, text: &str) -> Result<Language, String> {
        let mut sources = Sources::default();
        let source = sources.add(name, text);
        let root =
            yaml::parse(text, source, &Limits::default()).map_err(|problem| problem.message.clone())?;
        let flag =
            |key: &str| root.get(key).and_then(Node::as_bool).ok_or(format!("{name}: `{key}` is missing"));
        let code =
            root.get("language").and_then(Node::as_str).ok_or(format!("{name}: `language` is missing"))?;
        let mut language = Language {
            code: code.to_owned(),
            decimal_comma: flag("decimal_comma")?,
            nouns_capitalised: flag("nouns_capitalised")?,
            function: set(&root, "function")?,
            suffixes: words(&root, "suffixes")?,
            negation: set(&root, "negation")?,
            not_negation: groups(&root, "not_negation")?,
            numbers: numbers(&root, "numbers")?,
            scales: numbers(&root, "scales")?,
            units: units(&root)?,
            months: ordered(&root, "months")?,
            weekdays: ordered(&root, "weekdays")?,
            month_before: set(&root, "month_before")?,
            name_before: set(&root, "name_before")?,
            abbreviations: set(&root, "abbreviations")?,
            clause: set(&root, "clause")?,
            about: set(&root, "about")?,
            no_claim: groups(&root, "no_claim")?,
            ..Language::default()
        };
        language.suffixes.sort_by_key(|suffix| std::cmp::Reverse(suffix.len()));
        language.relate(&root)?;
        Ok(language)
    }

    fn relate(&mut self, root: &Node) -> Result<(), String> {
        for group in groups(root, "same")? {
            let Some(first) = group.first().map(|word| self.stem(word)) else { continue };
            for word in &group {
                let stem = self.stem(word);
                self.same.entry(stem).or_insert_with(|| first.clone());
            }
        }
        for pair in groups(root, "antonyms")? {
            let [left, right] = pair.as_slice() else { return Err("an antonym is a pair".to_owned()) };
            let (left, right) = (self.term(left), self.term(right));
            self.antonyms.entry(left.clone()).or_default().push(right.clone());
            self.antonyms.entry(right).or_default().push(left);
        }
        Ok(())
    }

    /// `word` without its ending.
    fn stem(&self, word: &str) -> String {
        if !word.chars().all(char::is_alphabetic) {
            return word.to_owned();
        }
        let cut = self.suffixes.iter().find_map(|suffix| {
            let stem = word.strip_suffix(suffix.as_str())?;
            stem.chars().nth(2).map(|_| stem)
        });
        let stem = cut.unwrap_or(word);
        let mut characters = stem.chars();
        match (characters.next_back(), characters.next_back()) {
            // `planned` and `plan`, `stopping` and `stop`.
            (Some(last), Some(before)) if cut.is_some() && last == before => {
                stem.strip_suffix(last).unwrap_or(stem).to_owned()
            }
            _ => stem.to_owned(),
        }
    }

    /// What stands for `word` and all words that count as the same.
    pub(super) fn term(&self, word: &str) -> String {
        let stem = self.stem(word);
        self.same.get(&stem).cloned().unwrap_or(stem)
    }

    /// The terms that deny `term`.
    pub(super) fn antonyms(&self, term: &str) -> &[String] {
        self.antonyms.get(term).map_or(&[], Vec::as_slice)
    }
}

fn words(root: &Node, key: &str) -> Result<Vec<String>, String> {
    let list = root.get(key).ok_or_else(|| format!("`{key}` is missing"))?;
    texts(list).ok_or_else(|| format!("`{key}` is not a list of words"))
}

fn texts(list: &Node) -> Option<Vec<String>> {
    list.as_array()?.iter().map(|word| word.text_or_symbol().map(folded)).collect()
}

fn set(root: &Node, key: &str) -> Result<HashSet<String>, String> {
    Ok(words(root, key)?.into_iter().collect())
}

fn groups(root: &Node, key: &str) -> Result<Vec<Vec<String>>, String> {
    let list = root.get(key).and_then(Node::as_array).ok_or_else(|| format!("`{key}` is not a list"))?;
    list.iter().map(|group| texts(group).ok_or_else(|| format!("`{key}` is not a list of lists"))).collect()
}

fn numbers(root: &Node, key: &str) -> Result<HashMap<String, f64>, String> {
    let object =
        root.get(key).and_then(Node::as_object).ok_or_else(|| format!("`{key}` is not an object"))?;
    let number = |value: &Node| value.as_f64().ok_or_else(|| format!("`{key}` is not numbers"));
    object.iter().map(|member| Ok((folded(&member.key), number(&member.value)?))).collect()
}

fn units(root: &Node) -> Result<HashMap<String, String>, String> {
    let object = root.get("units").and_then(Node::as_object).ok_or("`units` is not an object")?;
    let mut units = HashMap::new();
    for member in object.iter() {
        for spelling in texts(&member.value).ok_or("`units` is not lists of words")? {
            units.insert(spelling, member.key.to_string());
        }
    }
    Ok(units)
}

fn ordered(root: &Node, key: &str) -> Result<HashMap<String, u8>, String> {
    let mut numbers = HashMap::new();
    for (number, spellings) in (1..).zip(groups(root, key)?) {
        numbers.extend(spellings.into_iter().map(|spelling| (spelling, number)));
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_languages_are_read() {
        for (name, text) in FILES {
            let language = Language::read(name, text).unwrap_or_else(|problem| panic!("{name}: {problem}"));
            assert_eq!(
                (language.months.values().max(), language.weekdays.values().max()),
                (Some(&12), Some(&7))
            );
        }
    }

    #[test]
    fn forms_of_a_word_have_one_term() {
        let english = &languages()[0];
        for (left, right) in
            [("planned", "plans"), ("bought", "purchases"), ("cities", "city"), ("rose", "growth")]
        {
            assert_eq!(english.term(left), english.term(right), "{left} {right}");
        }
        assert_ne!(english.term("station"), english.term("state"));
        assert!(english.antonyms(&english.term("rose")).contains(&english.term("dropped")));
    }
}
