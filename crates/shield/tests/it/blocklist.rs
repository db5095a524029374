//! Block lists: a search finds what a slow search would, whatever the order of changes.

use castellan_shield::blocklist::{
    BlocklistError, Blocklists, Item, MOST_CHARACTERS, MOST_EXPRESSIONS, MOST_HITS, MOST_ITEMS, MOST_PLACES,
};
use proptest::prelude::*;

fn lists(items: &[(&str, bool)]) -> Blocklists {
    let mut lists = Blocklists::default();
    lists.create("l", "").unwrap();
    for (index, (text, is_regex)) in items.iter().enumerate() {
        let item = Item { is_regex: *is_regex, ..Item::exact(index.to_string(), *text) };
        lists.put("l", item).unwrap();
    }
    lists
}

/// Checks which parts of `text` are hit by `items`, where `~` before an item makes it an expression.
#[track_caller]
fn check(items: &[&str], text: &str, expected: &[&str]) {
    let items: Vec<_> =
        items.iter().map(|item| item.strip_prefix('~').map_or((*item, false), |text| (text, true))).collect();
    let found = lists(&items).find(text, None);
    let parts: Vec<&str> = found.hits.iter().map(|hit| &text[hit.span.clone()]).collect();
    assert_eq!(parts, expected, "{items:?} in {text:?}");
}

#[test]
fn exact_items_are_whole_words() {
    check(&["ass"], "class, assess, an ass.", &["ass"]);
    check(&["c++"], "c++11 and abc++ and c++", &["c++", "c++"]);
    check(&["new york"], "New\n  York, newyork, new yorker", &["New\n  York"]);
    check(&["a b", "b c", "b"], "a b c", &["a b", "b", "b c"]);
}

#[test]
fn disguises_are_seen_through() {
    check(
        &["secret"],
        "s\u{200b}ecr\u{435}t \u{ff33}\u{ff25}\u{ff23}\u{ff32}\u{ff25}\u{ff34}",
        &["s\u{200b}ecr\u{435}t", "\u{ff33}\u{ff25}\u{ff23}\u{ff32}\u{ff25}\u{ff34}"],
    );
    check(&["\u{ff33}ecret  Plan"], "the secret plan", &["secret plan"]);
    check(&["stra\u{df}e"], "STRASSE, Stra\u{df}e", &["Stra\u{df}e"]);
    check(&["caf\u{e9}"], "a cafe", &["cafe"]);
}

#[test]
fn scripts_without_spaces_have_no_word_borders() {
    check(&["\u{5317}\u{4eac}"], "\u{6211}\u{5728}\u{5317}\u{4eac}\u{4f4f}", &["\u{5317}\u{4eac}"]);
    check(&["\u{c11c}\u{c6b8}"], "\u{c11c}\u{c6b8}\u{c5d0}\u{c11c}", &["\u{c11c}\u{c6b8}"]);
}

#[test]
fn expressions_see_the_text_and_its_normal_form() {
    check(&["~[A-Z]{2}-[0-9]+"], "ab-1 AB-22", &["AB-22"]);
    check(&["~(?i)ab-[0-9]+"], "a\u{200b}b-1", &["a\u{200b}b-1"]);
    check(&["~\u{435}"], "h\u{435}llo", &["\u{435}"]);
}

#[test]
fn what_is_refused_says_why() {
    let mut held = lists(&[]);
    let mut refused = |list: &str, item: Item| held.put(list, item).unwrap_err();
    assert_eq!(refused("other", Item::exact("1", "a")), BlocklistError::NoList("other".into()));
    assert_eq!(refused("l", Item::exact("a b", "a")), BlocklistError::Name("a b".into()));
    assert_eq!(refused("l", Item::exact("1", " \u{200b}")), BlocklistError::Empty("1".into()));
    let long = "\u{e9}".repeat(MOST_CHARACTERS + 1);
    assert_eq!(refused("l", Item::exact("1", long)), BlocklistError::Long("1".into()));
    assert_eq!(refused("l", Item::expression("1", r"(\w{99}){99}")), BlocklistError::Large("1".into()));
    assert_eq!(refused("l", Item::expression("1", "a*")), BlocklistError::Everything("1".into()));
    assert!(matches!(refused("l", Item::expression("1", "(")), BlocklistError::Expression { .. }));
    assert!(held.put("l", Item::exact("1", "\u{e9}".repeat(MOST_CHARACTERS))).is_ok());
    assert!(held.create("", "").is_err() && held.create("a/b", "").is_err());
    assert!(held.create("d", &"x".repeat(1025)).is_err());
}

