//! What the pages of the documentation show is what the binary prints.

use crate::{Desk, repository};

fn page(name: &str) -> String {
    std::fs::read_to_string(repository().join("docs").join(name)).unwrap()
}

/// The fenced blocks of a page: language and text.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let fences: Vec<&str> = page.split("```").collect();
    fences.iter().skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect()
}

#[test]
fn the_filter_answers_as_its_page_shows() {
    let page = page("policy.md");
    let blocks = blocks(&page);
    let mut compared = 0;
    for pair in blocks.windows(2) {
        let [("sh", command), ("json", answer)] = pair else { continue };
        // What stands in single quotes are the lines that go in; `'%s\n'` is how they are printed.
        let quoted = command.split('\'').skip(1).step_by(2).filter(|text| !text.starts_with('%'));
        let input: Vec<&str> = quoted.collect();
        let ran = Desk::new().pipe(&["policy", "--batch", "-"], &input.join("\n"));
        assert_eq!(ran.out, *answer, "{command}");
        compared += 1;
    }
    assert_eq!(compared, 2);
}

#[test]
fn the_check_of_the_page_finds_what_it_shows() {
    let page = page("content.md");
    let blocks = blocks(&page);
    let text = |language: &str, start: &str| -> &str {
        blocks.iter().find(|(name, text)| *name == language && text.starts_with(start)).unwrap().1
    };
    let desk = Desk::new();
    desk.file("our-content/policies/accounts-in-europe.yaml", text("yaml", "id: accounts-in-europe"));
    let examples = repository().join("examples").canonicalize().unwrap().display().to_string();
    let arguments = ["scan", &examples, "-q", "--content", "our-content", "--format", "json"];
    let ran = desk.run(&arguments);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let report = ran.json();
    let findings = report["findings"].as_array().unwrap();
    let mine: Vec<_> = findings.iter().filter(|finding| finding["check"] == "accounts-in-europe").collect();
    assert_eq!(mine.len(), 1, "{mine:#?}");
    let at = &mine[0]["location"];
    let place = format!("harbour-mutual/exports/resources.json:{}:{}", at["line"], at["column"]);
    assert!(text("text", "medium").contains(&place), "{place}");
}

#[test]
fn the_exemption_of_the_page_is_one() {
    let page = page("scan.md");
    let blocks = blocks(&page);
    let exemptions = blocks.iter().find(|(_, text)| text.starts_with("exemptions:")).unwrap().1;
    let desk = Desk::new();
    desk.file("exemptions.yaml", exemptions);
    let arguments =
        ["scan", &crate::harbour(), "-q", "--exemptions", "exemptions.yaml", "--as-of", "2026-11-21"];
    let report = desk.run(&arguments).json();
    assert_eq!(report["summary"]["exempt"], 1);
    assert_eq!(report["exemptions"]["unused"].as_array().unwrap().len(), 0);
}
