//! Unified diffs from known edits, so that no search for the longest common part is needed.

use std::fmt::Write as _;

use super::edit::Edit;

const CONTEXT: usize = 3;

/// Lines `start..end` of the old text are replaced by `new`. Lines keep their line break.
struct Change {
    start: usize,
    end: usize,
    new: Vec<String>,
}

/// The diff that turns `old` into the text with `edits` applied. The edits are sorted and do not overlap.
pub(crate) fn unified(path: &str, old: &str, edits: &[Edit]) -> String {
    let lines: Vec<&str> = old.split_inclusive('\n').collect();
    let changes = line_changes(old, &lines, edits);
    let mut text = format!("--- {}\n+++ {}\n", name("a/", path), name("b/", path));
    let mut shift: isize = 0;
    for hunk in changes.chunk_by(|left, right| right.start <= left.end + 2 * CONTEXT) {
        shift = write_hunk(&mut text, &lines, hunk, shift);
    }
    text
}

/// A file name as `git apply` reads it: quoted when it holds what would end or confuse the line.
fn name(prefix: &str, path: &str) -> String {
    let is_plain = path.chars().all(|character| !character.is_control() && !matches!(character, '"' | '\\'));
    if is_plain {
        return format!("{prefix}{path}");
    }
    let mut quoted = format!("\"{prefix}");
    for byte in path.bytes() {
        match byte {
            b'"' | b'\\' => {
                quoted.push('\\');
                quoted.push(char::from(byte));
            }
            0x20..=0x7e => quoted.push(char::from(byte)),
            other => {
                let _ = write!(quoted, "\\{other:03o}");
            }
        }
    }
    quoted.push('"');
    quoted
}

/// Widens the edits to whole lines; edits that share a line become one change.
fn line_changes(old: &str, lines: &[&str], edits: &[Edit]) -> Vec<Change> {
    let mut starts = Vec::with_capacity(lines.len() + 1);
    let mut offset = 0;
    for line in lines {
        starts.push(offset);
        offset += line.len();
    }
    let line_of = |at: usize| starts.partition_point(|start| *start <= at).saturating_sub(1);
    let mut groups: Vec<(usize, usize, Vec<&Edit>)> = Vec::new();
    for edit in edits {
        let (first, last) = (line_of(edit.start), line_of(edit.end.max(edit.start)));
        match groups.last_mut() {
            Some((_, end, members)) if first < *end => {
                *end = (*end).max(last + 1);
                members.push(edit);
            }
            _ => groups.push((first, last + 1, vec![edit])),
        }
    }
    groups
        .into_iter()
        .map(|(start, end, members)| {
            let from = starts.get(start).copied().unwrap_or(0);
            let to = starts.get(end).copied().unwrap_or(old.len());
            let mut replaced = String::new();
            let mut copied = from;
            for edit in members {
                replaced.push_str(old.get(copied..edit.start).unwrap_or_default());
                replaced.push_str(&edit.text);
                copied = edit.end;
            }
            replaced.push_str(old.get(copied..to).unwrap_or_default());
            Change { start, end, new: replaced.split_inclusive('\n').map(str::to_owned).collect() }
        })
        .collect()
}

fn write_hunk(text: &mut String, lines: &[&str], hunk: &[Change], shift: isize) -> isize {
    let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { return shift };
    let start = first.start.saturating_sub(CONTEXT);
    let end = (last.end + CONTEXT).min(lines.len());
    let removed: usize = hunk.iter().map(|change| change.end - change.start).sum();
    let added: usize = hunk.iter().map(|change| change.new.len()).sum();
    let old_count = end - start;
    let new_count = old_count - removed + added;
    let new_start = start.saturating_add_signed(shift);
    let _ = writeln!(text, "@@ -{},{old_count} +{},{new_count} @@", start + 1, new_start + 1);
    let mut at = start;
    for change in hunk {
        lines.get(at..change.start).unwrap_or_default().iter().for_each(|line| push(text, ' ', line));
        lines.get(change.start..change.end).unwrap_or_default().iter().for_each(|line| push(text, '-', line));
        change.new.iter().for_each(|line| push(text, '+', line));
        at = change.end;
    }
    lines.get(at..end).unwrap_or_default().iter().for_each(|line| push(text, ' ', line));
    let signed = |count: usize| isize::try_from(count).unwrap_or(isize::MAX);
    shift + signed(added) - signed(removed)
}

fn push(text: &mut String, mark: char, line: &str) {
    text.push(mark);
    text.push_str(line);
    if !line.ends_with('\n') {
        text.push_str("\n\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hunks_count_lines_and_keep_the_missing_last_break() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13";
        let edit = |needle: &str, text: &str| {
            let start = old.find(needle).unwrap();
            Edit { start, end: start + needle.len(), text: text.to_owned() }
        };
        let diff = unified("d/a.json", old, &[edit("2", "two\nplus"), edit("13", "end")]);
        let expected = "--- a/d/a.json\n+++ b/d/a.json\n@@ -1,5 +1,6 @@\n 1\n-2\n+two\n+plus\n 3\n 4\n 5\n\
                        @@ -10,4 +11,4 @@\n 10\n 11\n 12\n-13\n\\ No newline at end of file\n+end\n\\ No newline at end of file\n";
        assert_eq!(diff, expected);
        assert_eq!(name("a/", "x\n\"y"), "\"a/x\\012\\\"y\"");
    }
}