#[test]
fn lists_are_bounded() {
    let mut held = lists(&[]);
    for index in 0..MOST_ITEMS {
        held.put("l", Item::exact(index.to_string(), format!("item{index}"))).unwrap();
    }
    assert_eq!(held.put("l", Item::exact("more", "more")), Err(BlocklistError::Full("l".into())));
    held.put("l", Item::exact("7", "seven")).unwrap();
    let found = held.find("item7 item9999 seven more", None);
    let items: Vec<&str> = found.hits.iter().map(|hit| &*hit.item).collect();
    assert_eq!(items, ["9999", "7"]);

    let mut held = lists(&[]);
    for index in 0..MOST_EXPRESSIONS {
        held.put("l", Item::expression(index.to_string(), format!("e{index}x"))).unwrap();
    }
    assert!(held.put("l", Item::expression("more", "more")).is_err());
    assert_eq!(held.find("e999x e1x", None).hits.len(), 2);
    assert!(held.remove("l", "5").unwrap());
    held.put("l", Item::expression("more", "more")).unwrap();
}

#[test]
fn hits_are_bounded_and_say_so() {
    let held = lists(&[("a", false)]);
    assert!(!held.find(&"a ".repeat(MOST_HITS), None).more);
    assert!(held.find(&"a ".repeat(MOST_HITS + 1), None).more);
    let held = lists(&[("a", true)]);
    assert_eq!(held.find(&"a".repeat(MOST_PLACES), None).hits.len(), MOST_PLACES);
    assert!(!held.find(&"a".repeat(MOST_PLACES), None).more);
    assert!(held.find(&"a".repeat(MOST_PLACES + 1), None).more);
}

#[test]
fn lists_are_chosen_and_deleted() {
    let mut held = lists(&[("one", false)]);
    held.create("other", "").unwrap();
    held.put("other", Item::exact("x", "one")).unwrap();
    assert_eq!(held.find("one", None).hits.len(), 2);
    assert_eq!(&*held.find("one", Some(&["other"])).hits[0].list, "other");
    assert!(held.find("one", Some(&[])).hits.is_empty());
    assert!(held.delete("other") && !held.delete("other"));
    held.create("other", "").unwrap();
    assert_eq!(held.find("one", None).hits.len(), 1);
}

#[test]
fn lists_survive_being_kept() {
    let held = lists(&[("one two", false), ("x[0-9]", true)]);
    let kept = serde_json::to_string(&held).unwrap();
    let back: Blocklists = serde_json::from_str(&kept).unwrap();
    assert_eq!(back, held);
    assert_eq!(back.find("ONE two x1", None), held.find("ONE two x1", None));
    let faulty = kept.replace("x[0-9]", "x[0-9");
    assert!(serde_json::from_str::<Blocklists>(&faulty).is_err());
}

#[derive(Clone, Debug)]
enum Change {
    Put(u8, String, bool),
    Remove(u8),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (0..20_u8, "[ab]{1,3}( [ab]{1,2})?", any::<bool>()).prop_map(|(id, text, is)| Change::Put(id, text, is)),
        1 => (0..20_u8).prop_map(Change::Remove),
    ]
}

/// What a slow search finds in a text of small letters and single spaces.
fn slow(items: &[(String, String, bool)], text: &str) -> Vec<(usize, usize, String)> {
    let mut hits = Vec::new();
    let is_letter = |place: Option<usize>| {
        place.and_then(|place| text.as_bytes().get(place)).is_some_and(u8::is_ascii_alphanumeric)
    };
    for (id, item, is_regex) in items {
        let mut last_end = 0;
        for start in 0..text.len() {
            if !text[start..].starts_with(item.as_str()) {
                continue;
            }
            let end = start + item.len();
            let joined = is_letter(start.checked_sub(1)) || is_letter(Some(end));
            if (*is_regex && start >= last_end) || (!is_regex && !joined) {
                hits.push((start, end, id.clone()));
                last_end = end;
            }
        }
    }
    hits.sort();
    hits
}

proptest! {
    #[test]
    fn a_search_finds_what_a_slow_one_does(changes in prop::collection::vec(change(), 0..40), text in "[ab]{1,3}( [ab]{1,3}){0,6}") {
        let mut held = lists(&[]);
        let mut plain = std::collections::BTreeMap::new();
        for change in changes {
            match change {
                Change::Put(id, item, is_regex) => {
                    held.put("l", Item { is_regex, ..Item::exact(id.to_string(), item.as_str()) }).unwrap();
                    plain.insert(id, (id.to_string(), item, is_regex));
                }
                Change::Remove(id) => {
                    prop_assert_eq!(held.remove("l", &id.to_string()).unwrap(), plain.remove(&id).is_some());
                }
            }
        }
        let items: Vec<_> = plain.into_values().collect();
        let found: Vec<_> = held.find(&text, None).hits.iter()
            .map(|hit| (hit.span.start, hit.span.end, hit.item.to_string())).collect();
        prop_assert_eq!(found, slow(&items, &text));
    }

    #[test]
    fn no_text_panics(text in any::<String>(), item in any::<String>(), expression in "\\PC{0,12}") {
        let mut held = lists(&[]);
        let _ = held.put("l", Item::exact("1", item));
        let _ = held.put("l", Item::expression("2", expression));
        for hit in held.find(&text, None).hits {
            prop_assert!(text.get(hit.span).is_some());
        }
    }
}
