//! When a pole asks for its next certificate, and how: over the line while it is good, over HTTPS once it has run out.
//!
//! At two thirds of its life, and a share of a further thirtieth that is this pole's own: poles that were enrolled in one
//! afternoon do not all ask in one minute. Nothing is asked twice in a hurry: a try that brought nothing is followed by the
//! next after half a minute (one, over HTTPS), then after twice as long each time, up to 6 hours (one).

use loa_protocol::{
    certificate::{Certificate, Renewal as Document},
    envelope::Refusal,
    time::{Moment, WallTime},
    topic::Topic,
};

use ed25519_dalek::SigningKey;

use super::{
    Agent,
    port::{CertificateNews, CertificateStep as Step, Effect, LogLine},
};

const OVER_LINE: Pace = Pace {
    first_us: 30 * 1_000_000,
    last_us: 6 * 3_600 * 1_000_000,
};
const OVER_HTTPS: Pace = Pace {
    first_us: 60 * 1_000_000,
    last_us: 3_600 * 1_000_000,
};
/// What was asked on a connection that broke is asked again about so long after the next one came up.
const AFTER_CONNECT_US: u64 = 60 * 1_000_000;

struct Pace {
    first_us: u64,
    last_us: u64,
}

/// From when until when a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub made: WallTime,
    pub expires: WallTime,
}

impl Life {
    /// The instant within this life that is nearest to `at`.
    pub fn nearest(&self, at: WallTime) -> WallTime {
        at.min(self.expires).max(self.made)
    }

    /// When the next one is asked for; `share` of 2^64 is the pole's own.
    fn renewed_from(&self, share: u64) -> WallTime {
        let whole_us = self.expires.since_us(self.made).max(0);
        let spread_us = i128::from(whole_us / 30) * i128::from(share) / (1_i128 << 64);
        let after_us = whole_us / 3 * 2;
        self.made
            .plus_us(after_us)
            .plus_us(i64::try_from(spread_us).unwrap_or(0))
    }
}

/// How to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Line,
    Https,
}

#[derive(Debug, Default)]
pub struct Renewal {
    /// Of the certificate in use; `None`: this pole has none.
    life: Option<Life>,
    share: u64,
    /// The office said that it is over, whatever this pole's clock shows.
    told_expired: bool,
    key: NextKey,
    /// Not before this, monotonic.
    try_at_us: u64,
    tries: u32,
    /// The line still has the former certificate.
    line_is_old: bool,
}

/// The key that the next certificate is for.
#[derive(Debug, Default, PartialEq, Eq)]
enum NextKey {
    #[default]
    None,
    BeingMade,
    /// With the request for it, PKCS #10.
    Made(Vec<u8>),
}

impl Renewal {
    /// Should something be asked now, and how? `now` of a clock that nobody trusts still says how late it is at least.
    fn wants(&self, now: Moment, connected: bool) -> Option<Way> {
        let life = self.life?;
        let is_over = self.told_expired || (now.is_trusted() && now.wall > life.expires);
        let is_due = is_over || now.wall >= life.renewed_from(self.share);
        if !is_due || now.mono_us < self.try_at_us {
            return None;
        }
        match (connected, is_over) {
            (true, _) => Some(Way::Line),
            (false, true) => Some(Way::Https),
            // It will be asked for when the line is back.
            (false, false) => None,
        }
    }

    /// It was asked. `around` spreads a pause about itself.
    fn asked(&mut self, way: Way, now_us: u64, around: impl FnOnce(u64) -> u64) {
        let pace = match way {
            Way::Line => OVER_LINE,
            Way::Https => OVER_HTTPS,
        };
        let doubled = pace.first_us.saturating_mul(1 << self.tries.min(16));
        self.try_at_us = now_us.saturating_add(around(doubled.min(pace.last_us)));
        self.tries = self.tries.saturating_add(1);
    }

    fn line_is_up(&mut self, now_us: u64, around: impl FnOnce(u64) -> u64) {
        if self.tries > 0 {
            let soon = now_us.saturating_add(around(AFTER_CONNECT_US));
            self.try_at_us = self.try_at_us.min(soon);
        }
    }

