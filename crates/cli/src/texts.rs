//! The texts of a file, each as a whole.

use std::fs::File;
use std::path::Path;

use castellan_extract::{Limits, Part, Sink, extract};

/// The most text that is kept of one file, in bytes.
const MOST: usize = 256 << 20;

/// The texts of a file with their places, and what was not read with the reason.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    pub(crate) texts: Vec<(String, String)>,
    pub(crate) gaps: Vec<(String, String)>,
    size: usize,
    is_full: bool,
}

impl Sink for Texts {
    fn part(&mut self, part: &Part<'_>) {
        if self.size + part.text.len() > MOST {
            self.is_full = true;
            return;
        }
        self.size += part.text.len();
        match self.texts.last_mut().filter(|_| part.continues) {
            Some((_, text)) => text.push_str(part.text),
            None => self.texts.push((part.location.to_string(), part.text.to_owned())),
        }
    }
}

/// Reads a file.
pub(crate) fn read(path: &str) -> Texts {
    let mut texts = Texts::default();
    let mut file = match File::open(Path::new(path)) {
        Ok(file) => file,
        Err(error) => {
            texts.gaps.push(("file".to_owned(), error.to_string()));
            return texts;
        }
    };
    let outcome = extract(path, &mut file, &Limits::default(), &mut texts);
    let gaps = outcome.skipped.iter().map(|gap| (gap.location.to_string(), gap.reason.to_string()));
    texts.gaps.extend(gaps);
    if outcome.unlisted > 0 {
        texts.gaps.push(("elsewhere".to_owned(), format!("{} more", outcome.unlisted)));
    }
    if texts.is_full {
        texts.gaps.push(("file".to_owned(), format!("more than {MOST} bytes of text")));
    }
    texts
}
