//! The watched folder.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use castellan_lake::{Append, Form, Lake};
use castellan_server::intake::folder::Folder;
use tempfile::TempDir;

use super::{gzip, lake, listener, value};

/// Looks twice: a file is taken once it has not changed.
async fn look(folder: &mut Folder) {
    for _ in 0..2 {
        folder.look(&AtomicBool::new(false)).await.unwrap();
    }
}

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn open(place: &TempDir, lake: &Arc<Lake>) -> Folder {
    Folder::open(&place.path().join("inbox"), Arc::clone(lake), listener().0).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_become_rows_and_are_moved_away() {
    let place = TempDir::new().unwrap();
    let lake = lake(&place).await;
    let inbox = place.path().join("inbox");
    let mut folder = open(&place, &lake).await;
    let put = |name: &str, bytes: &[u8]| std::fs::write(inbox.join(name), bytes).unwrap();
    put("App_CL__a.jsonl", b"{\"n\": 1}\nnot a row\n{\"n\": 2}\n");
    put("App_CL__b.csv.gz", &gzip(b"n,text\n3,x\n"));
    put("SigninLogs__c.json", br#"[{"ResultType": "0", "Nope": 1}]"#);
    put("diagnostics__d.json", br#"{"records": [{"category": "SignInLogs", "resourceId": "/tenants/t/providers/Microsoft.aadiam", "time": "2026-11-21T00:00:00Z"}]}"#);
    put("diagnostics__e.jsonl", b"{\"category\": \"Odd\"}\n7\n");
    put("None__f.jsonl", b"{}\n");
    put("nothing.jsonl", b"{}\n");
    put("App_CL__g.txt", b"{}\n");
    put("App_CL__h.json", b"[{\"n\": ");
    put("App_CL__i.jsonl.gz", b"not packed");
    put("App_CL__j.jsonl.tmp", b"{}\n");
    put(".hidden__k.jsonl", b"{}\n");
    folder.look(&AtomicBool::new(false)).await.unwrap();
    assert_eq!(names(&inbox.join("done")), Vec::<String>::new(), "nothing is taken at first sight");
    look(&mut folder).await;
    assert_eq!(
        names(&inbox),
        [".castellan-journal.json", ".hidden__k.jsonl", "App_CL__j.jsonl.tmp", "done", "refused"]
    );
    let done = [
        "App_CL__a.jsonl",
        "App_CL__a.jsonl.why",
        "App_CL__b.csv.gz",
        "SigninLogs__c.json",
        "SigninLogs__c.json.why",
        "diagnostics__d.json",
        "diagnostics__e.jsonl",
        "diagnostics__e.jsonl.why",
    ];
    assert_eq!(names(&inbox.join("done")), done);
    let refused: Vec<String> =
        ["App_CL__g.txt", "App_CL__h.json", "App_CL__i.jsonl.gz", "None__f.jsonl", "nothing.jsonl"]
            .iter()
            .flat_map(|name| [(*name).to_owned(), format!("{name}.why")])
            .collect();
    assert_eq!(names(&inbox.join("refused")), refused);
    let why = std::fs::read_to_string(inbox.join("done/App_CL__a.jsonl.why")).unwrap();
    assert!(why.starts_with("line 2: "), "{why}");
    assert_eq!(value(&lake, "App_CL | summarize sum(n)").await, "6");
    assert_eq!(value(&lake, "SigninLogs | count").await, "2");
    assert_eq!(value(&lake, "AzureDiagnostics | count").await, "1");
    // The same name again is another file.
    put("App_CL__b.csv.gz", &gzip(b"n,text\n4,x\n"));
    look(&mut folder).await;
    assert_eq!(value(&lake, "App_CL | summarize sum(n)").await, "10");
    assert!(inbox.join("done/App_CL__b.csv.gz.1").is_file());
}

fn row(n: usize) -> String {
    format!("{{\"n\": {n}, \"text\": \"{}\"}}\n", "x".repeat(1_000))
}

/// Rows of a file of which the journal says how far it was taken in, and when its next part was to be received.
async fn gone_on_with(parts: u64, received: i64, kept: usize) -> String {
    let place = TempDir::new().unwrap();
    let lake = lake(&place).await;
    let inbox = place.path().join("inbox");
    drop(open(&place, &lake).await);
    // Three parts of some 4 MiB.
    let text: String = (0..10_000).map(row).collect();
    let file = inbox.join("Large_CL__a.jsonl");
    std::fs::write(&file, &text).unwrap();
    let about = std::fs::metadata(&file).unwrap();
    let modified = about.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let stamp = format!(r#"{{"size": {}, "modified": {modified}}}"#, about.len());
    let entry = format!(r#"{{"stamp": {stamp}, "parts": {parts}, "received": {received}}}"#);
    let journal = format!(r#"{{"Large_CL__a.jsonl": {entry}, "gone.jsonl": {entry}}}"#);
    std::fs::write(inbox.join(".castellan-journal.json"), journal).unwrap();
    // What was kept before the process ended.
    lake.create_table("Large_CL", Vec::new()).await.unwrap();
    let how = Append { received: Some(received), keeps_times: true, adds_columns: true, ..Append::default() };
    let before: String = (0..kept).map(row).collect();
    lake.append("Large_CL", before.as_bytes(), Form::Lines, how).await.unwrap();
    let mut folder = open(&place, &lake).await;
    look(&mut folder).await;
    assert!(inbox.join("done/Large_CL__a.jsonl").is_file());
    assert_eq!(std::fs::read_to_string(inbox.join(".castellan-journal.json")).unwrap(), "{}");
    value(&lake, "Large_CL | count").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_begun_is_gone_on_with() {
    // A part is the whole lines up to 4 MiB and the one that passes it.
    let lengths = (0..).scan(0, |sum, n| {
        *sum += row(n).len();
        Some(*sum)
    });
    let part = lengths.take_while(|sum| *sum < 4 << 20).count() + 1;
    let all = gone_on_with(0, 0, 0).await;
    assert_eq!(all, "10000");
    // The journal knows of the first part: its rows are those that were kept before.
    assert_eq!(gone_on_with(1, 0, part).await, "10000");
    // It does not, but a row is there that was received when the part was to be.
    assert_eq!(gone_on_with(0, 1_795_219_200_000_001, part).await, "10000");
    // Nothing was kept yet when the process ended.
    assert_eq!(gone_on_with(0, 1_795_219_200_000_001, 0).await, "10000");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_runs_until_it_is_told_to_end() {
    let place = TempDir::new().unwrap();
    let lake = lake(&place).await;
    let folder = open(&place, &lake).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(folder.run(async {
        let _ = stopped.await;
    }));
    std::fs::write(place.path().join("inbox/App_CL__a.jsonl"), "{\"n\": 1}\n").unwrap();
    let done = place.path().join("inbox/done/App_CL__a.jsonl");
    for _ in 0..200 {
        if done.is_file() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    drop(stop);
    running.await.unwrap();
    assert_eq!(value(&lake, "App_CL | count").await, "1");
}
