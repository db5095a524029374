//! Texts to scan. All are made by a generator with a seed, but for source code, which is this crate's.

use std::fmt::Write as _;

/// A small generator of random numbers (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let place = self.below(from.len() as u64) as usize;
        from.get(place).copied().unwrap_or_default()
    }

    pub(crate) fn from(&mut self, alphabet: &str, length: usize) -> String {
        let bytes = alphabet.as_bytes();
        (0..length).map(|_| char::from(bytes[self.below(bytes.len() as u64) as usize])).collect()
    }

    pub(crate) fn letters(&mut self, length: usize) -> String {
        self.from("abcdefghijklmnopqrstuvwxyz", length)
    }

    pub(crate) fn digits(&mut self, length: usize) -> String {
        self.from("0123456789", length)
    }
}

/// Every Rust file of this repository's crates, up to a few megabytes.
pub(crate) fn source_code() -> String {
    let mut text = String::new();
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))];
    while let Some(folder) = folders.pop() {
        let mut paths: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && text.len() < 2 << 20 {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    text
}

/// Lines of a web server, of a service that writes JSON, and of a kernel.
pub(crate) fn logs(length: usize) -> String {
    let mut random = Random::new(1);
    let mut text = String::with_capacity(length + 400);
    while text.len() < length {
        let (a, b, c) = (random.below(24), random.below(60), random.below(1_000));
        let time =
            format!("2026-11-{:02}T{a:02}:{b:02}:{:02}.{c:03}Z", 1 + random.below(30), random.below(60));
        let path =
            random.pick(&["/api/v1/users", "/health", "/static/app.js", "/v1/chat/completions", "/login"]);
        let line = match random.below(3) {
            0 => format!(
                "10.{}.{}.{} - - [{time}] \"GET {path}?id={} HTTP/1.1\" {} {} \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"",
                random.below(256),
                random.below(256),
                random.below(256),
                random.below(100_000),
                random.pick(&["200", "404", "500"]),
                random.below(100_000),
            ),
            1 => format!(
                "{{\"time\":\"{time}\",\"level\":\"{}\",\"target\":\"gateway::proxy\",\"message\":\"request finished\",\"latency_ms\":{},\"trace_id\":\"{}\",\"status\":200}}",
                random.pick(&["INFO", "WARN", "DEBUG"]),
                random.below(5_000),
                random.from("0123456789abcdef", 32),
            ),
            _ => format!(
                "{time} INFO worker-{} processed batch {} with {} rows in {}.{:03} s, next at offset {}",
                random.below(16),
                random.below(1_000_000),
                random.below(10_000),
                random.below(9),
                c,
                random.next() % 10_000_000_000,
            ),
        };
        writeln!(text, "{line}").unwrap();
    }
    text
}

/// Rows of customers: names, cards, numbers, addresses, with words that say what they are.
pub(crate) fn personal_data(length: usize) -> String {
    let mut random = Random::new(2);
    let mut text = String::with_capacity(length + 400);
    while text.len() < length {
        let name = format!(
            "{} {}",
            random.pick(&["Jane", "John", "Maria", "Peter", "Aisha"]),
            random.pick(&["Doe", "Smith", "Garcia", "Miller"])
        );
        let card = card(&mut random);
        let mail = format!("{}.{}@{}.com", random.letters(5), random.letters(6), random.letters(8));
        let line = match random.below(3) {
            0 => format!(
                "Customer {name}, card number {card}, SSN {}-{}-{}, e-mail {mail}",
                100 + random.below(500),
                10 + random.below(89),
                1_000 + random.below(8_999)
            ),
            1 => format!(
                "{name};{mail};+1 202 555 {:04};198.51.{}.{};DOB 19{:02}-0{}-1{}",
                random.below(10_000),
                random.below(256),
                random.below(256),
                random.below(100),
                1 + random.below(9),
                random.below(10)
            ),
            _ => format!(
                "Patient: {name}, born on 1{}.0{}.19{:02}, phone (212) 555-{:04}, account {}",
                random.below(10),
                1 + random.below(9),
                random.below(100),
                random.below(10_000),
                random.digits(10)
            ),
        };
        writeln!(text, "{line}").unwrap();
    }
    text
}

/// A number of sixteen digits whose check digit is right.
fn card(random: &mut Random) -> String {
    let body = format!("4{}", random.digits(14));
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match place % 2 {
                0 if digit > 4 => 2 * digit - 9,
                0 => 2 * digit,
                _ => digit,
            }
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// Words without numbers.
pub(crate) fn prose(length: usize) -> String {
    let mut random = Random::new(3);
    let mut text = String::with_capacity(length + 40);
    while text.len() < length {
        let size = 2 + random.below(8) as usize;
        text.push_str(&random.letters(size));
        text.push_str(random.pick(&[" ", " ", " ", " ", ", ", ". "]));
    }
    text
}

pub(crate) fn base64(length: usize) -> String {
    let mut random = Random::new(4);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (0..length / 76).map(|_| random.from(alphabet, 76) + "\n").collect()
}

pub(crate) fn hex(length: usize) -> String {
    let mut random = Random::new(5);
    (0..length / 65).map(|_| random.from("0123456789abcdef", 64) + "\n").collect()
}

pub(crate) fn minified_json(length: usize) -> String {
    let mut random = Random::new(6);
    let mut text = String::from("[");
    while text.len() < length {
        let (id, price) = (random.below(1_000_000), random.below(100_000));
        let (name, tag) = (random.letters(9), random.letters(4));
        write!(
            text,
            "{{\"id\":{id},\"name\":\"{name}\",\"price\":{price}.5,\"tags\":[\"{tag}\",\"x\"],\"on\":true}},"
        )
        .unwrap();
    }
    text
}

/// What a person asks a model: prose with a little code and one line of personal data.
pub(crate) fn prompt(length: usize) -> String {
    let mut text = prose(length * 2 / 3);
    text.push_str(&personal_data(200));
    text.push_str(&source_code());
    text.chars().take(length).collect()
}