    fn renewed(&mut self, life: Life, connected: bool) {
        *self = Self {
            life: Some(life),
            share: self.share,
            line_is_old: connected,
            ..Self::default()
        };
    }
}

impl Agent {
    /// This pole has a certificate, of this life.
    pub fn is_certified(&mut self, life: Life) {
        self.renewal.life = Some(life);
        self.renewal.share = self.chance.draw();
    }

    /// Where its next certificate comes from; nothing without one.
    pub(super) fn certificate_topic(&self) -> Option<Topic> {
        let speaker = self.identity.speaker.clone();
        self.renewal.life.map(|_| Topic::Certificate(speaker))
    }

    pub(super) fn tend_renewal(&mut self) {
        if self.renewal.line_is_old && self.connected && self.stage.acts.is_empty() {
            self.renewal.line_is_old = false;
            self.out.push(Effect::Certificate(Step::Reconnect));
        }
        let Some(way) = self.renewal.wants(self.now, self.connected) else {
            return;
        };
        let request = match &self.renewal.key {
            NextKey::BeingMade => return,
            NextKey::None => {
                self.renewal.key = NextKey::BeingMade;
                self.out.push(Effect::Certificate(Step::MakeKey));
                return;
            }
            NextKey::Made(request) => request.clone(),
        };
        let speaker = self.identity.speaker.clone();
        let topic = Topic::Renewal(speaker.clone());
        let document = Document { speaker, request };
        match way {
            Way::Line => self.say(topic, &document),
            Way::Https => {
                let renewal = self.seal(&document);
                self.out
                    .push(Effect::Certificate(Step::AskOffice { renewal }));
            }
        }
        let chance = &mut self.chance;
        self.renewal
            .asked(way, self.now.mono_us, |us| chance.around(us));
    }

    pub(super) fn renewal_line_is_up(&mut self) {
        let chance = &mut self.chance;
        self.renewal
            .line_is_up(self.now.mono_us, |us| chance.around(us));
    }

    /// The next connection is made with whatever is newest.
    pub(super) fn renewal_line_is_down(&mut self) {
        self.renewal.line_is_old = false;
    }

    pub(super) fn certificate_news(&mut self, news: CertificateNews) {
        match news {
            CertificateNews::KeyMade { request } => self.renewal.key = NextKey::Made(request),
            CertificateNews::Certified { life, signing } => self.certified(life, *signing),
            CertificateNews::Failed { detail } => self.certificate_failed(&detail),
            CertificateNews::ToldExpired => {
                self.renewal.told_expired = self.renewal.life.is_some();
            }
        }
    }

    /// The office answered. Whether it is for the key that waits is seen where that key is.
    pub(super) fn certificate_came(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let certificate = self.open::<Certificate>(bytes, true)?.document;
        if certificate.speaker != self.identity.speaker {
            return Err(Refusal::WrongScope);
        }
        if matches!(self.renewal.key, NextKey::Made(_)) {
            // Whom this pole believes on the other end of its line was told where it was enrolled: a stolen office key, which
            // could say something else here, would outlast every rotation.
            self.out.push(Effect::Certificate(Step::Keep {
                certificate: certificate.certificate,
            }));
        }
        Ok(())
    }

    /// The next certificate is durable. What the pole says is signed by its key from now on; the line is made anew with it as
    /// soon as nothing sounds.
    fn certified(&mut self, life: Life, signing: SigningKey) {
        self.renewal.renewed(life, self.connected);
        self.signs_with(signing);
        self.out.push(Effect::Log(LogLine::Certificate {
            until: life.expires.to_string(),
        }));
        self.report.changed();
    }

    fn certificate_failed(&mut self, detail: &str) {
        if self.renewal.key == NextKey::BeingMade {
            self.renewal.key = NextKey::None;
            let chance = &mut self.chance;
            self.renewal
                .asked(Way::Line, self.now.mono_us, |us| chance.around(us));
        }
        self.fault("certificate", detail);
    }
}

#[cfg(test)]
mod tests {
    use loa_protocol::time::Trust;

    use super::*;

    const DAY_S: i64 = 86_400;
    const MADE: WallTime = WallTime::from_millis(1_795_392_000_000);

