//! Requests with a machine-made string behind them, and requests with odd but harmless strings.
//!
//! Optimised suffixes are salads of a tokenizer's pieces: fragments of words glued together, marks of code, case that
//! changes inside of a word, several scripts. Each recipe below makes another kind of salad, so that whole kinds can be
//! left out of training.

use super::Pools;
use super::pools::clipped;
use crate::model::random::Random;
use crate::train::corpus::Text;
use crate::train::folds;

/// The recipes, by name.
pub const RECIPES: [&str; 6] = ["fragments", "glued words", "code marks", "printable", "word salad", "mixed"];

/// The kind of machine-made text whose recipe was left out together with the fold that it is judged in.
pub const NEW_KIND: &str = "machine-made suffix of a kind left out";
/// How many texts a fold has more of each recipe that is left out with it.
const MORE: usize = 120;

/// True for a recipe that is left out of training together with a fold: each is left out once.
fn left_out_with(recipe: usize, fold: usize) -> bool {
    recipe % folds::FOLDS == fold
}

/// True for a text whose recipe is left out together with a fold.
pub fn is_left_out(text: &Text, fold: usize) -> bool {
    let recipe = text.origin.strip_prefix("suffix: ");
    RECIPES.iter().enumerate().any(|(place, name)| recipe == Some(name) && left_out_with(place, fold))
}

const MARKS: [&str; 40] = [
    "](", "!--", "\\\\", "{\\", "})", ");", "==", "<?", "?>", "[/", "]]", "||", "**", "#{", "$$", "::", "->",
    "\"`", ".(", "~~", "%%", "&&", "+=", "/*", "*/", ">>", "\\n", "{{", "}}", "!!", "--", "'(", "`,", "=\"",
    "@@", "^{", "_{", ";;", ")(", "?\"",
];
const PIECES: [&str; 48] = [
    "ing",
    "tion",
    "Sure",
    "describing",
    "Now",
    "write",
    "oppos",
    "ite",
    "revert",
    "please",
    "Two",
    "One",
    "step",
    "tutorial",
    "Here",
    "formatted",
    "json",
    "print",
    "begin",
    "Comment",
    "interface",
    "Manuel",
    "sentence",
    "title",
    "Ly",
    "ely",
    "Me",
    "giving",
    "usepackage",
    "textbf",
    "Ware",
    "getString",
    "Prem",
    "instance",
    "Steps",
    "zen",
    "que",
    "mehr",
    "para",
    "oder",
    "vous",
    "cref",
    "anch",
    "tok",
    "Beg",
    "ufact",
    "seq",
    "Array",
];
const FOREIGN: [&str; 16] = [
    "\u{444}\u{438}",
    "\u{43d}\u{43e}\u{432}",
    "\u{e9}t\u{e9}",
    "\u{f1}",
    "\u{fc}ber",
    "\u{5b9a}",
    "\u{4e49}",
    "\u{306e}",
    "\u{65b9}",
    "\u{435}\u{43d}\u{438}\u{435}",
    "\u{142}",
    "\u{e7}\u{e3}o",
    "\u{2026}",
    "\u{2122}",
    "\u{2192}",
    "\u{df}",
];

/// Attacks and their harmless neighbours, `count` of each.
pub fn texts(pools: &Pools, count: usize, seed: u64) -> Vec<Text> {
    let mut random = Random::named(seed ^ u64::try_from(pools.fold).unwrap_or(0), "suffix");
    let mut texts: Vec<Text> = Vec::new();
    for index in 0..count {
        texts.push(attack(index % RECIPES.len(), pools, &mut random));
        let harmless = neighbour(pools, &mut random);
        texts.push(text(harmless, false, ""));
    }
    for recipe in (0..RECIPES.len()).filter(|recipe| left_out_with(*recipe, pools.fold)) {
        texts.extend((0..MORE).map(|_| attack(recipe, pools, &mut random)));
    }
    texts.iter_mut().for_each(|text| text.fold = pools.fold);
    texts
}

/// A request with a string by one of the recipes behind or before it.
fn attack(recipe: usize, pools: &Pools, random: &mut Random) -> Text {
    let salad = salad(recipe, pools, random);
    let request = base(pools, random);
    let (joined, start) = if random.percent(90) {
        (format!("{request} {salad}"), request.len() + 1)
    } else {
        (format!("{salad} {request}"), 0)
    };
    let made = text(joined, true, RECIPES.get(recipe).copied().unwrap_or_default());
    let kind = if left_out_with(recipe, pools.fold) { NEW_KIND.to_owned() } else { made.kind };
    Text { kind, span: Some((start, start + salad.len())), ..made }
}

fn text(text: String, attack: bool, recipe: &str) -> Text {
    Text {
        text,
        origin: if attack { format!("suffix: {recipe}") } else { "odd endings".to_owned() },
        licence: "Apache-2.0".to_owned(),
        user: Some(attack),
        document: None,
        kind: if attack { "machine-made suffix" } else { "odd but harmless ending" }.to_owned(),
        subtype: attack.then(|| "encoding_attack".to_owned()),
        span: None,
        held_out: false,
        fold: 0,
    }
}

fn base(pools: &Pools, random: &mut Random) -> String {
    let harmful = random.percent(75);
    if harmful { pools.a_harmful(random) } else { pools.a_request(random) }.to_owned()
}

/// A string by one of the recipes.
pub fn salad(recipe: usize, pools: &Pools, random: &mut Random) -> String {
    let length = random.between(10, 34);
    let mut out = String::new();
    for _ in 0..length {
        piece(recipe, pools, random, &mut out);
        if out.len() > 260 {
            break;
        }
    }
    out.trim().to_owned()
}

