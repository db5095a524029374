//! Template expressions: what parses prints, and what is printed parses to the same.
#![no_main]

use castellan_base::Span;
use castellan_expression::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(expression) = parse(text, Span::NONE) {
        let printed = expression.to_string();
        let again = parse(&printed, Span::NONE).expect("a printed expression parses");
        assert_eq!(printed, again.to_string());
    }
});
