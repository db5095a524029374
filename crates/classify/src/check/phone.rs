//! Telephone numbers: country codes and lengths of ITU-T E.164 and its list of assigned codes.

use crate::check::numbers::Digits;

/// Country codes of one length of national numbers: the codes, then the shortest and longest number after them.
type Plan = (&'static [u16], usize, usize);

/// Every assigned country code, grouped by the digits that may follow. The lengths are generous where a country's plan
/// mixes short and long numbers.
const PLANS: [Plan; 12] = [
    (&[1], 10, 10),
    (&[7, 90, 91, 92, 93, 886], 9, 10),
    (&[86, 81], 9, 11),
    (&[44, 54, 55, 52, 39, 63, 95], 8, 11),
    (&[49, 43], 6, 12),
    (&[46, 47, 358, 62, 98, 82, 66, 234], 7, 11),
    (&[20, 27, 33, 34, 40, 51, 53, 56, 57, 58, 60, 61, 64, 84, 94], 8, 10),
    (&[30, 31, 32, 36, 41, 45, 48, 65], 8, 10),
    (
        &[
            351, 352, 353, 354, 355, 356, 357, 359, 370, 371, 372, 373, 374, 375, 376, 377, 378, 379, 380,
            381, 382, 383, 385, 386, 387, 389, 420, 421, 423,
        ],
        6,
        11,
    ),
    (
        &[
            211, 212, 213, 216, 218, 220, 221, 222, 223, 224, 225, 226, 227, 228, 229, 230, 231, 232, 233,
            235, 236, 237, 238, 239, 240, 241, 242, 243, 244, 245, 246, 247, 248, 249, 250, 251, 252, 253,
            254, 255, 256, 257, 258, 260, 261, 262, 263, 264, 265, 266, 267, 268, 269, 290, 291, 297, 298,
            299, 350,
        ],
        4,
        10,
    ),
    (
        &[
            500, 501, 502, 503, 504, 505, 506, 507, 508, 509, 590, 591, 592, 593, 594, 595, 596, 597, 598,
            599, 670, 672, 673, 674, 675, 676, 677, 678, 679, 680, 681, 682, 683, 685, 686, 687, 688, 689,
            690, 691, 692,
        ],
        4,
        10,
    ),
    (
        &[
            800, 808, 850, 852, 853, 855, 856, 870, 878, 880, 881, 882, 883, 888, 960, 961, 962, 963, 964,
            965, 966, 967, 968, 970, 971, 972, 973, 974, 975, 976, 977, 979, 992, 993, 994, 995, 996, 998,
        ],
        5,
        12,
    ),
];

/// Fewest and most digits of a number without a country code.
const NATIONAL: std::ops::RangeInclusive<usize> = 7..=12;

/// Whether a number with `+` has an assigned country code and a length that its plan allows, or one without `+` has
/// the length of a national number.
pub(super) fn phone(text: &str) -> bool {
    let known = Digits::of(text.as_bytes());
    let digits = known.all();
    let first = digits.first();
    if digits.iter().all(|digit| Some(digit) == first) {
        return false;
    }
    if text.contains('+') { international(digits) } else { NATIONAL.contains(&digits.len()) }
}

fn international(digits: &[u8]) -> bool {
    (1..=3).any(|length| {
        let Some((code, rest)) = digits.split_at_checked(length) else { return false };
        let code = code.iter().fold(0, |number, digit| number * 10 + u16::from(*digit));
        let plan = PLANS.iter().find(|(codes, _, _)| codes.contains(&code));
        // `+44 (0)20`: the national prefix is written but not dialled.
        let written = rest.strip_prefix(&[0]).unwrap_or(rest);
        plan.is_some_and(|(_, shortest, longest)| {
            let fits = |rest: &[u8]| (*shortest..=*longest).contains(&rest.len());
            (fits(rest) || fits(written)) && (code != 1 || north_american(rest))
        })
    })
}

/// Area codes and exchanges of the North American Numbering Plan begin with 2 to 9.
fn north_american(rest: &[u8]) -> bool {
    rest.first().is_some_and(|digit| *digit > 1) && rest.get(3).is_some_and(|digit| *digit > 1)
}

#[cfg(test)]
mod tests {
    use super::phone;

    #[test]
    fn plans() {
        for text in
            ["+1 415 555 0132", "+44 (0)20 7946 0958", "+49 30 1234567", "+972-3-555-0123", "(212) 555-0142"]
        {
            assert!(phone(text), "{text}");
        }
        for text in
            ["+1 115 555 0132", "+1 415 555 013", "+999 12345678", "+44 12", "000-000-0000", "12-34", "+", ""]
        {
            assert!(!phone(text), "{text}");
        }
    }
}