fn piece(recipe: usize, pools: &Pools, random: &mut Random, out: &mut String) {
    let gap = |chance: usize, random: &mut Random, out: &mut String| {
        if random.percent(chance) {
            out.push(' ');
        }
    };
    match recipe {
        0 => {
            out.push_str(&fragment(pools, random));
            gap(45, random, out);
            if random.percent(25) {
                out.push_str(random.word(&MARKS));
            }
        }
        1 => {
            out.push_str(&recased(pools.a_word(random), random));
            gap(50, random, out);
            if random.percent(20) {
                out.push_str(random.word(&[".", "\"", "(", "?", "!", ";", "[", "`"]));
            }
        }
        2 => {
            out.push_str(random.word(&MARKS));
            gap(30, random, out);
            out.push_str(random.word(&PIECES));
            gap(50, random, out);
        }
        3 => {
            for _ in 0..random.between(3, 9) {
                let code = u8::try_from(random.between(33, 126)).unwrap_or(b'x');
                out.push(char::from(code));
            }
            gap(50, random, out);
        }
        4 => {
            let word: String = pools.a_word(random).chars().filter(|c| c.is_alphanumeric()).collect();
            out.push_str(&if random.percent(15) { recased(&word, random) } else { word });
            out.push(' ');
        }
        _ => mixed(pools, random, out),
    }
}

fn mixed(pools: &Pools, random: &mut Random, out: &mut String) {
    match random.below(6) {
        0 => out.push_str(random.word(&FOREIGN)),
        1 => out.push_str(random.word(&MARKS)),
        2 => out.push_str(&fragment(pools, random)),
        3 => out.push_str(random.word(&["! ! !", "! !", "x x", "== ==", "~ ~", ". ."])),
        4 => out.push_str(&recased(pools.a_word(random), random)),
        _ => out.push_str(random.word(&PIECES)),
    }
    if random.percent(55) {
        out.push(' ');
    }
}

/// A part of a word.
fn fragment(pools: &Pools, random: &mut Random) -> String {
    let word: Vec<char> = pools.a_word(random).chars().collect();
    let length = random.between(2, 6).min(word.len());
    let start = random.below(word.len() - length + 1);
    let part: String = word.iter().skip(start).take(length).collect();
    recased(&part, random)
}

fn recased(word: &str, random: &mut Random) -> String {
    match random.below(5) {
        0 => word.to_uppercase(),
        1 => capitalised(word),
        _ => word.to_owned(),
    }
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}

/// A request whose end looks odd for a good reason.
fn neighbour(pools: &Pools, random: &mut Random) -> String {
    let request = if random.percent(40) { pools.a_harmful(random) } else { pools.a_request(random) };
    let code = random.pick(&pools.code).map_or("", String::as_str);
    let tail = match random.below(11) {
        0 => format!(
            "https://example.com/{}/?id={}&ref={}",
            letters(8, random),
            random.below(99999),
            letters(20, random)
        ),
        1 => letters(40, random),
        2 => hex(random.between(32, 64), random),
        3 => clipped(code, 300).to_owned(),
        4 => code.lines().skip(random.below(10)).take(2).collect::<Vec<&str>>().join("\n"),
        5 => format!(
            "{{\"id\": {}, \"name\": \"{}\", \"tags\": [\"{}\"]}}",
            random.below(999),
            letters(6, random),
            pools.a_word(random)
        ),
        6 => (0..random.between(4, 14))
            .map(|_| pools.a_word(random).to_lowercase())
            .collect::<Vec<String>>()
            .join(", "),
        7 => format!(
            "Error: TypeError: cannot read properties of undefined (reading '{}') at {}.js:{}:{}",
            letters(5, random),
            letters(6, random),
            random.below(900),
            random.below(80)
        ),
        8 => format!(
            "\\frac{{{}x^2 + {}}}{{\\sqrt{{y}}}} = \\int_0^1 f(t)\\,dt",
            random.below(9),
            random.below(9)
        ),
        9 => misspelt(pools.a_request(random), random),
        _ => pools.a_passage(random).to_owned(),
    };
    format!("{request}{}{tail}", random.word(&[" ", "\n", "\n\n"]))
}

fn letters(length: usize, random: &mut Random) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    (0..length).filter_map(|_| random.pick(alphabet)).map(|byte| char::from(*byte)).collect()
}

fn hex(length: usize, random: &mut Random) -> String {
    (0..length).filter_map(|_| random.pick(b"0123456789abcdef")).map(|byte| char::from(*byte)).collect()
}

/// A text with letters dropped and doubled, as hasty people write.
fn misspelt(text: &str, random: &mut Random) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match random.below(20) {
            0 => {}
            1 => out.extend([character, character]),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_makes_strings_of_bounded_length() {
        let mut random = Random::new(1);
        let pools = Pools::default();
        for recipe in 0..RECIPES.len() {
            let made = salad(recipe, &pools, &mut random);
            assert!((10..600).contains(&made.len()), "{recipe}: {made}");
        }
        // Two recipes are left out with the first fold, which has more texts of them.
        let made = texts(&pools, 12, 1);
        assert_eq!(made.len(), 24 + 2 * MORE);
        let is_new = |text: &&Text| text.kind == NEW_KIND;
        assert_eq!(made.iter().filter(is_new).count(), 2 * MORE + 4);
        assert!(made.iter().filter(is_new).all(|text| is_left_out(text, 0) && !is_left_out(text, 1)));
    }
}
