//! Judges a 2 kB prompt a number of times, to count instructions: `valgrind --tool=callgrind
//! target/release/examples/judge_once 200` less those of `100` is what a hundred judgements take.

use std::error::Error;
use std::hint::black_box;

use castellan_shield::{Shield, Source};

const PROMPT: &str = include_str!("../benches/prompt.txt");

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let times: usize = words.next().unwrap_or_default().parse()?;
    let copies: usize = words.next().map_or(Ok(1), |word| word.parse())?;
    let shield = Shield::builtin()?;
    let text = PROMPT.repeat(copies);
    for _ in 0..times {
        black_box(shield.attack(black_box(&text), Source::User));
    }
    Ok(())
}
