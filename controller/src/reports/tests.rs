//! A report against a naive recount: straight loops over all playouts, outages and runs of a random village whose speakers
//! tell late, twice and in any order, move, keep other zones, and are removed, under an office that comes and goes.

mod naive;

use jiff::{ToSpan, civil::Date};
use loa_protocol::{
    bulletin::{Priority, Status, When},
    event::{Event, What},
    id::{SpeakerId, StoreId},
    playout::{Failure, Interruption, Miss, Outcome, Playout, PlayoutId, Skip},
    telemetry::{Hearing, Listened},
    time::{Trust, WallTime},
};

use super::{Span, gather};
use crate::{
    logic::Presence,
    store::{
        NewBulletin, NewSpeaker, SpeakerChange,
        testing::{NOON, TestStore, area, bulletin, some_audio, speaker, village},
    },
};

const ZONE: &str = "Asia/Ho_Chi_Minh";

/// Steele, Lea, Flood: SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

struct World {
    village: TestStore,
    chance: Chance,
    now: WallTime,
    run: WallTime,
    speakers: Vec<SpeakerId>,
    numbers: u64,
    late: Vec<(SpeakerId, StoreId, Event)>,
}

impl World {
    async fn new(seed: u64) -> Self {
        let village = village().await;
        for n in 0..3 {
            let new = NewSpeaker::named(format!("Thêm {n}"), area("sang-moc"));
            village
                .add_speaker(new, &crate::chance::token(), None)
                .await
                .expect("a speaker");
        }
        let rule = When::Rule {
            start: "2026-11-24T05:30".into(),
            rrule: "FREQ=DAILY;BYHOUR=5,17".into(),
            except: Vec::new(),
        };
        let (audio, manifest) = some_audio(&village).await;
        let new = NewBulletin {
            bulletin: bulletin(manifest, rule, NOON),
            audio: Some(audio),
            relay: None,
            targets: vec!["area.sang-moc".parse().expect("a channel")],
            skip_holidays: false,
            supersedes: None,
            made_by: None,
            ask: None,
        };
        village.add_bulletin(new, None).await.expect("a bulletin");
        village.sweep_unreported().await.expect("a first pass");
        let run = village.begin_run().await.expect("a run");
        Self {
            speakers: village.speakers().await.expect("speakers"),
            village,
            chance: Chance(seed),
            now: NOON,
            run,
            numbers: 0,
            late: Vec::new(),
        }
    }

    fn pass(&mut self, s: i64) {
        self.village.clock.pass_s(s);
        self.now = self.now.plus_s(s);
    }

    async fn keep(&self) {
        self.village.keep_run(self.run).await.expect("kept");
    }

    async fn step(&mut self) {
        let s = 60 + self.chance.below(4 * 3_600) as i64;
        self.pass(s);
        self.keep().await;
        match self.chance.below(20) {
            0..=8 => self.tell().await,
            9..=12 => self.come_or_go().await,
            13 => {
                let area = *self.chance.pick(&["ban-chuong", "khuoi-meo", "sang-moc"]);
                let change = SpeakerChange {
                    area: Some(crate::store::testing::area(area)),
                    ..SpeakerChange::default()
                };
                self.change(change).await;
            }
            14 if self.chance.below(3) == 0 => {
                let zone = *self.chance.pick(&["Asia/Tokyo", ZONE, "America/New_York"]);
                let change = SpeakerChange {
                    zone: Some(zone.into()),
                    ..SpeakerChange::default()
                };
                self.change(change).await;
            }
            15 => {
                // The office is away.
                let away = 600 + self.chance.below(6 * 3_600) as i64;
                self.pass(away);
                self.run = self.village.begin_run().await.expect("a run");
            }
            16 | 17 => {
                let swept = self.village.sweep_unreported().await.expect("a pass");
                assert!(!swept.more || !swept.found.is_empty() || self.now > NOON);
            }
            18 if self.chance.below(8) == 0 => {
                let gone = self.chance.pick(&self.speakers).clone();
                // Twice is refused, and that is well.
                let _ = self.village.remove_speaker(&gone).await;
            }
            _ => self.deliver().await,
        }
    }

    async fn change(&mut self, change: SpeakerChange) {
        let one = self.chance.pick(&self.speakers).clone();
        // A removed one cannot be changed.
        let _ = self.village.change_speaker(&one, change).await;
    }

