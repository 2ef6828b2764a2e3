//! A notification as an e-mail, by SMTP.
//!
//! One message has one receiver. What the desk or a person wrote cannot become a header: lettre encodes what is not plain
//! text, and line breaks are gone before. A server without the protection that is configured gets neither the login nor
//! the message.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{Error, SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::courier::Failed;
use super::message::{self, Body};
use super::wait::Class;
use super::{Mail, Security};
use crate::config::text::excerpt;
use crate::connection::secret;
use crate::connection::settings::Secret;

/// The last moment that a `Date` header can name.
const LAST_DATE: i64 = 253_402_300_799;

/// Whether this is an e-mail address, alone or as in `Aiko <aiko@desk.example>`. The error is half a sentence.
pub fn check_address(text: &str) -> Result<(), String> {
    let mailbox: Result<Mailbox, _> = text.parse();
    mailbox
        .map(|_| ())
        .map_err(|error| format!("it is no e-mail address ({error})"))
}

/// The address alone, without the name before it.
pub(super) fn bare(text: &str) -> String {
    let mailbox: Result<Mailbox, _> = text.trim().parse();
    mailbox.map_or_else(|_| text.trim().to_owned(), |mailbox| mailbox.email.to_string())
}

/// Makes one try.
pub(super) async fn send(mail: &Mail, to: &str, body: &Body) -> Result<(), Failed> {
    let message = message(mail, to, body)?;
    let password = match &mail.login {
        None => None,
        Some((_, source)) => {
            let read = secret::read(source, |name| std::env::var_os(name));
            Some(read.map_err(|why| Failed::passing(format!("the password in {source} {why}")))?)
        }
    };
    let transport = transport(mail, password.as_deref())?;
    let sent = tokio::time::timeout(mail.timeout, transport.send(message)).await;
    match sent {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(refused(&error, mail, password)),
        Err(_) => Err(Failed::passing(format!(
            "it does not take the message within {} seconds",
            mail.timeout.as_secs_f64()
        ))),
    }
}

fn message(mail: &Mail, to: &str, body: &Body) -> Result<Message, Failed> {
    let mailbox = |what: &str, text: &str| {
        let parsed: Result<Mailbox, _> = text.parse();
        parsed.map_err(|error| Failed::passing(format!("{what} {} is no e-mail address ({error})", excerpt(text))))
    };
    let from = mailbox("the sender", &mail.from)?;
    let seconds = body.notice.at.micros().div_euclid(1_000_000).clamp(0, LAST_DATE);
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs());
    let id = format!("<{}@{}>", body.id, from.email.domain());
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let made = Message::builder()
        .from(from)
        .to(mailbox("the receiver", to)?)
        .subject(message::subject(&body.notice))
        .date(date)
        // The same at each try: a mail server, or its reader, sees that it is the same message.
        .message_id(Some(id))
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
        .header(lettre::message::header::ContentType::TEXT_PLAIN)
        .body(message::text(body));
    made.map_err(|error| Failed::passing(format!("the message cannot be made: {error}")))
}

fn transport(mail: &Mail, password: Option<&str>) -> Result<AsyncSmtpTransport<Tokio1Executor>, Failed> {
    let (tls, port) = match mail.security {
        Security::Tls => (Tls::Wrapper(tls(mail)?), SUBMISSIONS_PORT),
        Security::StartTls => (Tls::Required(tls(mail)?), SUBMISSION_PORT),
        Security::None if !is_here(&mail.host) => {
            return Err(Failed::passing(
                "`security = \"none\"` would show the login and the message to the network: only a server on this machine \
                 is reached without TLS"
                    .into(),
            ));
        }
        Security::None => (Tls::None, SMTP_PORT),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&mail.host)
        .tls(tls)
        .port(mail.port.unwrap_or(port))
        // Of connecting; the whole try has its own bound.
        .timeout(Some(mail.timeout));
    if let (Some((user, _)), Some(password)) = (&mail.login, password) {
        builder = builder.credentials(Credentials::new(user.clone(), password.to_owned()));
    }
    Ok(builder.build())
}

fn tls(mail: &Mail) -> Result<TlsParameters, Failed> {
    let mut builder = TlsParameters::builder(mail.host.clone());
    if let Some(path) = &mail.ca_file {
        let unusable =
            |why: String| Failed::passing(format!("the certificates in {} cannot be read: {why}", path.display()));
        let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let certificates = Certificate::from_pem(&pem).map_err(|error| unusable(error.to_string()))?;
        builder = builder.add_root_certificate(certificates);
    }
    let built = builder.build();
    built.map_err(|error| Failed::passing(format!("TLS cannot be set up: {error}")))
}

pub(crate) fn is_here(host: &str) -> bool {
    let address: Result<IpAddr, _> = host.parse();
    address.map_or_else(
        |_| host.eq_ignore_ascii_case("localhost"),
        |address| address.to_canonical().is_loopback(),
    )
}

/// What a server's refusal, or its silence, means for the next try. Whatever it says, it does not give the password away.
fn refused(error: &Error, mail: &Mail, password: Option<String>) -> Failed {
    let said = excerpt_line(&secret::scrub(&error.to_string(), &hidden(mail, password)));
    let code = error.status().map(u16::from);
    let (class, why) = match code {
        // The login, or that there is none: somebody can mend it.
        Some(code @ (454 | 530 | 534 | 535 | 538)) => (
            Class::Passing,
            format!("it refuses the login ({code}): check `user` and the password ({said})"),
        ),
        Some(_) if error.is_permanent() => (Class::Refused, format!("it refuses the message ({said})")),
        _ => (Class::Passing, said),
    };
    Failed {
        class,
        asked: None,
        why,
    }
}

/// The forms in which the password goes over the wire.
fn hidden(mail: &Mail, password: Option<String>) -> Vec<Secret> {
    use base64::Engine as _;
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let (Some((user, _)), Some(password)) = (&mail.login, password) else {
        return Vec::new();
    };
    secret::forms([base64(&format!("\0{user}\0{password}")), base64(&password), password])
}

fn excerpt_line(text: &str) -> String {
    let cut = text.char_indices().nth(300).map_or(text.len(), |(end, _)| end);
    crate::config::text::printable(&text[..cut])
}

#[cfg(test)]
mod tests {
    use super::{bare, check_address, is_here};

    #[test]
    fn addresses() {
        for (text, good) in [
            ("aiko@desk.example", true),
            ("Aiko <aiko@desk.example>", true),
            ("愛子 <aiko@desk.example>", true),
            ("aiko", false),
            ("aiko@desk.example\r\nBcc: all@desk.example", false),
            ("aiko@desk.example, ben@desk.example", false),
            ("", false),
        ] {
            assert_eq!(check_address(text).is_ok(), good, "{text}");
        }
        for (text, expected) in [
            ("Aiko <aiko@desk.example>", "aiko@desk.example"),
            (" aiko@desk.example ", "aiko@desk.example"),
            ("aiko", "aiko"),
        ] {
            assert_eq!(bare(text), expected);
        }
    }

    #[test]
    fn without_tls_only_this_machine_is_reached() {
        for (host, here) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("::1", true),
            ("mail.example", false),
            ("10.0.0.1", false),
            ("localhost.example", false),
            ("127.0.0.1.example", false),
        ] {
            assert_eq!(is_here(host), here, "{host}");
        }
    }
}
