//! The TAXII server of OASIS, `medallion`, and a server that misbehaves.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

pub(crate) const COLLECTION: &str = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";

/// A server that ends with the test.
pub(crate) struct Medallion {
    child: Child,
    pub(crate) address: String,
    _folder: tempfile::TempDir,
}

impl Drop for Medallion {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Python in which `tools/clients` has installed it.
fn python() -> Option<PathBuf> {
    let clients = std::env::var_os("CASTELLAN_CLIENTS").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/castellan/clients"));
    let python = clients.or_else(home)?.join("medallion/bin/python");
    python.exists().then_some(python)
}

impl Medallion {
    /// Starts one with a collection of objects, each with the time at which it was added; nothing where it is not installed.
    pub(crate) fn start(objects: &[(Value, &str)]) -> Option<Medallion> {
        let Some(python) = python() else {
            eprintln!("skipped: no `medallion`; run `tools/clients`, which installs it");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let manifest: Vec<Value> = objects
            .iter()
            .map(|(object, added)| {
                json!({"id": object["id"], "date_added": added, "version": object["modified"], "media_type": "application/stix+json;version=2.1"})
            })
            .collect();
        let stored: Vec<Value> = objects
            .iter()
            .map(|(object, _)| {
                let mut object = object.clone();
                object["_date_added"] = object["modified"].clone();
                object
            })
            .collect();
        let root = json!({
            "information": {"title": "Group", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 104_857_600},
            "status": [],
            "collections": [
                {"id": COLLECTION, "title": "High value", "can_read": true, "can_write": true, "media_types": ["application/stix+json;version=2.1"], "objects": stored, "manifest": manifest},
                {"id": "52892447-4d7e-4f70-b94d-d7f22742ff63", "title": "Closed", "can_read": false, "can_write": false, "media_types": ["application/stix+json;version=2.1"], "objects": [], "manifest": []},
            ],
        });
        let address = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        };
        let data = json!({
            "/discovery": {"title": "Test", "description": "A server", "default": format!("http://{address}/group/"), "api_roots": [format!("http://{address}/group/")]},
            "group": root,
        });
        let data_file = folder.path().join("data.json");
        std::fs::write(&data_file, data.to_string()).unwrap();
        let config = json!({
            "backend": {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend", "filename": data_file},
            "users": {"ann": "secret"},
            "taxii": {"max_page_size": 3},
        });
        let config_file = folder.path().join("config.json");
        std::fs::write(&config_file, config.to_string()).unwrap();
        let mut child = Command::new(python)
            .args(["-m", "medallion.scripts.run", "--port", &address.port().to_string()])
            .arg(config_file)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        for _ in 0..200 {
            line.clear();
            if told.read_line(&mut line).unwrap_or(0) == 0
                || line.contains("Running on")
                || line.contains("CTRL+C")
            {
                break;
            }
        }
        std::thread::spawn(move || std::io::copy(&mut told, &mut std::io::sink()));
        for _ in 0..100 {
            if std::net::TcpStream::connect(address).is_ok() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Some(Medallion { child, address: format!("http://{address}"), _folder: folder })
    }
}
