//! Tables and their columns.

use std::collections::HashSet;
use std::sync::Arc;

use super::MAX_COLUMNS;
use super::later::{Later, Read};
use super::lines::Piece;
use crate::diagnostic::Diagnostic;
use crate::value::ScalarType;

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, case-sensitive.
    pub name: Arc<str>,
    /// What its cells hold.
    pub scalar_type: ScalarType,
}

/// Columns in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The columns that are known.
    pub list: Box<[Column]>,
    /// True when there may be more, as in `AzureDiagnostics`.
    pub is_open: bool,
}

impl Columns {
    /// The column of a name.
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.list.iter().find(|column| &*column.name == name)
    }
}

/// A table: a name and columns.
#[derive(Debug)]
pub struct Table {
    pub(super) name: Arc<str>,
    pub(super) columns: Arc<Later<Columns>>,
}

impl Table {
    /// Its name, case-sensitive.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its columns.
    pub fn columns(&self) -> &Columns {
        self.columns.get()
    }

    /// The column of a name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns().get(name)
    }
}

impl Read for Columns {
    /// Reads `a:string b:long *`.
    fn read(text: Piece<'_>) -> Result<Columns, Diagnostic> {
        let mut list = Vec::new();
        let mut seen = HashSet::new();
        let mut is_open = false;
        for word in text.words() {
            if is_open {
                return Err(word.error("behind-star", "nothing stands behind `*`"));
            }
            if word.text == "*" {
                is_open = true;
                continue;
            }
            let (name, scalar_type) = typed(word)?;
            if !seen.insert(name) {
                return Err(word.error("duplicate-column", format!("the column `{name}` stands here twice")));
            }
            if list.len() == MAX_COLUMNS {
                return Err(word.error("many-columns", format!("there are at most {MAX_COLUMNS} columns")));
            }
            list.push(Column { name: name.into(), scalar_type });
        }
        if list.is_empty() && !is_open {
            let diagnostic = text.error("no-columns", "there are no columns");
            return Err(diagnostic.with_help("write `*` where they are not known"));
        }
        Ok(Columns { list: list.into(), is_open })
    }
}

/// `name:type`
fn typed(word: Piece<'_>) -> Result<(&str, ScalarType), Diagnostic> {
    let Some((name, type_name)) = word.split_once(':') else {
        let message = format!("`{}` has no type", word.text.escape_default());
        return Err(word.error("missing-type", message).with_help("write `name:type`"));
    };
    Ok((name.name()?, scalar_type(type_name)?))
}

/// A type by the one name that [`ScalarType::name`] gives, so that texts can be compared.
pub(super) fn scalar_type(word: Piece<'_>) -> Result<ScalarType, Diagnostic> {
    ScalarType::ALL.into_iter().find(|known| known.name() == word.text).ok_or_else(|| {
        let diagnostic = word.error("unknown-type", format!("`{}` is no type", word.text.escape_default()));
        let other_spelling = ScalarType::named(word.text).map(ScalarType::name);
        match other_spelling.or_else(|| crate::nearest(word.text, ScalarType::ALL.map(ScalarType::name))) {
            Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
            None => diagnostic,
        }
    })
}
