//! Messages over real connections: signatures, mail, syslog, what is withdrawn.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use castellan_respond::actions::{
    Call, Catalogue, Connector, ConnectorKind, Hosts, HttpOptions, MailSettings, MailTls, Probe,
};
use castellan_respond::playbook::Resolved;
use castellan_testkit::MemorySystem;
use serde_json::Value;

use crate::service::Service;
use crate::support::Outcome;

fn catalogue(host: &str, kind: ConnectorKind, address: &str, secret: Option<&str>) -> Catalogue {
    let secret = secret.map(str::to_owned);
    let connector = Connector { kind, address: address.to_owned(), secret, repeatable: false };
    Catalogue::new(
        Hosts::new([host]),
        BTreeMap::from([("there".to_owned(), connector)]),
        HttpOptions::default(),
    )
}

fn inputs() -> BTreeMap<String, Resolved> {
    let pairs = [("connector", "there"), ("title", "A <title>"), ("text", "the text\nof it")];
    pairs.map(|(name, value)| (name.to_owned(), Resolved::plain(value))).into()
}

fn call<'c>(inputs: &'c BTreeMap<String, Resolved>, system: &'c MemorySystem) -> Call<'c> {
    Call { path: "/p", key: "k1", inputs, timeout: Duration::from_secs(5), system }
}

#[test]
fn webhooks_are_signed_and_withdrawn() -> Outcome {
    let (service, system) = (Service::start()?, MemorySystem::default().with_env("HOOK", "s3cret"));
    let address = format!("http://{}/do/hook", service.host());
    let catalogue = catalogue(&service.host(), ConnectorKind::Webhook, &address, Some("env:HOOK"));
    let action = catalogue.action("message.webhook").ok_or("no action")?;
    let inputs = inputs();
    let call = call(&inputs, &system);
    let before = action.prepare(&call)?;
    action.perform(&call, &before)?;
    assert!(matches!(action.probe(&call, &before)?, Probe::Unknown(_)));
    action.undo(&call, &before)?;
    let requests = service.counts().requests;
    let [(_, headers, body), (_, undo_headers, undo_body)] = requests.as_slice() else {
        return Err("two requests".into());
    };
    assert_eq!(headers.get("x-castellan-timestamp").map(String::as_str), Some("1795219200"));
    let signature = headers.get("x-castellan-signature").ok_or("no signature")?;
    let key = aws_key(b"s3cret", format!("1795219200.{body}").as_bytes());
    assert_eq!(signature, &format!("v1={key}"));
    assert_eq!(serde_json::from_str::<Value>(body)?["text"], "the text\nof it");
    assert!(
        undo_body.contains("Withdrawn")
            && undo_headers.get("idempotency-key").is_some_and(|key| key == "k1-undo")
    );
    Ok(())
}

