//! Who comes in, and what each may say and hear.

use super::*;

#[tokio::test]
async fn only_a_known_speaker_under_its_own_name_and_token_may_connect() {
    let broker = broker().await;
    let at = broker.address();
    assert!(connect(pole(at, "ban-chuong")).await.is_ok());
    assert!(connect(office(at)).await.is_ok());
    let strangers = [
        options(at, "ban-chuong", "ban-chuong", "guess"),
        options(at, "ban-chuong", "ban-chuong", ""),
        options(at, "ban-chuong", "ban-chuong", &token("tien-son")),
        options(at, "tien-son", "ban-chuong", &token("ban-chuong")),
        options(at, "no-such-pole", "no-such-pole", &token("no-such-pole")),
        options(at, CONTROLLER_USERNAME, CONTROLLER_USERNAME, "guess"),
        options(at, "ban-chuong", CONTROLLER_USERNAME, OFFICE_PASSWORD),
        MqttOptions::new("ban-chuong", (at.ip().to_string(), at.port())),
    ];
    let count = strangers.len() as u64;
    for stranger in strangers {
        let told = format!("{:?} {:?}", stranger.client_id(), stranger.auth());
        match connect(stranger).await {
            Err(ConnectionError::ConnectionRefused(
                ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
            )) => {}
            Ok(_) => panic!("let in: {told}"),
            Err(other) => panic!("{told}: {other:?}"),
        }
    }
    assert_eq!(broker.counters().refused_connects, count);
}

#[tokio::test]
async fn a_speaker_speaks_only_for_itself() {
    let broker = broker().await;
    let mut office = connect(office(broker.address())).await.unwrap();
    assert_eq!(office.subscribe("loa/v1/#").await, GRANTED);
    let pole = connect(pole(broker.address(), "ban-chuong")).await.unwrap();
    for leaf in ["status", "events", "want", "clock"] {
        let topic = format!("loa/v1/speaker/ban-chuong/{leaf}");
        assert_ne!(
            pole.say(&topic, leaf, false).await,
            PubAckReason::NotAuthorized
        );
        office.expect(&topic, leaf.as_bytes()).await;
    }
    let forbidden = [
        "loa/v1/speaker/tien-son/status",
        "loa/v1/speaker/ban-chuong/config",
        "loa/v1/speaker/ban-chuong/ack",
        "loa/v1/speaker/ban-chuong/clock/reply",
        "loa/v1/speaker/ban-chuong/status/more",
        "loa/v1/speaker/ban-chuong",
        "loa/v1/speaker/ban-chuong2/status",
        "loa/v1/head",
        "loa/v1/channel/area.sang-moc/now",
        "loa/v1/channel/speaker.ban-chuong/programme",
        "loa/v1/content/00/0",
        "loa/v2/speaker/ban-chuong/status",
        "elsewhere",
        "$SYS/brokers",
    ];
    for topic in forbidden {
        let answer = pole.say(topic, "no", true).await;
        assert_eq!(answer, PubAckReason::NotAuthorized, "{topic}");
        pole.shout(topic, "no").await;
    }
    // Still connected, and nothing of it has reached anyone, now or retained for later.
    pole.say("loa/v1/speaker/ban-chuong/want", "last", false)
        .await;
    office
        .expect("loa/v1/speaker/ban-chuong/want", b"last")
        .await;
    let mut later = connect(options(
        broker.address(),
        "loa.controller.2",
        CONTROLLER_USERNAME,
        OFFICE_PASSWORD,
    ))
    .await
    .unwrap();
    assert_eq!(later.subscribe("loa/v1/#").await, GRANTED);
    later.expect_nothing().await;
    assert_eq!(
        broker.counters().denied_publishes,
        2 * forbidden.len() as u64
    );
}

