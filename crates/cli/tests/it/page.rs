//! The HTML report in a browser.

use std::path::Path;
use std::process::Command;

use crate::{Desk, harbour};

fn browser() -> Option<&'static str> {
    let known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let found = known.into_iter().find(|path| Path::new(path).exists());
    if found.is_none() {
        eprintln!("skipped: no Chromium; get it with: apt-get install chromium");
    }
    found
}

/// Width and height out of the head of a PNG file.
fn size(png: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!(&png[1..4], b"PNG");
    (number(16), number(20))
}

#[test]
fn the_page_renders_in_a_browser() {
    let Some(browser) = browser() else { return };
    let desk = Desk::new();
    assert_eq!(desk.run(&["scan", &harbour(), "-q", "--format", "html", "-o", "report.html"]).code, 0);
    let page = format!("file://{}", desk.path("report.html").display());
    let profile = format!("--user-data-dir={}", desk.path("profile").display());
    let common = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", profile.as_str()];
    let picture = desk.path("report.png");
    let shot = format!("--screenshot={}", picture.display());
    let ran =
        Command::new(browser).args(common).args(["--window-size=1200,1600", &shot, &page]).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let png = std::fs::read(&picture).unwrap();
    assert_eq!(size(&png), (1200, 1600));
    // A blank page of this size compresses to a few kilobytes.
    assert!(png.len() > 60_000, "{} bytes", png.len());
    let ran = Command::new(browser).args(common).args(["--dump-dom", &page]).output().unwrap();
    let dom = String::from_utf8_lossy(&ran.stdout);
    for words in ["Secure score", "Violations", "Cannot be told", "Bill of materials", "claims-triage"] {
        assert!(dom.contains(words), "{words}");
    }
}
