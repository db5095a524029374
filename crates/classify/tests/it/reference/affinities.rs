//! What affinities hold, by definition: every stretch is judged on its own.

use castellan_classify::rule::{Affinity, ElementId, ElementKind, Evidence, Proximity};

use super::Reference;

/// A combination: affinity, byte range, confidence.
pub(crate) type Combined = (usize, usize, usize, u8);

type Place = (ElementId, usize, usize);

/// The occurrences that something has to stand among, and those that something must not stand among.
struct Stretch<'t> {
    text: &'t str,
    inside: Vec<Place>,
    around: Vec<Place>,
}

impl Reference<'_> {
    /// Every combination, sorted.
    pub(crate) fn combinations(&self, text: &str) -> Vec<Combined> {
        let mut all = Vec::new();
        for (number, affinity) in self.rules.affinities.iter().enumerate() {
            let mut elements: Vec<ElementId> =
                affinity.evidence.iter().flat_map(|(_, parts)| parts).flat_map(Evidence::elements).collect();
            elements.sort();
            elements.dedup();
            let places: Vec<Place> = elements.iter().flat_map(|id| self.occurrences(text, *id)).collect();
            let told = match affinity.proximity {
                Proximity::Unlimited => {
                    let whole = Stretch { text, inside: places.clone(), around: places };
                    whole.judge(affinity).into_iter().collect()
                }
                Proximity::Characters(characters) => stretches(text, affinity, &places, characters as usize),
            };
            all.extend(told.into_iter().map(|(start, end, confidence)| (number, start, end, confidence)));
        }
        all.sort_unstable();
        all
    }

    /// The matches of an expression one after the other, and the longest term at each place for a list.
    fn occurrences(&self, text: &str, id: ElementId) -> Vec<Place> {
        let is_expression = matches!(self.element(id).kind, ElementKind::Regex { .. });
        let mut found = Vec::new();
        let mut place = 0;
        while place < text.len() {
            let end = self.at(text, id, place, (text.len(), true)).map(|(end, _)| end);
            found.extend(end.map(|end| (id, place, end)));
            place = end.filter(|_| is_expression).unwrap_or(place + 1);
        }
        found
    }
}

fn stretches(
    text: &str,
    affinity: &Affinity,
    places: &[Place],
    characters: usize,
) -> Vec<(usize, usize, u8)> {
    let count = |place: usize| text[..place].chars().count();
    let mut beginnings: Vec<usize> = places.iter().map(|(_, start, _)| *start).collect();
    beginnings.sort_unstable();
    let mut told = Vec::new();
    let mut free = 0;
    for beginning in beginnings {
        if beginning < free {
            continue;
        }
        let last = count(beginning) + characters;
        let ends = places.iter().copied().filter(|(_, _, end)| count(*end) <= last);
        let near = ends.clone().filter(|(_, start, _)| count(*start) + characters >= count(beginning));
        let inside = ends.clone().filter(|(_, start, _)| *start >= beginning);
        let stretch = Stretch { text, inside: inside.collect(), around: near.collect() };
        if let Some(holding) = stretch.judge(affinity).filter(|(_, end, _)| *end > 0) {
            told.push(holding);
            free = holding.1;
        }
    }
    told
}

impl Stretch<'_> {
    fn judge(&self, affinity: &Affinity) -> Option<(usize, usize, u8)> {
        let mut doubt = 1.0;
        let mut shown: Vec<Place> = Vec::new();
        for (confidence, parts) in &affinity.evidence {
            let mut part = Vec::new();
            if parts.iter().all(|evidence| self.holds(evidence, false, &mut part)) {
                doubt *= 1.0 - f64::from(*confidence) / 100.0;
                shown.extend(part);
            }
        }
        let confidence = ((1.0 - doubt) * 100.0).round() as u8;
        let start = shown.iter().map(|(_, start, _)| *start).min().unwrap_or(0);
        let end = shown.iter().map(|(_, _, end)| *end).max().unwrap_or(0);
        (confidence >= affinity.threshold).then_some((start, end, confidence))
    }

    fn holds(&self, evidence: &Evidence, around: bool, shown: &mut Vec<Place>) -> bool {
        match evidence {
            Evidence::Match { element, min, unique } => {
                let places = if around { &self.around } else { &self.inside };
                let mut places: Vec<Place> = places.iter().copied().filter(|it| it.0 == *element).collect();
                places.sort_by_key(|(_, start, _)| *start);
                let mut texts: Vec<String> = places
                    .iter()
                    .map(|(_, start, end)| self.text[*start..*end].to_ascii_lowercase())
                    .collect();
                if *unique {
                    texts.sort();
                    texts.dedup();
                }
                let holds = texts.len() as u32 >= *min;
                shown.extend(places.first().filter(|_| holds));
                holds
            }
            Evidence::Any { min, max, of } => {
                let mut parts = Vec::new();
                let holding = of.iter().filter(|it| self.holds(it, around, &mut parts)).count() as u32;
                let forbidden = of.iter().filter(|it| self.holds(it, true, &mut Vec::new())).count() as u32;
                let holds = holding >= *min && max.is_none_or(|max| forbidden <= max);
                if holds {
                    shown.extend(parts);
                }
                holds
            }
        }
    }
}