/// HMAC by its definition (RFC 2104).
fn aws_key(key: &[u8], message: &[u8]) -> String {
    let pad = |with: u8| (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect::<Vec<u8>>();
    let hash = |parts: &[&[u8]]| sha256(&parts.concat());
    let inner = hash(&[&pad(0x36), message]);
    hash(&[&pad(0x5c), &inner]).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}

#[test]
fn chats_have_no_markup_of_strangers() -> Outcome {
    let (service, system) = (Service::start()?, MemorySystem::default());
    let address = format!("http://{}/do/chat", service.host());
    for kind in [ConnectorKind::Slack, ConnectorKind::Teams] {
        let catalogue = catalogue(&service.host(), kind, &address, None);
        let inputs = inputs();
        let action = catalogue.action("message.chat").ok_or("no action")?;
        action.perform(&call(&inputs, &system), &Value::Null)?;
    }
    let bodies: Vec<String> = service.counts().requests.into_iter().map(|(_, _, body)| body).collect();
    assert!(bodies[0].contains("A &lt;title&gt;"), "{}", bodies[0]);
    assert!(bodies[1].contains("AdaptiveCard"), "{}", bodies[1]);
    Ok(())
}

/// An address that is a secret shows neither in plans nor in errors.
#[test]
fn addresses_that_are_secrets_do_not_show() -> Outcome {
    let system = MemorySystem::default().with_env("URL", "https://hooks.example.com/T0/B0/tokentoken");
    let catalogue = catalogue("elsewhere.example", ConnectorKind::Slack, "secret:env:URL", None);
    let action = catalogue.action("message.chat").ok_or("no action")?;
    let inputs = inputs();
    let error = action.prepare(&call(&inputs, &system)).err().ok_or("it worked")?;
    assert!(!error.message.contains("tokentoken"), "{error}");
    assert!(!action.target(&call(&inputs, &system)).contains("tokentoken"));
    Ok(())
}

#[test]
fn records_of_syslog_are_framed() -> Outcome {
    let (listener, system) = (TcpListener::bind(("127.0.0.1", 0))?, MemorySystem::default());
    let host = listener.local_addr()?.to_string();
    let catalogue = catalogue(&host, ConnectorKind::Syslog { udp: false }, &host, None);
    let inputs = inputs();
    catalogue.action("message.syslog").ok_or("no action")?.perform(&call(&inputs, &system), &Value::Null)?;
    let mut text = String::new();
    listener.accept()?.0.read_to_string(&mut text)?;
    let (length, record) = text.split_once(' ').ok_or("no frame")?;
    assert_eq!(length.parse::<usize>()?, record.len());
    assert!(record.starts_with("<133>1 2026-11-21T00:00:00.000000Z - castellan - k1 "), "{record}");
    Ok(())
}

/// A mail server that takes one message, or refuses it.
fn mail_server(refuses: Option<&'static str>) -> std::io::Result<(String, mpsc::Receiver<String>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let host = listener.local_addr()?.to_string();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = talk(stream, refuses, &sender);
        }
    });
    Ok((host, receiver))
}

fn talk(mut stream: TcpStream, refuses: Option<&str>, sender: &mpsc::Sender<String>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    stream.write_all(b"220 here\r\n")?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let answer = match line.split(' ').next().map(str::trim_end) {
            Some("EHLO") => "250 here",
            Some("MAIL") => refuses.unwrap_or("250 ok"),
            Some("DATA") => {
                stream.write_all(b"354 go on\r\n")?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") && reader.read_line(&mut mail)? > 0 {}
                let _ = sender.send(mail);
                "250 taken"
            }
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
        line.clear();
    }
    Ok(())
}

fn mail(host: &str) -> Catalogue {
    let settings = MailSettings {
        from: "Castellan <castellan@example.com>".to_owned(),
        to: vec!["soc@example.com".to_owned()],
        user: None,
        tls: MailTls::None,
    };
    catalogue(host, ConnectorKind::Mail(settings), host, None)
}

#[test]
fn mails_arrive_and_corrections_refer_to_them() -> Outcome {
    let (host, mails) = mail_server(None)?;
    let (catalogue, system, inputs) = (mail(&host), MemorySystem::default(), inputs());
    let action = catalogue.action("message.mail").ok_or("no action")?;
    action.perform(&call(&inputs, &system), &Value::Null)?;
    let first = mails.recv_timeout(Duration::from_secs(5))?;
    assert!(
        first.contains("Message-ID: <k1@castellan.invalid>") && first.contains("Subject: A <title>"),
        "{first}"
    );
    action.undo(&call(&inputs, &system), &Value::Null)?;
    let second = mails.recv_timeout(Duration::from_secs(5))?;
    assert!(second.contains("In-Reply-To: <k1@castellan.invalid>"), "{second}");
    Ok(())
}

#[test]
fn mail_that_is_not_taken_says_whether_to_try_again() -> Outcome {
    let (system, inputs) = (MemorySystem::default(), inputs());
    for (answer, again) in [("450 later", true), ("550 never", false)] {
        let (host, _mails) = mail_server(Some(answer))?;
        let catalogue = mail(&host);
        let action = catalogue.action("message.mail").ok_or("no action")?;
        let error = action.perform(&call(&inputs, &system), &Value::Null).err().ok_or("it worked")?;
        assert_eq!((error.perhaps, error.again), (false, again), "{error}");
    }
    let catalogue = mail("127.0.0.1:1");
    let action = catalogue.action("message.mail").ok_or("no action")?;
    let error = action.perform(&call(&inputs, &system), &Value::Null).err().ok_or("it worked")?;
    assert_eq!((error.perhaps, error.again), (false, true), "nobody there: {error}");
    Ok(())
}
