//! From what was fetched to lines of rows, within bounds.

use super::fetch::Fetched;
use super::records::{Aborted, Batch};
use super::shape::{Shape, Sheet, Source};

/// Bytes of lines after which no further message is taken at once.
const BYTES: usize = 16 << 20;
/// Messages that are taken at once.
const MESSAGES: usize = 20_000;

/// What was gathered of a fetch.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) sheet: Sheet,
    /// The last offset that is within; `None` where nothing could be taken.
    pub(super) last: Option<i64>,
    /// Why nothing further could be taken, where it may be well when it is fetched again.
    pub(super) fault: Option<String>,
}

/// Gathers messages from an offset on. `is_last` says that what is damaged counts as lost now.
pub(super) fn gather(
    fetched: &Fetched,
    from: i64,
    shape: &Shape,
    origin: Source<'_>,
    is_last: bool,
) -> Gathered {
    let mut gathered = Gathered::default();
    let mut aborted = Aborted::of(fetched);
    let mut rest = fetched.records.as_slice();
    loop {
        let batch = match Batch::next(&mut rest) {
            Ok(Some(batch)) => batch,
            Ok(None) => return gathered,
            Err(error) => {
                gathered.fault = Some(format!("a batch is broken: {error}"));
                return gathered;
            }
        };
        // Batches that were read before say what transactions do all the same.
        let counts = aborted.counts(&batch);
        if batch.last < from {
            continue;
        }
        if counts && !gathered.take(&batch, from, shape, origin, is_last) {
            return gathered;
        }
        gathered.last = Some(batch.last);
    }
}

impl Gathered {
    /// Takes the messages of a batch; says whether there is room for more.
    fn take(
        &mut self,
        batch: &Batch<'_>,
        from: i64,
        shape: &Shape,
        origin: Source<'_>,
        is_last: bool,
    ) -> bool {
        let (sheet, last) = (&mut self.sheet, &mut self.last);
        let mut has_room = true;
        let read = batch.messages(&mut |message| {
            if message.offset >= from {
                sheet.take(shape, origin, &message);
                *last = Some(message.offset);
                has_room = sheet.bytes < BYTES && sheet.messages < MESSAGES;
            }
            has_room
        });
        let Err(fault) = read else { return has_room };
        if fault.is_checksum && !is_last {
            self.fault = Some(format!("the batch at offset {}: {}", fault.offset, fault.reason));
            return false;
        }
        let first = fault.offset.max(from);
        let count = u64::try_from(batch.last - first).unwrap_or_default() + 1;
        self.sheet.lost(first, count, format!("the batch cannot be read from here on: {}", fault.reason));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::messages::Code;
    use super::super::records::tests::batch;
    use super::*;

    fn gathered(records: Vec<u8>, from: i64, is_last: bool) -> Gathered {
        let mapper = crate::intake::mapper();
        let origin = Source { topic: "t", partition: 0, mapper: &mapper };
        let shape = Shape::Json { table: "A_CL".to_owned(), attributes: Vec::new(), flow: None };
        let fetched = Fetched { code: Code::NONE, high: 9, aborted: Vec::new(), records };
        gather(&fetched, from, &shape, origin, is_last)
    }

    fn offsets(gathered: &Gathered) -> Vec<i64> {
        let lines = gathered.sheet.tables.get("A_CL");
        lines.map(|lines| lines.pieces.iter().map(|piece| piece.offset).collect()).unwrap_or_default()
    }

    #[test]
    fn reading_begins_within_a_batch() {
        let row = (None, Some(&b"{}"[..]));
        let records = [batch(0, 0, -1, &[row, row]), batch(2, 0, -1, &[row, row, row])].concat();
        let all = gathered(records.clone(), 3, false);
        assert_eq!((offsets(&all), all.last), (vec![3, 4], Some(4)));
        assert_eq!(gathered(records.get(..40).unwrap().to_vec(), 0, false).last, None);
        assert_eq!(gathered(records, 5, false).last, None);
    }

    #[test]
    fn what_is_damaged_is_fetched_again_and_then_lost() {
        let row = (None, Some(&b"{}"[..]));
        let mut damaged = batch(2, 0, -1, &[row, row, row]);
        *damaged.last_mut().unwrap() ^= 1;
        let records = [batch(0, 0, -1, &[row, row]), damaged.clone()].concat();
        let found = gathered(records, 0, false);
        assert_eq!((offsets(&found), found.last, found.fault.is_some()), (vec![0, 1], Some(1), true));
        let found = gathered(damaged, 3, true);
        assert_eq!((offsets(&found), found.last, found.fault), (Vec::new(), Some(4), None));
        assert_eq!(found.sheet.losses.first().map(|loss| (loss.offset, loss.count)), Some((3, 2)));
    }

    #[test]
    fn only_so_much_is_taken_at_once() {
        let large = format!("{{\"a\": \"{}\"}}", "x".repeat(BYTES));
        let row = (None, Some(large.as_bytes()));
        let found = gathered(batch(0, 0, -1, &[row, row]), 0, false);
        assert_eq!((offsets(&found), found.last), (vec![0], Some(0)));
    }
}
