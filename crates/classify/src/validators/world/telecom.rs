//! Devices, subscribers, network interfaces.

use crate::validators::checksum::{luhn, luhn_of};
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, listed};

pub(super) const FORMATS: &[Format] = &[
    Format::new("iccid", Kind::Telecom, iccid, "SIM card number (ICCID)", "ITU-T E.118").checked(),
    Format::new("imei", Kind::Telecom, imei, "Mobile equipment identity (IMEI, IMEISV)", "3GPP TS 23.003")
        .checked(),
    Format::new(
        "imsi",
        Kind::Telecom,
        imsi,
        "Mobile subscriber identity (IMSI)",
        "ITU-T E.212; the country is verified",
    ),
    Format::new(
        "mac",
        Kind::Telecom,
        mac,
        "Network interface address (MAC)",
        "IEEE 802; the maker is not verified",
    ),
    Format::new("meid", Kind::Telecom, meid, "Mobile equipment identifier (MEID)", "3GPP2 S.R0048-A")
        .checked(),
];

fn iccid(text: &str) -> Check {
    let n = digits(text, " -", 19..=20)?;
    component(n.starts_with(b"89"))?;
    checksum(luhn(&n))
}

fn imei(text: &str) -> Check {
    let n = digits(text, " -", 14..=16)?;
    // 14 digits lack the check digit; 16 have the version of the software in its place.
    checksum(n.len() != 15 || luhn(&n))
}

/// Mobile country codes.
const COUNTRIES: &str = "001 202 204 206 208 212 213 214 216 218 219 220 221 222 225 226 228 230 231 232 234 235 238 240 \
242 244 246 247 248 250 255 257 259 260 262 266 268 270 272 274 276 278 280 282 283 284 286 288 289 290 292 293 294 295 \
297 302 308 310 311 312 313 314 315 316 330 332 334 338 340 342 344 346 348 350 352 354 356 358 360 362 363 364 365 366 \
368 370 372 374 376 400 401 402 404 405 406 410 412 413 414 415 416 417 418 419 420 421 422 424 425 426 427 428 429 430 \
431 432 434 436 437 438 440 441 450 452 454 455 456 457 460 461 466 467 470 472 502 505 510 514 515 520 525 528 530 536 \
537 539 540 541 542 543 544 545 546 547 548 549 550 551 552 553 554 555 602 603 604 605 606 607 608 609 610 611 612 613 \
614 615 616 617 618 619 620 621 622 623 624 625 626 627 628 629 630 631 632 633 634 635 636 637 638 639 640 641 642 643 \
645 646 647 648 649 650 651 652 653 654 655 657 658 659 702 704 706 708 710 712 714 716 722 724 730 732 734 736 738 740 \
742 744 746 748 750 901 991 995 999";

fn imsi(text: &str) -> Check {
    let n = digits(text, " -", 14..=15)?;
    component(listed(COUNTRIES, n.part(..3)))
}

fn mac(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    // Groups of two with colons or dashes, groups of four with dots.
    let mut groups = 0;
    let (separator, size) = match n.iter().find(|character| !character.is_ascii_hexdigit()) {
        Some(b'.') => (b'.', 4),
        Some(separator @ (b':' | b'-')) => (*separator, 2),
        _ => return Err(Invalid::Format),
    };
    for group in n.split(|character| *character == separator) {
        shape(group.len() == size && group.iter().all(u8::is_ascii_hexdigit))?;
        groups += 1;
    }
    length(groups * size == 12)?;
    // Group addresses are no interface's, but for those that somebody made up for their own machines.
    let first = hexadecimal(n.at(0)) * 16 + hexadecimal(n.at(1));
    let is_local = first & 2 != 0;
    component(is_local || first & 1 == 0)
}

fn hexadecimal(character: u8) -> u32 {
    char::from(character).to_digit(16).unwrap_or_default()
}

fn meid(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    let is_decimal = n.len() > 15;
    if is_decimal {
        // The two halves as decimal numbers, of 32 and 24 bits.
        length(matches!(n.len(), 18 | 19))?;
        shape(n.is_digits())?;
        component(n.part(..10).number() <= 0xFFFF_FFFF && n.part(10..18).number() <= 0xFF_FFFF)?;
        return checksum(n.len() == 18 || luhn(&n));
    }
    length(matches!(n.len(), 14 | 15))?;
    shape(n.iter().all(u8::is_ascii_hexdigit))?;
    if n.len() == 14 {
        return Ok(());
    }
    // Digits alone are an IMEI.
    checksum(if n.part(..14).is_digits() { luhn(&n) } else { luhn_of(&n, "0123456789ABCDEF") })
}
