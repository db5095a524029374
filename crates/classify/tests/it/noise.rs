//! What machines write is no identifier of anybody.

use castellan_classify::Selection;

use crate::content::engine;

/// A small generator of numbers that look random and are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn hex(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from_digit((self.next() >> 33) as u32 % 16, 16).unwrap()).collect()
    }

    fn base64(&mut self, length: usize) -> String {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        (0..length).map(|_| char::from(alphabet[(self.next() >> 33) as usize % 64])).collect()
    }

    fn digits(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(b'0' + ((self.next() >> 33) % 10) as u8)).collect()
    }

    fn uuid(&mut self) -> String {
        let parts = [8, 4, 4, 4, 12].map(|length| self.hex(length));
        parts.join("-")
    }
}

/// Lines as of a service, a repository, a bundle and a lock file.
fn lines(numbers: &mut Numbers) -> String {
    let mut text = String::new();
    for line in 0..2_000 {
        let (second, minute) = (line % 60, line / 60 % 60);
        text += &match line % 8 {
            0 => format!(
                "2026-11-21T15:{minute:02}:{second:02}.{}Z INFO request={} took {}us bytes={}\n",
                numbers.digits(3),
                numbers.uuid(),
                numbers.digits(5),
                numbers.digits(8)
            ),
            1 => format!("commit {} parent {}\n", numbers.hex(40), numbers.hex(40)),
            2 => {
                format!("epoch {}.{} offset {}\n", numbers.digits(10), numbers.digits(6), numbers.digits(13))
            }
            3 => format!("integrity sha512-{}==\n", numbers.base64(86)),
            4 => format!("v{}.{}.{}-rc.{}\n", line % 7, line % 31, line % 11, line % 5),
            5 => format!(
                "!function(e,t){{var n=0x{},r={}}}(window,\"{}\");\n",
                numbers.hex(8),
                numbers.digits(9),
                numbers.hex(32)
            ),
            6 => format!("trace={} span={} order-{}\n", numbers.hex(32), numbers.hex(16), numbers.digits(10)),
            _ => format!("blob {}\n", numbers.base64(200)),
        };
    }
    text
}

#[test]
fn machines_write_no_identifiers() {
    let (engine, _) = engine();
    let selection = Selection { min_confidence: 75, ..Selection::default() };
    let engine = engine.select(&selection).unwrap();
    let text = lines(&mut Numbers(0x9E37_79B9_7F4A_7C15));
    let identifiers =
        ["national-id", "tax-id", "passport", "drivers-license", "health", "financial", "personal"];
    let findings = engine.scan(&text);
    let faults: Vec<_> = findings
        .iter()
        .filter_map(|finding| {
            let detector = engine.detector(finding)?;
            // The lines do have times.
            let of_ours = identifiers.contains(&detector.category.as_str()) && &*detector.id != "date-time";
            of_ours.then(|| format!("{} `{}`", detector.id, &text[finding.range()]))
        })
        .collect();
    assert_eq!(faults, Vec::<String>::new());
}
