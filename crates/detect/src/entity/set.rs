//! Entities of an alert: each once, put together where they are the same.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Entity, EntityType};

/// The most entities of one alert. Those beyond are counted.
pub const MAX_ENTITIES: usize = 5_000;
/// The most texts by which entities of one alert are found again: four for each.
const MAX_KEYS: usize = 4 * MAX_ENTITIES;

/// Entities, each once.
#[derive(Clone, Debug, Default)]
pub struct Entities {
    list: Vec<Entity>,
    /// A number for each of the list, ascending, which stays when others go.
    numbers: Vec<usize>,
    /// Whose a strong identifier is, by number.
    keys: HashMap<String, usize>,
    /// What those became that were put together with others.
    became: HashMap<usize, usize>,
    /// How many there was no place for.
    beyond: u64,
}

impl Entities {
    /// Adds an entity, or what it says of one that is there. A value that is there stays.
    pub fn add(&mut self, entity: Entity) {
        let keys = found_by(&entity);
        let found = self.found(&keys);
        match found.as_slice() {
            [] if self.list.len() >= MAX_ENTITIES => self.beyond += 1,
            [] => {
                let number = self.numbers.last().map_or(0, |last| last + 1);
                self.list.push(entity);
                self.numbers.push(number);
                self.know(keys, number);
            }
            [first, others @ ..] => {
                self.know(keys, *first);
                self.join(*first, others, entity);
            }
        }
    }

