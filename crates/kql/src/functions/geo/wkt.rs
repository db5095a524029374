//! Shapes as well-known text. Source: OGC 06-103r4, "Simple feature access", 7.2.

use super::shape::{collection, geometry};
use crate::functions::{ScalarFunction, function, text_at};
use crate::value::{Dynamic, Value};

/// How deep collections may stand in each other.
const DEEPEST: usize = 16;

/// Longest text, in bytes.
const LONGEST: usize = 1 << 20;

/// What is left of the text.
struct Reader<'t>(&'t str);

impl<'t> Reader<'t> {
    fn skip_blank(&mut self) {
        self.0 = self.0.trim_start();
    }

    /// True, and past it, when the next character is this one.
    fn take(&mut self, character: char) -> bool {
        self.skip_blank();
        match self.0.strip_prefix(character) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// The characters up to the first that does not belong.
    fn while_true(&mut self, belongs: fn(char) -> bool) -> &'t str {
        self.skip_blank();
        let end = self.0.find(|character| !belongs(character)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at_checked(end).unwrap_or((self.0, ""));
        self.0 = rest;
        word
    }

    fn word(&mut self) -> String {
        self.while_true(|character| character.is_ascii_alphabetic()).to_ascii_uppercase()
    }

    /// Whole numbers stay whole.
    fn number(&mut self) -> Option<Dynamic> {
        let word =
            self.while_true(|character| character.is_ascii_alphanumeric() || "+-.".contains(character));
        match word.parse::<i64>() {
            Ok(number) => Some(Dynamic::Long(number)),
            Err(_) => word.parse::<f64>().ok().filter(|number| number.is_finite()).map(Dynamic::Real),
        }
    }

    fn position(&mut self) -> Option<Dynamic> {
        Some(Dynamic::Array(vec![self.number()?, self.number()?]))
    }

    /// A position, which a list of points may have in brackets.
    fn bracketed(&mut self) -> Option<Dynamic> {
        if !self.take('(') {
            return self.position();
        }
        let position = self.position()?;
        self.take(')').then_some(position)
    }

    /// `( item, item, ... )`
    fn list(&mut self, item: &mut dyn FnMut(&mut Self) -> Option<Dynamic>) -> Option<Dynamic> {
        if !self.take('(') {
            return None;
        }
        let mut items = vec![item(self)?];
        while self.take(',') {
            items.push(item(self)?);
        }
        self.take(')').then_some(Dynamic::Array(items))
    }

    /// Positions in as many brackets.
    fn nested(&mut self, depth: usize) -> Option<Dynamic> {
        self.list(&mut |reader| if depth <= 1 { reader.position() } else { reader.nested(depth - 1) })
    }

    fn shape(&mut self, depth: usize) -> Option<Dynamic> {
        if depth > DEEPEST {
            return None;
        }
        Some(match self.word().as_str() {
            "POINT" => {
                let position = self.take('(').then(|| self.position())??;
                self.take(')').then(|| geometry("Point", position))?
            }
            "LINESTRING" => geometry("LineString", self.nested(1)?),
            "POLYGON" => geometry("Polygon", self.nested(2)?),
            "MULTIPOINT" => geometry("MultiPoint", self.list(&mut Reader::bracketed)?),
            "MULTILINESTRING" => geometry("MultiLineString", self.nested(2)?),
            "MULTIPOLYGON" => geometry("MultiPolygon", self.nested(3)?),
            "GEOMETRYCOLLECTION" => {
                let shapes = self.list(&mut |reader| reader.shape(depth + 1))?;
                collection(shapes.as_array()?.to_vec())
            }
            _ => return None,
        })
    }
}

fn from_wkt(arguments: &[Value]) -> Option<Value> {
    let text = text_at(arguments, 0);
    let mut reader = Reader(&text);
    let shape = reader.shape(0).filter(|_| text.len() <= LONGEST)?;
    reader.0.trim().is_empty().then(|| Value::dynamic(shape))
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] =
    &[function("geo_from_wkt", 1, 1, |a| from_wkt(a).unwrap_or_default())];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> String {
        from_wkt(&[Value::string(text)]).unwrap_or_default().to_text()
    }

    #[test]
    fn shapes_of_all_kinds_are_read() {
        assert_eq!(read("point(1.5 -2e1)"), r#"{"type":"Point","coordinates":[1.5,-20.0]}"#);
        assert_eq!(read("MULTIPOINT ((1 2), 3 4)"), r#"{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}"#);
        assert_eq!(read("POINT (1 2) x"), "");
        assert_eq!(read("POINT (1)"), "");
        assert_eq!(read("CIRCLE (1 2)"), "");
        assert_eq!(read(&"GEOMETRYCOLLECTION (".repeat(100_000)), "");
    }

    proptest! {
        #[test]
        fn any_text_may_be_read(text in "(POINT|POLYGON|LINESTRING|[(), 0-9.e-]){0,30}") {
            read(&text);
        }
    }
}
