//! What each option may be, and what is said of one that is not.

use std::path::Path;

use loa_protocol::{
    content::{BLOCK_BYTES, MAX_CONTENT_BYTES},
    quiet_hours::{parse_time_of_day, parse_zone},
};

use super::{Config, ConfigError, split_address};
use crate::{
    notify::{MailConfig, TelegramConfig},
    speech::MAX_SENTENCE,
};

impl Config {
    pub(super) fn check(&self, file: &Path) -> Result<(), ConfigError> {
        let wrong = |key, says: String| {
            Err(ConfigError::Value {
                file: file.into(),
                key,
                says,
            })
        };
        if let Some(url) = &self.server.public_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            return wrong(
                "server.public_url",
                format!("{url:?} does not begin with http:// or https://"),
            );
        }
        self.check_lines().or_else(|(key, says)| wrong(key, says))?;
        if let Some(tiles) = &self.web.tiles
            && self.web.tiles_origin().is_none()
        {
            return wrong(
                "web.tiles",
                format!("{tiles:?} is not like https://tile.example.vn/{{z}}/{{x}}/{{y}}.png"),
            );
        }
        let addresses = [
            ("mqtt.public_address", self.mqtt.public_address.as_ref()),
            (
                "mqtt.external.address",
                self.mqtt.external.as_ref().map(|e| &e.address),
            ),
        ];
        for (key, address) in addresses {
            if let Some(address) = address
                && split_address(address).is_none()
            {
                return wrong(key, format!("{address:?} is not host:port"));
            }
        }
        let delivery_max = 1_000_000_000;
        let audio_max = (MAX_CONTENT_BYTES / 4_000 / 60) as u32;
        for (key, value, allowed) in [
            (
                "mqtt.max_connections",
                self.mqtt.max_connections as u64,
                1..=1_000_000,
            ),
            (
                "delivery.bytes_per_s",
                self.delivery.bytes_per_s.into(),
                BLOCK_BYTES.into()..=delivery_max,
            ),
            (
                "delivery.reconnect_jitter_s",
                self.delivery.reconnect_jitter_s.into(),
                0..=3_600,
            ),
            ("limits.upload_mb", self.limits.upload_mb.into(), 1..=4_000),
            (
                "limits.max_audio_minutes",
                self.limits.max_audio_minutes.into(),
                1..=audio_max.min(240).into(),
            ),
            (
                "limits.decode_memory_mb",
                self.limits.decode_memory_mb.into(),
                200..=100_000,
            ),
            (
                "limits.decode_minutes",
                self.limits.decode_minutes.into(),
                1..=1_440,
            ),
        ] {
            if !allowed.contains(&value) {
                let (from, to) = (allowed.start(), allowed.end());
                return wrong(key, format!("{value} is outside {from} to {to}"));
            }
        }
        if let Err(error) = parse_zone(&self.defaults.zone) {
            return wrong("defaults.zone", error.to_string());
        }
        for window in &self.defaults.quiet_hours {
            if let Err(error) = window.check() {
                return wrong("defaults.quiet_hours", error.to_string());
            }
        }
        if let Some(at) = self.defaults.self_test_at()
            && let Err(error) = parse_time_of_day(&at)
        {
            return wrong("defaults.self_test_at", error.to_string());
        }
        if !(1..=MAX_SENTENCE).contains(&self.defaults.correction.trim().chars().count()) {
            return wrong(
                "defaults.correction",
                format!("a sentence of 1 to {MAX_SENTENCE} characters"),
            );
        }
        const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
        if !LEVELS.contains(&self.log.level.as_str()) {
            return wrong(
                "log.level",
                format!("{:?} is none of {LEVELS:?}", self.log.level),
            );
        }
        let mail = self.mail.as_ref().map_or(Ok(()), MailConfig::check);
        let telegram = self.telegram.as_ref().map_or(Ok(()), TelegramConfig::check);
        let report = self.report.check(self.mail.is_some());
        mail.and(telegram)
            .and(report)
            .and(self.live.check())
            .or_else(|(key, says)| wrong(key, says))?;
        self.speech
            .check()
            .or_else(|error| wrong("speech", error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::parse;

    #[test]
    fn a_wrong_line_is_named_with_file_key_and_what_is_allowed() {
        for (text, words) in [
            (
                "[mqtt]\nlissten = \"x\"",
                vec!["controller.toml", "line 2", "lissten", "listen"],
            ),
            (
                "[server]\nlisten = \"everywhere\"",
                vec!["line 2", "listen"],
            ),
            (
                "[server]\npublic_url = \"loa.vn\"",
                vec!["server.public_url", "https://"],
            ),
            (
                "[web]\ntiles = \"https://tile.vn/map.png\"",
                vec!["web.tiles", "{z}/{x}/{y}"],
            ),
            (
                "[delivery]\nbytes_per_s = 10",
                vec!["delivery.bytes_per_s", "16384"],
            ),
            (
                "[defaults]\nzone = \"Hanoi\"",
                vec!["defaults.zone", "Asia/Ho_Chi_Minh"],
            ),
            (
                "[defaults]\nquiet_hours = [{ from = \"22\", to = \"05:00\" }]",
                vec!["quiet_hours", "HH:MM"],
            ),
            (
                "[limits]\nmax_audio_minutes = 0",
                vec!["limits.max_audio_minutes", "1 to"],
            ),
            (
                "[defaults]\ncorrection = \"\"",
                vec!["defaults.correction", "1 to"],
            ),
            (
                "[defaults]\nself_test_at = \"noon\"",
                vec!["defaults.self_test_at", "HH:MM"],
            ),
            ("[log]\nlevel = \"loud\"", vec!["log.level", "debug"]),
            ("[report]\nday = 31", vec!["report.day", "1 to 28"]),
            ("[report]\nhour = \"7am\"", vec!["report.hour", "07:00"]),
            (
                "[report]\nmail_to = [\"xa@example.vn\"]",
                vec!["report.mail_to", "[mail]"],
            ),
            (
                "[report]\nareas = { sang-moc = [\"nobody\"] }",
                vec!["report.mail_to", "nobody"],
            ),
            ("[speech]\ntimeout_s = 0", vec!["timeout_s", "1 to"]),
            ("[alerts]\nlanguage = \"fr\"", vec!["line 2", "vi", "en"]),
            (
                "[mail]\nserver = \"mail.vn\"\nfrom = \"loa@xa.vn\"",
                vec!["mail.server", "host:port"],
            ),
            (
                "[mail]\nserver = \"mail.vn:25\"\nfrom = \"loa@xa.vn\"\nsecurity = \"none\"",
                vec!["mail.security", "starttls"],
            ),
            (
                "[mail]\nserver = \"mail.vn:587\"\nfrom = \"loa@xa.vn\"\nusername = \"loa\"",
                vec!["mail.username", "password_file"],
            ),
            (
                "[telegram]\ntoken_file = \"t\"\napi = \"telegram\"",
                vec!["telegram.api", "https://"],
            ),
            (
                "[mqtt]\nlisten = \"0.0.0.0:1883\"\ntls = false",
                vec!["mqtt.tls", "127.0.0.1", "enrol"],
            ),
            (
                "[mqtt.external]\naddress = \"mqtt.vn:1883\"\ntls = false\npassword_file = \"p\"",
                vec!["mqtt.external.tls", "in clear"],
            ),
            (
                "[mqtt.external]\naddress = \"localhost:1883\"\ntls = false",
                vec!["mqtt.external.password_file"],
            ),
            (
                "[server]\nlisten = \"0.0.0.0:8080\"\ntls = \"off\"",
                vec!["server.tls", "in clear", "127.0.0.1"],
            ),
            (
                "[server]\npublic_url = \"http://loa.example.vn\"",
                vec!["server.public_url", "in clear", "https://"],
            ),
            (
                "[server]\ncertificate = \"web.pem\"",
                vec!["server.certificate", "server.key"],
            ),
            (
                "[server]\ntls = \"own\"\ncertificate = \"web.pem\"\nkey = \"web.key\"",
                vec!["server.tls", "take"],
            ),
            (
                "[server]\ntls = \"off\"\ncertificate = \"web.pem\"\nkey = \"web.key\"",
                vec!["server.key", "auto"],
            ),
            (
                "[mqtt.external]\naddress = \"broker\"\nusername = \"x\"\npassword_file = \"p\"",
                vec!["mqtt.external.address", "host:port"],
            ),
        ] {
            let error = parse(text).expect_err(text).to_string();
            for word in words {
                assert!(error.contains(word), "{word:?} is missing in: {error}");
            }
        }
    }
}
