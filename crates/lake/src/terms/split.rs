//! Texts as terms.

/// The runs of hexadecimal digits of a GUID.
const GUID: [usize; 5] = [8, 4, 4, 4, 12];
/// Its length.
const GUID_LENGTH: usize = 36;

/// Calls `each` with all terms of a text, in lower case.
pub(crate) fn terms(text: &str, each: &mut dyn FnMut(&str)) {
    if text.is_ascii() {
        ascii(text, &mut String::new(), each);
    } else {
        // Some letters beyond ASCII have a lower case within it, so the whole text is folded before it is split.
        let folded = text.to_lowercase();
        folded
            .split(|character: char| !character.is_alphanumeric())
            .filter(|term| !term.is_empty())
            .for_each(&mut *each);
        // A GUID within counts as one as well.
        for (at, _) in folded.char_indices() {
            if let Some(guid) = guid_at(folded.as_bytes(), at).and_then(|()| folded.get(at..at + GUID_LENGTH))
            {
                each(guid);
            }
        }
    }
}

fn ascii(text: &str, folded: &mut String, each: &mut dyn FnMut(&str)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if !byte.is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        let run = bytes
            .get(at..)
            .unwrap_or_default()
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        let length = match guid_at(bytes, at) {
            Some(()) if run == 8 => GUID_LENGTH,
            _ => run,
        };
        let term = text.get(at..at + length).unwrap_or_default();
        if term.bytes().any(|byte| byte.is_ascii_uppercase()) {
            folded.clear();
            folded.push_str(term);
            folded.make_ascii_lowercase();
            each(folded);
        } else {
            each(term);
        }
        at += length;
    }
}

/// Whether a GUID begins here that is no part of longer runs.
fn guid_at(bytes: &[u8], start: usize) -> Option<()> {
    if start.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let mut at = start;
    for (part, length) in GUID.into_iter().enumerate() {
        if part > 0 {
            (*bytes.get(at)? == b'-').then_some(())?;
            at += 1;
        }
        bytes.get(at..at + length)?.iter().all(u8::is_ascii_hexdigit).then_some(())?;
        at += length;
    }
    let goes_on = bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    (!goes_on).then_some(())
}

/// Whether a file without this term cannot have a text with it: not for letters beyond ASCII, whose case is not simple,
/// nor for what may be a part of a GUID.
pub(crate) fn is_certain(term: &str) -> bool {
    let may_be_part = matches!(term.len(), 4 | 8 | 12) && term.bytes().all(|byte| byte.is_ascii_hexdigit());
    !term.is_empty() && term.is_ascii() && !may_be_part
}

#[cfg(test)]
mod tests {
    use castellan_kql::ast::BinaryKind;
    use castellan_kql::functions::operators::text_test;
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        terms(text, &mut |term| found.push(term.to_owned()));
        found
    }

    #[test]
    fn guids_are_one_term() {
        let text = "id=0A1b2c3d-0000-1111-2222-333344445555; X";
        assert_eq!(all(text), ["id", "0a1b2c3d-0000-1111-2222-333344445555", "x"]);
        assert_eq!(all("0a1b2c3d-0000-1111-2222-3333444455556").len(), 5);
        assert_eq!(all("x0a1b2c3d-0000-1111-2222-333344445555").len(), 5);
    }

    fn pieces() -> impl Strategy<Value = String> {
        let guid = Just("0a1b2c3d-0000-1111-2222-333344445555".to_owned());
        let piece = prop_oneof![4 => "[a-fA-F0-9]{1,12}", 2 => "[-./ _]", 1 => "\\PC{1,3}", 2 => guid, 1 => "K|\u{130}"];
        prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn what_has_finds_has_all_its_certain_terms(text in pieces(), from in 0_usize..20, to in 0_usize..40) {
            let characters: Vec<char> = text.chars().collect();
            let wanted: String = characters.iter().skip(from).take(to).collect();
            let of_text = all(&text);
            let wanted_terms: Vec<String> = all(&wanted).into_iter().filter(|term| is_certain(term)).collect();
            for (kind, is_case_sensitive) in [(BinaryKind::Has, false), (BinaryKind::Has, true), (BinaryKind::Equal, false)] {
                if !wanted.is_empty() && text_test(kind, is_case_sensitive, &text, &wanted) {
                    for term in &wanted_terms {
                        prop_assert!(of_text.contains(term), "{:?} has {:?}, but not {:?}", text, wanted, term);
                    }
                }
            }
        }
    }
}