    async fn come_or_go(&mut self) {
        let one = self.chance.pick(&self.speakers).clone();
        let presence = *self.chance.pick(&[
            Presence::Online,
            Presence::Online,
            Presence::Silent,
            Presence::Offline,
        ]);
        self.village
            .record_presence(&one, presence, self.now)
            .await
            .expect("recorded");
    }

    /// A speaker accounts for something of the last days; some of it is late.
    async fn tell(&mut self) {
        let one = self.chance.pick(&self.speakers).clone();
        let store: StoreId = self
            .chance
            .pick(&["s1", "s1", "s2"])
            .parse()
            .expect("a name");
        let playout = self.playout();
        let hearing = *self.chance.pick(&[
            Hearing::Heard,
            Hearing::NotHeard,
            Hearing::Unclear,
            Hearing::NoMicrophone,
        ]);
        let listened = Listened {
            playout: playout.id.clone(),
            at: self.now,
            hearing,
            clarity_centi: Some(200),
            delay_us: None,
        };
        let begun = Playout {
            outcome: None,
            ended: None,
            sounded_ms: 0,
            ..playout.clone()
        };
        let mut whats = vec![What::Ended { playout }];
        if begun.started.is_some() {
            whats.insert(0, What::Started { playout: begun });
            if self.chance.below(2) == 0 {
                whats.push(What::Heard { listened });
            }
        }
        for what in whats {
            self.numbers += 1;
            let event = Event {
                number: self.numbers,
                at: self.now,
                trust: Trust::Synced,
                what,
            };
            let at = self.chance.below(self.late.len() + 1);
            self.late.insert(at, (one.clone(), store.clone(), event));
            if self.chance.below(3) > 0 {
                self.deliver().await;
            }
        }
    }

    fn playout(&mut self) -> Playout {
        let back = self.chance.below(4 * 86_400) as i64;
        let planned = self.now.plus_s(-back);
        let outcomes = [
            Outcome::Completed,
            Outcome::Completed,
            Outcome::Completed,
            Outcome::Interrupted(Interruption::PowerCut),
            Outcome::PreEmpted,
            Outcome::Skipped(Skip::Muted),
            Outcome::Missed(Miss::Off),
            Outcome::Failed(Failure::Output),
        ];
        let outcome = *self.chance.pick(&outcomes);
        let sounded = !matches!(outcome, Outcome::Missed(_) | Outcome::Skipped(_));
        let errors = [3_000, -200, 900_000, 6_000_000, 20_000_000];
        let error_us = *self.chance.pick(&errors);
        let day = jiff::tz::TimeZone::UTC
            .to_datetime(planned.timestamp())
            .date();
        let occurrence = format!("b{}/{day}/{}/0", self.chance.below(3), self.chance.below(4));
        Playout {
            streamed: None,
            id: PlayoutId {
                occurrence: occurrence.parse().expect("an occurrence"),
                attempt: u16::from(self.chance.below(6) == 0),
            },
            revision: 1,
            title: "Thông báo".into(),
            priority: *self.chance.pick(&[Priority::Ordinary, Priority::Emergency]),
            status: *self.chance.pick(&[Status::Actual, Status::Test]),
            planned,
            started: sounded.then(|| planned.plus_us(error_us)),
            ended: Some(planned.plus_s(60)),
            error_us: sounded.then_some(error_us),
            sounded_ms: if sounded { 40_000 } else { 0 },
            cuts: 0,
            trust: Trust::Synced,
            outcome: Some(outcome),
        }
    }

    async fn deliver(&mut self) {
        if self.late.is_empty() {
            return;
        }
        let (who, store, event) = self.late.swap_remove(self.chance.below(self.late.len()));
        for _ in 0..=self.chance.below(2) {
            let event = std::slice::from_ref(&event);
            self.village
                .record_events(&who, &store, event, self.now)
                .await
                .expect("recorded");
        }
    }

