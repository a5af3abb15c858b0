//! E-mail: one message to one address over SMTP.

use std::time::Duration;

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Attachment as Part, Mailbox, MultiPart, SinglePart, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};

use super::{MailConfig, MailSecurity, NotifyError, secret};
use crate::{chance, config::split_address};

/// For each step of the talk with the server.
const PATIENCE: Duration = Duration::from_secs(10);
/// For the whole talk.
const WHOLE: Duration = Duration::from_secs(120);

/// A file that goes with a message.
#[derive(Clone, Debug)]
pub struct Attachment {
    pub name: String,
    /// Such as `text/csv; charset=utf-8`.
    pub media_type: String,
    pub bytes: Vec<u8>,
}

/// Returns when the server has taken it. The password is read from its file each time.
pub async fn send(
    config: &MailConfig,
    to: &str,
    subject: &str,
    text: &str,
    attachments: Vec<Attachment>,
) -> Result<(), NotifyError> {
    let message = message(config, to, subject, text, attachments)?;
    let sent = transport(config)?;
    match tokio::time::timeout(WHOLE, sent.send(message)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if error.is_permanent() => Err(NotifyError::refused(error)),
        Ok(Err(error)) => Err(NotifyError::unreached(error)),
        Err(late) => Err(NotifyError::unreached(late)),
    }
}

fn message(
    config: &MailConfig,
    to: &str,
    subject: &str,
    text: &str,
    attachments: Vec<Attachment>,
) -> Result<Message, NotifyError> {
    let from: Mailbox = config.from.parse().map_err(NotifyError::settings)?;
    let to: Mailbox = to.parse().map_err(NotifyError::refused)?;
    let id = format!("<{}@{}>", chance::token(), from.email.domain());
    // What stands in a header may hold no line of its own.
    let subject: String = subject
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let builder = Message::builder()
        .from(from)
        .to(to)
        .subject(subject)
        .message_id(Some(id));
    let plain = SinglePart::plain(text.to_owned());
    let built = if attachments.is_empty() {
        builder.singlepart(plain)
    } else {
        let mut parts = MultiPart::mixed().singlepart(plain);
        for file in attachments {
            let kind = ContentType::parse(&file.media_type).map_err(NotifyError::settings)?;
            parts = parts.singlepart(Part::new(file.name).body(file.bytes, kind));
        }
        builder.multipart(parts)
    };
    built.map_err(NotifyError::refused)
}

fn transport(config: &MailConfig) -> Result<AsyncSmtpTransport<Tokio1Executor>, NotifyError> {
    let (host, port) = split_address(&config.server)
        .ok_or_else(|| NotifyError::settings("mail.server is not host:port"))?;
    let tls = match config.security {
        MailSecurity::None => Tls::None,
        MailSecurity::Starttls => Tls::Required(parameters(config, &host)?),
        MailSecurity::Tls => Tls::Wrapper(parameters(config, &host)?),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port)
        .timeout(Some(PATIENCE))
        .tls(tls);
    if let (Some(user), Some(file)) = (&config.username, &config.password_file) {
        let password = secret::read(file).map_err(NotifyError::settings)?;
        builder = builder.credentials(Credentials::new(user.clone(), password));
    }
    Ok(builder.build())
}

fn parameters(config: &MailConfig, host: &str) -> Result<TlsParameters, NotifyError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(file) = &config.ca_file {
        let pem = std::fs::read(file)
            .map_err(|error| NotifyError::settings(format!("{}: {error}", file.display())))?;
        builder = builder
            .add_root_certificate(Certificate::from_pem(&pem).map_err(NotifyError::settings)?);
    }
    builder.build().map_err(NotifyError::settings)
}
