//! The table of letters in threes is what its generator counts.

#[path = "../../examples/english_trigrams.rs"]
#[allow(dead_code, reason = "its main is for the command line")]
mod generator;

#[test]
fn the_table_is_what_the_generator_counts() {
    let Some(rows) = super::corpus("shield/attack_train.jsonl") else { return };
    assert!(
        generator::table(&rows) == include_bytes!("../../data/english-trigrams.bin"),
        "the table is out of date"
    );
}

#[test]
fn the_table_is_whole() {
    assert_eq!(include_bytes!("../../data/english-trigrams.bin").len(), 27 * 27 * 27);
}
