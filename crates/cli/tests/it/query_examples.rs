//! `examples/kql`: what its page shows is what its commands print.

use std::path::Path;
use std::process::Command;

/// The blocks of a page in a language, in order.
fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    let fence = format!("```{language}\n");
    page.split(&fence as &str)
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block)
        .collect()
}

/// The words of a command; a text in single quotes is one.
fn words(command: &str) -> Vec<&str> {
    let pieces = command.trim().split('\'').enumerate();
    pieces
        .flat_map(|(at, piece)| if at % 2 == 1 { vec![piece] } else { piece.split_whitespace().collect() })
        .collect()
}

#[test]
fn every_command_prints_what_the_page_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("examples/kql/README.md")).unwrap();
    let (commands, outputs) = (blocks(&page, "sh"), blocks(&page, "text"));
    assert_eq!(commands.len(), outputs.len());
    for (command, expected) in commands.iter().zip(outputs) {
        let words = words(command);
        let run = Command::new(env!("CARGO_BIN_EXE_castellan"))
            .args(&words[1..])
            .current_dir(&root)
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&run.stdout).replace("\r\n", "\n");
        assert_eq!(printed, expected, "{command}{}", String::from_utf8_lossy(&run.stderr));
    }
    let queries = std::fs::read_dir(root.join("examples/kql")).unwrap().map(|file| file.unwrap().file_name());
    let kql: Vec<String> = queries
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".kql"))
        .collect();
    let missing: Vec<&String> = kql.iter().filter(|name| !page.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "not on the page: {missing:?}");
}
