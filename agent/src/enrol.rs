//! `loa-agent enrol`: a key made here, a certificate for it from the office of the sticker.

use std::{path::Path, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use loa_protocol::{
    envelope::{open_unsigned, parse_public_key},
    root::Root,
    time::WallTime,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    AGENT,
    config::parse_address,
    identity::{
        Identity, Misfit, Office,
        key::{Key, KeyError},
        pem,
        pinned::{self, Expect, Fingerprint, FingerprintError},
    },
    office_http::{self, HttpError, OfficeUrl, UrlError},
};

/// Letters and digits of a code, without the dashes.
const CODE_CHARACTERS: usize = 12;
/// A pole's clock may differ from the office's by so much before it is worth a word.
const CLOCK_SLACK_S: i64 = 3_600;

/// What stands on a sticker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sticker {
    pub code: String,
    /// `https://…`, without anything after the host and port.
    pub office: String,
    pub fingerprint: Fingerprint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StickerError {
    #[error(
        "this is not the text of a sticker: that looks like https://loa.xa.vn/enrol#CODE.FINGERPRINT"
    )]
    NotOne,
    #[error("a code has 12 letters and digits: XXXX-XXXX-XXXX")]
    Code,
    #[error("{0}")]
    Office(#[from] UrlError),
    #[error("the fingerprint: {0}")]
    Fingerprint(#[from] FingerprintError),
    #[error(
        "a code alone is not enough: give --office and --fingerprint, or the whole text of the sticker"
    )]
    CodeAlone,
}

impl Sticker {
    /// The text of its QR code; or a code alone, with the other two from the command line.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn read(
        text: &str,
        office: Option<&str>,
        fingerprint: Option<&str>,
    ) -> Result<Self, StickerError> {
        let text = text.trim();
        let Some((url, secret)) = text.split_once('#') else {
            let (Some(office), Some(fingerprint)) = (office, fingerprint) else {
                let is_code = code(text).is_ok();
                return Err(if is_code {
                    StickerError::CodeAlone
                } else {
                    StickerError::NotOne
                });
            };
            return Self::of(text, office, fingerprint);
        };
        let url = url.strip_suffix("/enrol").ok_or(StickerError::NotOne)?;
        let (code, printed) = secret.split_once('.').ok_or(StickerError::NotOne)?;
        Self::of(code, office.unwrap_or(url), fingerprint.unwrap_or(printed))
    }

    fn of(text: &str, office: &str, fingerprint: &str) -> Result<Self, StickerError> {
        OfficeUrl::parse(office)?;
        Ok(Self {
            code: code(text)?,
            office: office.trim_end_matches('/').to_owned(),
            fingerprint: fingerprint.parse()?,
        })
    }
}

/// As the office keeps it: upper case, without dashes. Which letters there are is the office's business: it knows which
/// are easily mistaken.
fn code(text: &str) -> Result<String, StickerError> {
    let code: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let is_code = code.len() == CODE_CHARACTERS && code.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_code {
        Ok(code)
    } else {
        Err(StickerError::Code)
    }
}

#[derive(Debug, Error)]
pub enum EnrolError {
    #[error("no key can be made: {0}")]
    Key(#[from] KeyError),
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("TLS cannot be used here: {0}")]
    Tls(#[from] rustls::Error),
    #[error(
        "the office does not take this code: it was used already, is older than a week, or is mistyped. Have a new sticker \
         printed for this speaker"
    )]
    WrongCode,
    #[error("too many wrong codes came from here; wait a quarter of an hour and try again")]
    TooManyGuesses,
    #[error("the office refuses: {0}")]
    Refused(String),
    #[error("the office's answer does not fit together ({0}); nothing was changed on this pole")]
    WrongAnswer(String),
    #[error("{path}: {source}; nothing was changed on this pole. May this user write there?")]
    Disk {
        path: String,
        source: std::io::Error,
    },
}

#[derive(Serialize)]
struct Ask<'a> {
    code: &'a str,
    /// PKCS #10, PEM.
    request: String,
    agent: &'a str,
}

