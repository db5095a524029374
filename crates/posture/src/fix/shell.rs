//! `az` command lines that are safe to paste, whatever a resource is called.

use std::borrow::Cow;

/// One word for a POSIX shell.
pub(crate) fn quote(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    // Control characters cannot be part of an Azure name, and a line break would split a pasted command.
    let visible: String =
        text.chars().map(|character| if character.is_control() { '?' } else { character }).collect();
    Cow::Owned(format!("'{}'", visible.replace('\'', "'\\''")))
}

/// Fills a command template from the content. A word with a placeholder is taken out of its quotes, filled and quoted as
/// a whole; every other word stays as the content has it.
pub(crate) fn fill(template: &str, value_of: &dyn Fn(&str) -> Option<String>) -> String {
    let words: Vec<String> = split_words(template)
        .into_iter()
        .map(|raw| {
            let mut plain = String::new();
            for part in unquote(raw) {
                plain.push(part);
            }
            match super::propose::substitute(&plain, value_of) {
                Cow::Borrowed(_) => raw.to_owned(),
                Cow::Owned(filled) => quote(&filled).into_owned(),
            }
        })
        .collect();
    words.join(" ")
}

/// The text without its shell quotes. Backslashes are kept: content does not use them to escape.
fn unquote(word: &str) -> impl Iterator<Item = char> + '_ {
    let mut open: Option<char> = None;
    word.chars().filter(move |character| match open {
        Some(quote) if *character == quote => {
            open = None;
            false
        }
        None if matches!(character, '\'' | '"') => {
            open = Some(*character);
            false
        }
        _ => true,
    })
}

fn split_words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut open: Option<char> = None;
    let mut start: Option<usize> = None;
    for (offset, character) in text.char_indices() {
        if open == Some(character) {
            open = None;
        } else if open.is_none() && matches!(character, '\'' | '"') {
            open = Some(character);
        }
        if open.is_none() && character.is_whitespace() {
            words.extend(start.take().and_then(|from| text.get(from..offset)));
        } else if start.is_none() {
            start = Some(offset);
        }
    }
    words.extend(start.and_then(|from| text.get(from..)));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_stays_one_word() {
        let value = |key: &str| (key == "name").then(|| "x'; rm -rf / #\n$(id)".to_owned());
        let filled = fill("az x update --name \"{name}\" --set 'a=b c' | cat", &value);
        assert_eq!(filled, "az x update --name 'x'\\''; rm -rf / #?$(id)' --set 'a=b c' | cat");
        assert_eq!(quote("plain-name_1"), "plain-name_1");
        assert_eq!(quote(""), "''");
    }
}
