//! How far a collection is fetched.

use serde::{Deserialize, Serialize};

/// How far a collection is fetched. It is kept between pulls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Position {
    /// Objects that were added up to then were fetched: a time as the server writes it.
    pub added_after: Option<String>,
    /// Where a listing that is not at its end goes on, in the server's words.
    pub next: Option<String>,
    /// The last time that the listing which is not at its end has shown.
    pub shown: Option<String>,
}

impl Position {
    /// After a page: `next` where there is more, and the time of its last object.
    pub(super) fn after(&self, next: Option<String>, last: Option<String>) -> Position {
        let shown = later(self.shown.clone(), last);
        match next {
            Some(next) => Position { added_after: self.added_after.clone(), next: Some(next), shown },
            None => Position { added_after: later(self.added_after.clone(), shown), next: None, shown: None },
        }
    }

    /// The beginning of the listing that is not at its end: for servers that do not know their own words any more.
    pub(super) fn restarted(&self) -> Position {
        Position { added_after: self.added_after.clone(), next: None, shown: None }
    }
}

/// The later of two times; what is no time does not count.
fn later(one: Option<String>, other: Option<String>) -> Option<String> {
    let time =
        |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<castellan_base::Ticks>().ok());
    match (time(&one), time(&other)) {
        (Some(first), Some(second)) => {
            if first < second {
                other
            } else {
                one
            }
        }
        (None, Some(_)) => other,
        _ => one,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_moves_on_at_its_end() {
        let time = |day: u8| Some(format!("2026-11-{day:02}T00:00:00Z"));
        let begin = Position { added_after: time(1), ..Position::default() };
        let middle = begin.after(Some("7".into()), time(5));
        assert_eq!((&middle.added_after, middle.next.as_deref()), (&time(1), Some("7")));
        assert_eq!(middle.restarted(), begin);
        let end = middle.after(None, time(4));
        assert_eq!(end, Position { added_after: time(5), ..Position::default() });
        assert_eq!(end.after(None, None), end);
        assert_eq!(end.after(None, Some("no time".into())), end);
    }
}