/// What the office gives to a pole, at its enrolment and when a certificate ran out.
#[derive(Debug, Deserialize)]
pub struct Given {
    pub speaker: String,
    #[serde(default)]
    pub name: String,
    pub broker: String,
    pub office: String,
    pub certificate: String,
    pub authorities: String,
    pub root_key: String,
    #[serde(default)]
    pub roots: Vec<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalError,
}
#[derive(Deserialize)]
struct RefusalError {
    code: String,
    message: String,
}

/// Asks the office of the sticker, and writes what it gave into `data_dir`. One that was there is replaced.
///
/// # Errors
/// In words for whoever stands at the pole. The identity that was there is untouched then.
pub async fn enrol(sticker: &Sticker, data_dir: &Path) -> Result<(Identity, String), EnrolError> {
    let key = Key::make()?;
    let request = key.request(None)?;
    let ask = Ask {
        code: &sticker.code,
        request: request.pem().map_err(|_| KeyError::NoRequest)?,
        agent: AGENT,
    };
    let body = serde_json::to_vec(&ask).map_err(|e| EnrolError::WrongAnswer(e.to_string()))?;
    let url = OfficeUrl::parse(&sticker.office)?;
    let tls = pinned::client_config(Expect::Office(sticker.fingerprint))?;
    // Before the code is spent: a disk that takes nothing is known now.
    let failed = |source| EnrolError::Disk {
        path: data_dir.display().to_string(),
        source,
    };
    std::fs::create_dir_all(data_dir).map_err(failed)?;
    let probe = data_dir.join("identity.probe");
    std::fs::write(&probe, b"").map_err(failed)?;
    std::fs::remove_file(&probe).map_err(failed)?;
    let answer = office_http::post(&url, "/api/v1/enrol", "application/json", body, tls).await?;
    let given = read(answer.status, &answer.body)?;
    let name = given.name.clone();
    let identity = take(given, key, sticker)?;
    identity.store(data_dir).map_err(failed)?;
    Ok((identity, name))
}

/// # Errors
/// What the office says against it.
pub fn read(status: u16, body: &[u8]) -> Result<Given, EnrolError> {
    if (200..300).contains(&status) {
        return serde_json::from_slice(body)
            .map_err(|error| EnrolError::WrongAnswer(error.to_string()));
    }
    let Ok(Refusal { error }) = serde_json::from_slice(body) else {
        return Err(EnrolError::Refused(format!(
            "HTTP {status}; is this address the office's?"
        )));
    };
    Err(match error.code.as_str() {
        "enrol_code_wrong" => EnrolError::WrongCode,
        "too_many_guesses" => EnrolError::TooManyGuesses,
        _ => EnrolError::Refused(error.message),
    })
}

fn take(given: Given, key: Key, sticker: &Sticker) -> Result<Identity, EnrolError> {
    let wrong = |what: &str, why: String| EnrolError::WrongAnswer(format!("{what}: {why}"));
    let certificate = pem::one(given.certificate.as_bytes())
        .ok_or_else(|| wrong("certificate", "it is not one".into()))?;
    let authorities = pem::all(given.authorities.as_bytes())
        .ok_or_else(|| wrong("authorities", "there is none".into()))?;
    let office = Office {
        broker: parse_address(&given.broker).map_err(|why| wrong("broker", why))?,
        root_key: parse_public_key(&given.root_key)
            .map_err(|why| wrong("root_key", why.to_string()))?,
        // Where it was reached: what it calls itself may be a name that only phones know.
        url: sticker.office.clone(),
        fingerprint: sticker.fingerprint,
    };
    let mut roots = Vec::new();
    for text in &given.roots {
        let root = base64(text)
            .filter(|bytes| open_unsigned::<Root>(bytes).is_ok())
            .ok_or_else(|| wrong("roots", "one cannot be read".into()))?;
        roots.push(root);
    }
    let speaker = given.speaker;
    let identity = Identity::new(Arc::new(key), certificate, authorities, office, roots)
        .map_err(|misfit: Misfit| wrong("identity", misfit.to_string()))?;
    if identity.speaker().as_str() != speaker {
        return Err(wrong(
            "speaker",
            format!("{speaker} is not whom the certificate names"),
        ));
    }
    Ok(identity)
}

