//! Times of records.

use castellan_base::Ticks;

use crate::problem::{ProblemKind, Problems};

/// The time of a record: its own, else that of its receipt. Times of the future are kept and told.
pub(crate) fn of_record(own: Option<Ticks>, received: Ticks, problems: &mut Problems) -> Ticks {
    let Some(own) = own else {
        problems.tell(ProblemKind::NoTime);
        return received;
    };
    if received.checked_add(Ticks::PER_DAY).is_some_and(|latest| own > latest) {
        problems.tell(ProblemKind::FutureTime);
    }
    own
}

/// From OTLP's nanoseconds since 1970, in which 0 stands for unknown.
pub(crate) fn from_nanos(nanos: u64) -> Option<Ticks> {
    if nanos == 0 { None } else { Ticks::from_unix_nanos(i128::from(nanos)) }
}
