//! While a real query is typed, its next word is proposed, but for names that the query itself makes up.

use castellan_kql::editor::{TokenClass, check, classify, complete};
use castellan_kql::schema::Catalog;

#[test]
fn the_words_of_real_queries_are_proposed() {
    let queries = crate::corpus::queries("kql/sentinel_queries.jsonl");
    let catalog = Catalog::built_in();
    let (mut asked, mut missed) = (0_usize, Vec::new());
    for (_, query) in queries.iter().step_by(61).filter(|(_, query)| query.len() < 4_000) {
        if !check(query, catalog).is_empty() {
            continue;
        }
        let pieces = classify(query);
        for (at, (span, class)) in pieces.iter().enumerate() {
            let word = span.text(query);
            let is_word = word.starts_with(|c: char| c.is_alphabetic() || c == '_') && word.len() > 1;
            let around =
                |at: Option<usize>| at.and_then(|at| pieces.get(at)).map_or("", |(span, _)| span.text(query));
            let (before, behind) = (around(at.checked_sub(1)), around(Some(at + 1)));
            let is_new = matches!(behind, "=" | ":") || matches!(before, "let" | "as" | "." | "range");
            if !is_word
                || is_new
                || matches!(class, TokenClass::Text | TokenClass::Constant | TokenClass::Comment)
            {
                continue;
            }
            asked += 1;
            let offset = usize::try_from(span.start).unwrap() + 1;
            let typed = &query[..offset];
            let found = complete(typed, offset, catalog);
            if !found.items.iter().any(|item| item.label == word || item.label.trim_end_matches('=') == word)
            {
                let line = typed.lines().next_back().unwrap_or_default();
                missed.push(format!("{word}: {line}"));
            }
        }
    }
    assert!(
        missed.len() * 100 <= asked * 6,
        "{} of {asked} words are not proposed: {missed:#?}",
        missed.len()
    );
}