#[tokio::test]
async fn a_speaker_hears_every_channel_and_only_its_own_letters() {
    let broker = broker().await;
    let office = connect(office(broker.address())).await.unwrap();
    let mut pole = connect(pole(broker.address(), "ban-chuong")).await.unwrap();
    for filter in [
        "loa/v1/head",
        "loa/v1/speaker/ban-chuong/config",
        "loa/v1/speaker/ban-chuong/ack",
        "loa/v1/speaker/ban-chuong/clock/reply",
        "loa/v1/channel/area.sang-moc/programme",
        "loa/v1/channel/+/now",
        "loa/v1/channel/area.sang-moc/#",
        "loa/v1/content/00ff/+",
        "loa/v1/content/#",
    ] {
        assert_eq!(pole.subscribe(filter).await, GRANTED, "{filter}");
    }
    for filter in [
        "#",
        "+/+/#",
        "loa/#",
        "loa/v1/#",
        "loa/v1/+",
        "loa/+/channel/#",
        "loa/v1/speaker/#",
        "loa/v1/speaker/+/config",
        "loa/v1/speaker/ban-chuong/#",
        "loa/v1/speaker/ban-chuong/+",
        "loa/v1/speaker/ban-chuong/status",
        "loa/v1/speaker/tien-son/config",
        "loa/v1/+/ban-chuong/config",
        "$SYS/#",
    ] {
        assert_eq!(pole.subscribe(filter).await, DENIED, "{filter}");
    }
    let shared = pole.subscribe("$share/x/loa/v1/channel/area.sang-moc/now");
    assert_ne!(shared.await, GRANTED);

    office
        .say("loa/v1/speaker/tien-son/config", "for another", false)
        .await;
    office
        .say("loa/v1/speaker/ban-chuong/config", "for you", false)
        .await;
    pole.expect("loa/v1/speaker/ban-chuong/config", b"for you")
        .await;
    pole.expect_nothing().await;
}

#[tokio::test]
async fn the_controller_may_do_everything_of_the_wire_and_nothing_else() {
    let broker = broker().await;
    let office = connect(office(broker.address())).await.unwrap();
    assert_eq!(office.subscribe("loa/v1/speaker/+/status").await, GRANTED);
    assert_eq!(office.subscribe("loa/#").await, DENIED);
    assert_eq!(office.subscribe("#").await, DENIED);
    assert_ne!(
        office.say("loa/v1/head", "1", true).await,
        PubAckReason::NotAuthorized
    );
    assert_eq!(
        office.say("other/v1/head", "1", true).await,
        PubAckReason::NotAuthorized
    );
}

/// A broker whose table of tokens can be changed.
async fn broker_with(known: &SpeakerTokens) -> Broker {
    let mut config = config((Ipv4Addr::LOCALHOST, 0).into());
    config.allow = Arc::new(LoaAdmission::new(OFFICE_PASSWORD.as_bytes(), known.clone()));
    Broker::start(config).await.unwrap()
}

#[tokio::test]
async fn a_removed_speaker_is_disconnected_at_once_and_does_not_come_back() {
    let known = tokens();
    let broker = broker_with(&known).await;
    let at = broker.address();
    let mut office = connect(office(at)).await.unwrap();
    let neighbour = connect(pole(at, "ban-chuong")).await.unwrap();
    let mut stolen = connect(pole(at, "tien-son")).await.unwrap();
    assert_eq!(stolen.subscribe("loa/v1/head").await, GRANTED);
    let mut table = table();
    table.remove("tien-son");
    known.replace(table);
    let rules = LoaAdmission::new(OFFICE_PASSWORD.as_bytes(), known.clone());
    let thief = Principal::Speaker("tien-son".into());
    assert!(!rules.may_publish(&thief, "loa/v1/speaker/tien-son/status"));
    assert!(!rules.may_subscribe(&thief, "loa/v1/head"));
    stolen.lost().await;
    assert!(connect(pole(at, "tien-son")).await.is_err());
    // Nobody else noticed.
    office.subscribe("loa/v1/speaker/+/status").await;
    let status = "loa/v1/speaker/ban-chuong/status";
    neighbour.say(status, "here", false).await;
    office.expect(status, b"here").await;
}

#[tokio::test]
async fn a_new_token_ends_the_connection_that_used_the_old_one() {
    let known = tokens();
    let broker = broker_with(&known).await;
    let at = broker.address();
    let mut old = connect(pole(at, "tien-son")).await.unwrap();
    let new = "a new token";
    let mut table = table();
    table.insert("tien-son".into(), token_hash(new.as_bytes()));
    known.replace(table.clone());
    old.lost().await;
    assert!(connect(pole(at, "tien-son")).await.is_err());
    let again = options(at, "tien-son", "tien-son", new);
    let mut again = connect(again).await.unwrap();
    // A change that does not concern it leaves it alone: the news comes over the line it has.
    table.remove("khuoi-meo");
    let mut other = connect(pole(at, "khuoi-meo")).await.unwrap();
    known.replace(table);
    other.lost().await;
    assert_eq!(again.subscribe("loa/v1/head").await, GRANTED);
    let office = connect(office(at)).await.unwrap();
    office.say("loa/v1/head", "news", true).await;
    again.expect("loa/v1/head", b"news").await;
}