/// Either alphabet, padded or not.
fn base64(text: &str) -> Option<Vec<u8>> {
    let plain: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    STANDARD_NO_PAD.decode(plain).ok()
}

/// What happened, and what is to be done next.
pub fn lines(
    identity: &Identity,
    name: &str,
    data_dir: &Path,
    now: WallTime,
    is_running: bool,
) -> Vec<String> {
    let life = identity.certificate.life;
    let mut lines = vec![
        format!(
            "This pole is now the speaker {} ({name}).",
            identity.speaker()
        ),
        format!(
            "Its key was made here and stays here, in {}.",
            data_dir.join("identity").display()
        ),
        format!(
            "Its certificate {} is good until {}; it renews itself before that.",
            identity.certificate.serial, life.expires
        ),
    ];
    let behind_s = life.made.since_us(now) / 1_000_000;
    if behind_s > CLOCK_SLACK_S || now > life.expires {
        lines.push(format!(
            "This pole's clock shows {now}, the office's about {}. It will learn the time from the office; a board without \
             a battery clock needs the line after each power cut before anything planned sounds.",
            life.made
        ));
    }
    lines.push(if is_running {
        "Next: start the agent again (systemctl restart loa-agent), then `loa-agent status` should say connected.".into()
    } else {
        "Next: start the agent (systemctl enable --now loa-agent), then `loa-agent status` should say connected.".into()
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINT: &str = "5c861f45d5e974cfcf52c84233a88adf3ed0e56243ebc7b2e16a81a99b8ba1ce";

    #[test]
    fn the_text_of_a_sticker_says_all_that_is_needed() {
        let text = format!(" https://loa.xa.vn:8443/enrol#AB12-CD34-EF56.{PRINT}\n");
        let sticker = Sticker::read(&text, None, None).expect("a sticker");
        assert_eq!(sticker.code, "AB12CD34EF56");
        assert_eq!(sticker.office, "https://loa.xa.vn:8443");
        assert_eq!(sticker.fingerprint.to_string(), PRINT);
        let typed = Sticker::read(
            "ab12 cd34 ef56",
            Some("https://loa.xa.vn:8443/"),
            Some(PRINT),
        );
        assert_eq!(typed, Ok(sticker));
    }

    #[test]
    fn what_is_no_sticker_is_told_apart() {
        let read = |text: &str| Sticker::read(text, None, None).expect_err("wrong");
        assert_eq!(read("AB12-CD34-EF56"), StickerError::CodeAlone);
        assert_eq!(read("https://example.vn/"), StickerError::NotOne);
        assert_eq!(
            read(&format!("https://a/enrol#AB12.{PRINT}")),
            StickerError::Code
        );
        assert!(matches!(
            read("https://a/enrol#AB12-CD34-EF56.12"),
            StickerError::Fingerprint(_)
        ));
        assert_eq!(
            read(&format!("http://loa.xa.vn/enrol#AB12-CD34-EF56.{PRINT}")),
            StickerError::Office(UrlError::NotSafe)
        );
    }

    #[test]
    fn a_refusal_is_told_in_words_for_whoever_stands_at_the_pole() {
        let told = |code: &str| {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"no","details":null}}}}"#);
            read(403, body.as_bytes()).expect_err("refused").to_string()
        };
        assert!(told("enrol_code_wrong").contains("new sticker"));
        assert!(told("too_many_guesses").contains("wait"));
        assert!(told("other").contains("no"));
        let proxy = read(502, b"<html>").expect_err("refused").to_string();
        assert!(
            proxy.contains("502") && proxy.contains("address"),
            "{proxy}"
        );
    }
}
