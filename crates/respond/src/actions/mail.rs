//! E-mail over SMTP (RFC 5321), with TLS from the start or by STARTTLS; without TLS on this machine alone.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Message, SmtpTransport, Transport as _};
use serde::{Deserialize, Serialize};

use super::ActionError;
use super::hosts::is_this_machine;

/// How mail goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailSettings {
    /// Who it is from: `Castellan <castellan@example.com>`.
    pub from: String,
    /// Whom it goes to.
    pub to: Vec<String>,
    /// The user at the server; its password is the connector's secret.
    #[serde(default)]
    pub user: Option<String>,
    /// TLS.
    #[serde(default)]
    pub tls: MailTls,
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailTls {
    /// By STARTTLS, without which nothing is sent (port 587).
    #[default]
    StartTls,
    /// From the start (port 465).
    Implicit,
    /// Never; for a server on this machine.
    None,
}

/// What is sent.
pub(super) struct Mail<'m> {
    pub(super) subject: &'m str,
    pub(super) text: &'m str,
    /// Names the message, so that a second one with the same key is known as a repetition.
    pub(super) key: &'m str,
    /// The key of the message that this one corrects.
    pub(super) corrects: Option<&'m str>,
}

fn message(settings: &MailSettings, mail: &Mail<'_>) -> Result<Message, ActionError> {
    let mailbox = |text: &String| {
        let parsed = text.parse::<Mailbox>();
        parsed.map_err(|_| ActionError::refused(format!("`{text}` is no mail address")))
    };
    let plain = |text: &str| {
        text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect::<String>()
    };
    let mut builder = Message::builder()
        .header(ContentType::TEXT_PLAIN)
        .from(mailbox(&settings.from)?)
        .subject(plain(mail.subject))
        .message_id(Some(format!("<{}@castellan.invalid>", mail.key)));
    for to in &settings.to {
        builder = builder.to(mailbox(to)?);
    }
    if let Some(corrects) = mail.corrects {
        builder = builder.in_reply_to(format!("<{corrects}@castellan.invalid>"));
    }
    let body = mail.text.to_owned();
    builder.body(body).map_err(|error| ActionError::refused(format!("the mail cannot be written: {error}")))
}

/// Sends a mail.
pub(super) fn send(
    (host, port): (&str, u16),
    settings: &MailSettings,
    password: Option<String>,
    mail: &Mail<'_>,
    timeout: Duration,
) -> Result<(), ActionError> {
    let message = message(settings, mail)?;
    let unusable =
        |error: lettre::transport::smtp::Error| ActionError::refused(format!("mail at {host}: {error}"));
    let builder = match settings.tls {
        MailTls::StartTls => SmtpTransport::starttls_relay(host).map_err(unusable)?,
        MailTls::Implicit => SmtpTransport::relay(host).map_err(unusable)?,
        MailTls::None if is_this_machine(host) => SmtpTransport::builder_dangerous(host),
        MailTls::None => {
            return Err(ActionError::refused(format!(
                "mail to `{host}` would go without TLS; only this machine's does"
            )));
        }
    };
    // Whether there is a server at all is found out first: then nothing was sent for certain.
    let unreachable = |error: std::io::Error| ActionError::for_now(format!("mail at {host}:{port}: {error}"));
    let mut addresses = (host, port).to_socket_addrs().map_err(unreachable)?;
    let address = addresses.next().ok_or_else(|| ActionError::for_now(format!("`{host}` has no address")))?;
    TcpStream::connect_timeout(&address, timeout).map_err(unreachable)?;
    let mut builder = builder.port(port).timeout(Some(timeout));
    if let (Some(user), Some(password)) = (&settings.user, password) {
        builder = builder.credentials(Credentials::new(user.clone(), password));
    }
    let sent = builder.build().send(&message);
    sent.map(|_| ()).map_err(|error| {
        let text = format!("mail at {host}: {error}");
        if error.is_permanent() || error.is_client() || error.is_tls() {
            ActionError::refused(text)
        } else if error.is_transient() {
            ActionError::for_now(text)
        } else {
            ActionError::perhaps(text)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_one_subject_and_a_name() -> Result<(), ActionError> {
        let settings = MailSettings {
            from: "Castellan <castellan@example.com>".to_owned(),
            to: vec!["soc@example.com".to_owned()],
            user: None,
            tls: MailTls::None,
        };
        let mail = Mail { subject: "a\r\nBcc: evil@example.com", text: "text", key: "k1", corrects: None };
        let text = String::from_utf8_lossy(&message(&settings, &mail)?.formatted()).into_owned();
        assert!(text.contains("Content-Type: text/plain; charset=utf-8"), "{text}");
        assert!(!text.contains("\nBcc:") && text.contains("Message-ID: <k1@castellan.invalid>"), "{text}");
        let odd = MailSettings { to: vec!["nobody".to_owned()], ..settings.clone() };
        assert!(message(&odd, &mail).is_err());
        let far = send(("mail.example.com", 25), &settings, None, &mail, Duration::from_secs(1));
        assert!(far.is_err_and(|error| error.message.contains("without TLS")));
        Ok(())
    }
}