    fn of_ninety_days(share: u64) -> Renewal {
        Renewal {
            life: Some(Life {
                made: MADE,
                expires: MADE.plus_s(90 * DAY_S),
            }),
            share,
            ..Renewal::default()
        }
    }
    fn at(days: i64, trust: Trust) -> Moment {
        Moment {
            mono_us: 1_000_000,
            wall: MADE.plus_s(days * DAY_S),
            trust,
        }
    }

    #[test]
    fn what_is_asked_at_which_age() {
        use Way::{Https, Line};
        for (days, trust, connected, wants) in [
            (0, Trust::Synced, true, None),
            (59, Trust::Synced, true, None),
            (60, Trust::Synced, true, Some(Line)),
            (60, Trust::Synced, false, None),
            (89, Trust::Synced, true, Some(Line)),
            (91, Trust::Synced, false, Some(Https)),
            // Known to be at least this late, by a clock that may be behind.
            (61, Trust::Untrusted, true, Some(Line)),
            // A clock that was never set does not say that it is over.
            (91, Trust::Untrusted, false, None),
            (-20_000, Trust::Untrusted, true, None),
        ] {
            let found = of_ninety_days(0).wants(at(days, trust), connected);
            assert_eq!(
                found, wants,
                "{days} days, {trust:?}, connected: {connected}"
            );
        }
        let mut told = of_ninety_days(0);
        told.told_expired = true;
        assert_eq!(
            told.wants(at(-20_000, Trust::Untrusted), false),
            Some(Https)
        );
        assert_eq!(Renewal::default().wants(at(99, Trust::Synced), true), None);
    }

    #[test]
    fn ten_thousand_poles_enrolled_in_one_minute_do_not_renew_in_one() {
        let minutes = |share: u64| {
            let due = of_ninety_days(0).life.expect("one").renewed_from(share);
            due.since_us(MADE.plus_s(60 * DAY_S)) / 60_000_000
        };
        assert_eq!(minutes(0), 0);
        assert!(minutes(u64::MAX) < 3 * 24 * 60);
        let mut most = std::collections::BTreeMap::new();
        let mut chance = super::super::chance::Chance::new(7);
        for _ in 0..10_000 {
            *most.entry(minutes(chance.draw())).or_insert(0) += 1;
        }
        assert!(most.values().all(|poles| *poles <= 20), "{most:?}");
    }

    #[test]
    fn tries_without_an_answer_become_rare_and_a_new_line_is_a_new_chance() {
        let mut renewal = of_ninety_days(0);
        let mut now_us = 0;
        let mut waits = Vec::new();
        for _ in 0..12 {
            renewal.asked(Way::Line, now_us, |us| us);
            waits.push((renewal.try_at_us - now_us) / 1_000_000);
            now_us = renewal.try_at_us;
        }
        let wanted = [
            30, 60, 120, 240, 480, 960, 1_920, 3_840, 7_680, 15_360, 21_600, 21_600,
        ];
        assert_eq!(waits, wanted);
        renewal.asked(Way::Line, now_us, |us| us);
        let moment = |mono_us| Moment {
            mono_us,
            ..at(61, Trust::Synced)
        };
        assert_eq!(renewal.wants(moment(now_us + 60_000_000), true), None);
        renewal.line_is_up(now_us, |us| us);
        assert_eq!(
            renewal.wants(moment(now_us + 60_000_000), true),
            Some(Way::Line)
        );
        // One that never asked anything has no reason to hurry, and none to wait.
        let mut fresh = of_ninety_days(0);
        fresh.line_is_up(now_us, |us| us);
        assert_eq!(fresh.try_at_us, 0);
    }

    #[test]
    fn a_renewed_certificate_begins_a_life_of_its_own_and_the_line_is_made_anew_where_there_is_one()
    {
        let mut renewal = of_ninety_days(5);
        renewal.told_expired = true;
        renewal.asked(Way::Https, 0, |us| us);
        let life = Life {
            made: MADE.plus_s(60 * DAY_S),
            expires: MADE.plus_s(150 * DAY_S),
        };
        renewal.renewed(life, true);
        assert!(renewal.line_is_old && renewal.share == 5);
        assert_eq!(renewal.wants(at(119, Trust::Synced), true), None);
        renewal.renewed(life, false);
        assert!(!renewal.line_is_old);
    }
}
