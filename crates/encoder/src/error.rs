//! Why a model cannot be used.

/// Why a model cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncoderError {
    /// A file is missing or too large.
    #[error("cannot read `{path}`: {why}")]
    File {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// A file is not what it should be.
    #[error("`{path}` cannot be used: {why}")]
    Content {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// A setting is out of its range.
    #[error("{why}")]
    Setting {
        /// Which, and what is wrong with it.
        why: String,
    },
    /// It is not clear which labels mean an attack.
    #[error(
        "{why}; the labels are {labels}: say with the setting for attack labels which of them mean an attack"
    )]
    Labels {
        /// What is not clear.
        why: String,
        /// All of them.
        labels: String,
    },
    /// One window takes longer than a text may.
    #[error("the model takes {took} ms for one window, more than the {limit} ms that a text may take")]
    Slow {
        /// How long it took, in milliseconds.
        took: u128,
        /// How long it may take.
        limit: u128,
    },
}
