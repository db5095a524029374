//! Words that arguments of `castellan incident` take, and what the API has for them.

use clap::ValueEnum;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
        #[allow(missing_docs)] // The names are those of the table.
        pub enum $name { $($(#[$each])* $variant),* }

        impl $name {
            /// The word as the API has it.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }
        }
    };
}

words! {
    /// Which incidents are listed.
    ListStatus { Open = "open", New = "new", Active = "active", Closed = "closed", All = "all" }
}
words! {
    /// Where an incident is that is not closed.
    OpenStatus { New = "New", Active = "Active" }
}
words! {
    /// How bad an incident is.
    IncidentSeverity { High = "High", Medium = "Medium", Low = "Low", Informational = "Informational" }
}
words! {
    /// What an incident was.
    ClassificationWord {
        Undetermined = "Undetermined", TruePositive = "TruePositive", BenignPositive = "BenignPositive",
        FalsePositive = "FalsePositive",
    }
}
words! {
    /// Why it looked as it did. Each goes with one classification.
    ReasonWord {
        SuspiciousActivity = "SuspiciousActivity", SuspiciousButExpected = "SuspiciousButExpected",
        IncorrectAlertLogic = "IncorrectAlertLogic", InaccurateData = "InaccurateData",
    }
}
words! {
    /// How a graph is written.
    GraphForm { Json = "json", Dot = "dot", Svg = "svg" }
}
words! {
    /// How an incident is written for another program.
    ExportForm { Ocsf = "ocsf", Stix = "stix", Json = "json" }
}