    /// The numbers of those that have one of these keys, ascending.
    fn found(&self, keys: &[String]) -> Vec<usize> {
        let mut found: Vec<usize> =
            keys.iter().filter_map(|key| self.keys.get(key)).map(|number| self.now(*number)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// What one is now that may have been put together with another.
    fn now(&self, number: usize) -> usize {
        let mut number = number;
        // Each goes to a lower number, so that this ends.
        while let Some(next) = self.became.get(&number) {
            number = *next;
        }
        number
    }

    fn know(&mut self, keys: Vec<String>, number: usize) {
        for key in keys {
            if self.keys.len() < MAX_KEYS || self.keys.contains_key(&key) {
                self.keys.entry(key).or_insert(number);
            }
        }
    }

    /// What was two becomes one when a third is both, or when what is known of one together is what another is.
    fn join(&mut self, first: usize, others: &[usize], entity: Entity) {
        let mut values = entity.values;
        let mut gone: Vec<usize> = others.to_vec();
        loop {
            for number in gone.drain(..) {
                self.became.insert(number, first);
                for (identifier, value) in self.remove(number) {
                    values.entry(identifier).or_insert(value);
                }
            }
            let Some(own) = self.numbers.binary_search(&first).ok().and_then(|at| self.list.get_mut(at))
            else {
                return;
            };
            for (identifier, value) in std::mem::take(&mut values) {
                own.values.entry(identifier).or_insert(value);
            }
            let keys = found_by(own);
            gone = self.found(&keys).into_iter().filter(|number| *number != first).collect();
            self.know(keys, first);
            if gone.is_empty() {
                return;
            }
            // The first of all stays, whichever it is.
            if let Some(lower) = gone.iter().copied().min().filter(|lower| *lower < first) {
                let rest = self.remove(first);
                self.became.insert(first, lower);
                let others: Vec<usize> = gone.into_iter().filter(|number| *number != lower).collect();
                return self.join(lower, &others, Entity { entity: entity.entity, values: rest });
            }
        }
    }

    /// Takes one out; what was known of it.
    fn remove(&mut self, number: usize) -> BTreeMap<Arc<str>, Arc<str>> {
        let Ok(at) = self.numbers.binary_search(&number) else { return BTreeMap::new() };
        self.numbers.remove(at);
        self.list.remove(at).values
    }

    /// The entities in the order in which they came.
    pub fn list(&self) -> &[Entity] {
        &self.list
    }

    /// How many there was no place for.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// The value of the column `Entities` of `SecurityAlert`: a JSON array in which each has a `$id` and a `Type`.
    pub fn to_json(&self) -> String {
        let entity = |(at, entity): (usize, &Entity)| {
            let mut object = Map::new();
            // The alert itself is the first object of the graph that these ids number.
            object.insert("$id".to_owned(), Value::String((at + 2).to_string()));
            for (identifier, value) in &entity.values {
                object.insert(identifier.to_string(), Value::String(value.to_string()));
            }
            object.insert("Type".to_owned(), Value::String(entity.entity.json_name().to_owned()));
            Value::Object(object)
        };
        Value::Array(self.list.iter().enumerate().map(entity).collect()).to_string()
    }

    /// Adds what a column of this kind holds. Types that are not known are left out; how many is told.
    pub fn add_json(&mut self, text: &str) -> u64 {
        let Ok(Value::Array(items)) = serde_json::from_str::<Value>(text) else {
            return u64::from(!text.trim().is_empty());
        };
        let mut unknown = 0;
        for item in &items {
            match Entity::of_json(item) {
                Some(entity) => self.add(entity),
                // A reference names one that stands in the array itself.
                None if item.get("$ref").is_some() => {}
                None => unknown += 1,
            }
        }
        unknown
    }
}

/// The texts by which an entity is found again.
fn found_by(entity: &Entity) -> Vec<String> {
    let keys = entity.strong();
    if keys.is_empty() { vec![entity.identity()] } else { keys }
}

impl Entity {
    /// The entity that an object of the column `Entities` describes; none where its type is not known or it says nothing.
    pub fn of_json(item: &Value) -> Option<Entity> {
        let (entity, _) = EntityType::named(item.get("Type")?.as_str()?)?;
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        };
        let known = |(name, value): (&String, &Value)| Some((entity.identifier(name)?, text(value)?));
        let values: Vec<(&str, String)> = item.as_object()?.iter().filter_map(known).collect();
        Entity::new(entity, values.iter().map(|(name, value)| (*name, value.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(values: &[(&str, &str)]) -> Entity {
        Entity::new(EntityType::Account, values.iter().copied()).unwrap()
    }

    #[test]
    fn a_third_joins_two() {
        let mut entities = Entities::default();
        entities.add(account(&[("FullName", "ann@contoso.com")]));
        entities.add(account(&[("Sid", "S-1-5-21-7")]));
        entities.add(account(&[("FullName", "bob@contoso.com")]));
        assert_eq!(entities.list().len(), 3);
        entities.add(account(&[("FullName", "ANN@contoso.com"), ("Sid", "s-1-5-21-7")]));
        assert_eq!(entities.list().len(), 2);
        assert_eq!(entities.list()[0].value("Sid"), Some("s-1-5-21-7"));
        entities.add(account(&[("FullName", "bob@contoso.com"), ("DisplayName", "Bob")]));
        assert_eq!(entities.list()[1].value("DisplayName"), Some("Bob"));
    }

    #[test]
    fn what_is_known_together_joins_too() {
        let mut entities = Entities::default();
        entities.add(account(&[("FullName", "ann@contoso.com")]));
        entities.add(account(&[("Sid", "S-1-5-21-7"), ("Name", "ann")]));
        assert_eq!(entities.list().len(), 2);
        entities.add(account(&[("Sid", "S-1-5-21-7"), ("UPNSuffix", "contoso.com")]));
        assert_eq!(entities.list().len(), 1);
        assert_eq!(entities.list()[0].label(), "ann@contoso.com");
    }

    #[test]
    fn many_that_become_one_are_quick() {
        let mut entities = Entities::default();
        for at in 0..MAX_ENTITIES {
            entities.add(account(&[("AadUserId", &format!("id{at}"))]));
        }
        let begun = std::time::Instant::now();
        for at in 0..MAX_ENTITIES - 1 {
            let (one, next) = (format!("id{at}"), format!("id{}", at + 1));
            entities.add(account(&[("AadUserId", &one), ("Sid", &next)]));
            entities.add(account(&[("AadUserId", &next), ("Sid", &next)]));
        }
        assert!(entities.list().len() < MAX_ENTITIES);
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }

    #[test]
    fn json_comes_back() {
        let mut entities = Entities::default();
        entities.add(account(&[("FullName", "ann@contoso.com")]));
        entities.add(Entity::new(EntityType::Ip, [("Address", "10.0.0.5")]).unwrap());
        let mut again = Entities::default();
        assert_eq!(again.add_json(&entities.to_json()), 0);
        assert_eq!(again.list(), entities.list());
        assert_eq!(again.add_json("[{\"Type\":\"fish\"},{\"$ref\":\"2\"}]"), 1);
        assert_eq!(again.add_json("no json"), 1);
    }

    #[test]
    fn what_has_no_place_is_counted() {
        let mut entities = Entities::default();
        for at in 0..MAX_ENTITIES + 3 {
            entities.add(account(&[("Sid", &at.to_string())]));
        }
        assert_eq!((entities.list().len(), entities.beyond()), (MAX_ENTITIES, 3));
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_known_gets_lost(names in proptest::collection::vec((0_usize..4, 0_usize..4, 0_usize..4), 0..12)) {
            let mut entities = Entities::default();
            let mut said = Vec::new();
            for (name, sid, id) in names {
                // 0 says nothing.
                let text = |letter: char, number: usize| if number == 0 { String::new() } else { format!("{letter}{number}") };
                let (full, sid, id) = (text('n', name), text('s', sid), text('i', id));
                let full = if full.is_empty() { full } else { format!("{full}@x") };
                let values = [("FullName", full.as_str()), ("Sid", sid.as_str()), ("AadUserId", id.as_str())];
                if let Some(entity) = Entity::new(EntityType::Account, values) {
                    said.extend(entity.strong());
                    entities.add(entity);
                }
            }
            // A value that is there stays, so that somebody who is said to be two is told as the first.
            let known: Vec<String> = entities.list().iter().flat_map(Entity::strong).collect();
            let firsts = said.first().into_iter().all(|key| known.contains(key));
            proptest::prop_assert!(firsts && entities.list().len() <= said.len());
            let mut again = Entities::default();
            entities.list().iter().cloned().for_each(|entity| again.add(entity));
            proptest::prop_assert!(again.list().len() <= entities.list().len());
        }
    }
}