    async fn check(&mut self, seed: u64) {
        let first: Date = "2026-11-24".parse().expect("a date");
        let random = first.saturating_add((self.chance.below(20) as i64).days());
        let spans = [
            (
                "2026-11-01".parse().expect("a date"),
                "2026-11-30".parse().expect("a date"),
            ),
            (
                "2026-11-28".parse().expect("a date"),
                "2027-01-02".parse().expect("a date"),
            ),
            (
                random,
                random.saturating_add((self.chance.below(9) as i64).days()),
            ),
        ];
        for (first, last) in spans {
            let span = Span { first, last };
            for below in [None, Some("sang-moc"), Some("ban-chuong")] {
                let below = below.map(area);
                let found = gather(&self.village, below.as_ref(), span, true, ZONE, self.now)
                    .await
                    .expect("a report");
                let wanted = naive::recount(&self.village, below.as_ref(), span, self.now).await;
                let of = format!("seed {seed}, {first} to {last}, {below:?}");
                for (one, wanted) in found.speakers.iter().zip(&wanted.speakers) {
                    assert_eq!((&one.id, &one.figures), (&wanted.0, &wanted.1), "{of}");
                }
                assert_eq!(found.speakers.len(), wanted.speakers.len(), "{of}");
                assert_eq!(found.total, wanted.total, "{of}");
                assert_eq!(found.reasons, wanted.reasons, "{of}");
                assert_eq!(found.days, wanted.days, "{of}");
                let mut areas = super::Figures::default();
                found.areas.iter().for_each(|a| areas += &a.figures);
                assert_eq!(areas, found.total, "{of}");
            }
        }
    }
}

#[tokio::test]
async fn a_report_is_what_counting_everything_by_hand_gives() {
    for seed in 0..6 {
        println!("seed {seed}");
        let mut world = World::new(seed).await;
        for _ in 0..150 {
            world.step().await;
        }
        world.check(seed).await;
        while !world.late.is_empty() {
            world.deliver().await;
        }
        world.check(seed).await;
    }
}

#[tokio::test]
async fn silence_is_written_down_and_gives_way_to_the_pole_s_own_account() {
    let mut world = World::new(1).await;
    world.pass(6 * 3_600);
    let swept = world.village.sweep_unreported().await.expect("a pass");
    // 17:30 of the fourth speaker in the commune and of all below it.
    assert_eq!(swept.found.len(), 6);
    let again = world.village.sweep_unreported().await.expect("a pass");
    assert_eq!(again.found.len(), 0);
    let span = Span {
        first: "2026-11-24".parse().expect("a date"),
        last: "2026-11-24".parse().expect("a date"),
    };
    let total = async |world: &World| {
        let all = gather(&world.village, None, span, false, ZONE, world.now).await;
        all.expect("a report").total.counts
    };
    assert_eq!(total(&world).await.unreported, 6);
    assert_eq!(total(&world).await.due_ms, 6 * 11_600);
    let mut playout = world.playout();
    playout.id = PlayoutId {
        occurrence: swept.found[0].occurrence.clone(),
        attempt: 0,
    };
    playout.planned = NOON.plus_s(5 * 3_600 + 1_800);
    playout.started = None;
    playout.error_us = None;
    playout.sounded_ms = 0;
    playout.outcome = Some(Outcome::Missed(Miss::NoContent));
    let event = Event {
        number: 1,
        at: world.now,
        trust: Trust::Synced,
        what: What::Ended { playout },
    };
    let store: StoreId = "s1".parse().expect("a name");
    world
        .village
        .record_events(&swept.found[0].speaker, &store, &[event], world.now)
        .await
        .expect("recorded");
    let counts = total(&world).await;
    assert_eq!((counts.due, counts.unreported, counts.missed), (6, 5, 1));
}

#[tokio::test]
async fn what_the_office_slept_through_is_noted_afterwards_and_only_for_who_followed_then() {
    let mut world = World::new(2).await;
    world.pass(3 * 86_400);
    world
        .village
        .remove_speaker(&speaker("ban-chuong-1"))
        .await
        .expect("removed");
    let new = NewSpeaker::named("Mới", area("ban-chuong"));
    let new = world
        .village
        .add_speaker(new, &crate::chance::token(), None)
        .await
        .expect("a speaker");
    let mut found = Vec::new();
    loop {
        let swept = world.village.sweep_unreported().await.expect("a pass");
        found.extend(swept.found);
        if !swept.more {
            break;
        }
    }
    // 17:30, then two a day: 24th 17:30, 25th, 26th, 27th 05:30. The 27th's 12:00 is now.
    assert_eq!(found.len(), 6 * 6);
    assert!(found.iter().all(|one| one.speaker != new.id));
    let of_removed = found
        .iter()
        .filter(|one| one.speaker == speaker("ban-chuong-1"));
    assert_eq!(of_removed.count(), 6);
}
