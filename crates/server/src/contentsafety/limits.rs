//! The limits of the service of the same shape, for those who want them kept. Otherwise only the size of a request is
//! limited.

use crate::contentsafety::{Failure, Service};

/// Most characters of a text.
const TEXT: usize = 10_000;
/// Most documents of a request.
const DOCUMENTS: usize = 5;

/// A text may be empty nowhere, and too long where limits are kept.
pub(crate) fn text(service: &Service, name: &str, text: &str) -> Result<(), Failure> {
    within(service, name, text, (1, TEXT))
}

/// A text has so many characters. A least number above one is a limit too.
pub(crate) fn within(
    service: &Service,
    name: &str,
    text: &str,
    (least, most): (usize, usize),
) -> Result<(), Failure> {
    if text.is_empty() {
        return Err(Failure::body(format!("`{name}` is empty; send some text")));
    }
    let count = || text.chars().count();
    if service.limits && !(least..=most).contains(&count()) {
        return Err(Failure::body(format!("`{name}` has {} characters; send {least} to {most}", count())));
    }
    Ok(())
}

/// There are few documents, and few characters in all of them.
pub(crate) fn documents(service: &Service, documents: &[String]) -> Result<(), Failure> {
    let characters: usize = documents.iter().map(|document| document.chars().count()).sum();
    if service.limits && documents.len() > DOCUMENTS {
        return Err(Failure::body(format!(
            "there are {} documents; send up to {DOCUMENTS}",
            documents.len()
        )));
    }
    if service.limits && characters > TEXT {
        return Err(Failure::body(format!("the documents have {characters} characters; send up to {TEXT}")));
    }
    Ok(())
}
