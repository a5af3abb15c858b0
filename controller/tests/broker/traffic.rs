//! What travels: in order, whole, within its bounds.

use super::*;

#[tokio::test]
async fn both_qualities_of_service_travel_both_ways_in_order() {
    let broker = broker().await;
    let mut office = connect(office(broker.address())).await.unwrap();
    let mut pole = connect(pole(broker.address(), "ban-chuong")).await.unwrap();
    office.subscribe("loa/v1/speaker/+/events").await;
    pole.subscribe("loa/v1/channel/area.sang-moc/now").await;
    for number in 0..100_u8 {
        let qos = [QoS::AtMostOnce, QoS::AtLeastOnce][usize::from(number % 2)];
        let down = "loa/v1/channel/area.sang-moc/now";
        let up = "loa/v1/speaker/ban-chuong/events";
        let payload = vec![number];
        let options = PublishOptions::new(qos);
        office
            .client
            .publish(down, payload.clone(), options.clone())
            .await
            .unwrap();
        pole.client.publish(up, payload, options).await.unwrap();
    }
    for number in 0..100_u8 {
        pole.expect("loa/v1/channel/area.sang-moc/now", &[number])
            .await;
        office
            .expect("loa/v1/speaker/ban-chuong/events", &[number])
            .await;
    }
}

#[tokio::test]
async fn a_mebibyte_passes_and_more_ends_the_connection_of_its_sender_only() {
    let broker = broker().await;
    let office = connect(office(broker.address())).await.unwrap();
    let mut pole = connect(pole(broker.address(), "ban-chuong")).await.unwrap();
    let topic = "loa/v1/channel/area.sang-moc/programme";
    pole.subscribe(topic).await;
    let large = vec![7; MIB];
    assert_ne!(
        office.say(topic, large.clone(), true).await,
        PubAckReason::NotAuthorized
    );
    pole.expect(topic, &large).await;

    // Written by hand, because a good client obeys the limit that CONNACK tells.
    let mut rude = connect_by_hand(broker.address(), &connect_packet("tien-son", 30, None)).await;
    let length = MAX_PACKET + 1;
    let seven_bits = |shift: u32| u8::try_from((length >> shift) & 0x7f).unwrap();
    let header = [
        0x30,
        seven_bits(0) | 0x80,
        seven_bits(7) | 0x80,
        seven_bits(14) | 0x80,
        seven_bits(21),
    ];
    rude.write_all(&header).await.unwrap();
    let mut rest = vec![];
    // Closed or reset before a byte of it was sent.
    let _ = timeout(PATIENCE, rude.read_to_end(&mut rest))
        .await
        .unwrap();
    office.say(topic, "still here", false).await;
    pole.expect(topic, b"still here").await;
}

#[tokio::test]
async fn a_burst_of_blocks_reaches_every_speaker_whole() {
    let broker = broker().await;
    let at = broker.address();
    let office = connect(office(at)).await.unwrap();
    let mut poles = vec![];
    for id in ["ban-chuong", "khuoi-meo", "tien-son"] {
        let pole = connect(pole(at, id)).await.unwrap();
        pole.subscribe("loa/v1/content/00ff/+").await;
        poles.push(pole);
    }
    let burst = 3 * 75;
    for block in 0..burst {
        let topic = format!("loa/v1/content/00ff/{block}");
        office.shout(&topic, vec![block as u8; 16 << 10]).await;
    }
    for pole in &mut poles {
        for block in 0..burst {
            let topic = format!("loa/v1/content/00ff/{block}");
            pole.expect(&topic, &vec![block as u8; 16 << 10]).await;
        }
    }
    assert_eq!(broker.counters().overflowed, 0);
}

/// A pole (`ban-chuong`) that hears this, and commands to the commune, and has not acknowledged the first of these: nothing
/// more is sent to it until it does ([`opens`]).
async fn stuck(at: SocketAddr, office: &Peer, filter: &str) -> TcpStream {
    // One inflight QoS 1 message that is never acknowledged stops the queue without filling the socket.
    let mut hello = connect_packet("ban-chuong", 60, None);
    // Receive maximum 1: three bytes of properties after the keep-alive.
    hello.splice(12..13, [3, 0x21, 0, 1]);
    hello[1] += 3;
    let mut stuck = connect_by_hand(at, &hello).await;
    let filters = [filter, COMMANDS];
    let mut body = vec![0, 1, 0];
    for filter in filters {
        body.extend(u16::try_from(filter.len()).unwrap().to_be_bytes());
        body.extend(filter.as_bytes());
        body.push(1);
    }
    let mut subscribe = vec![0x82, u8::try_from(body.len()).unwrap()];
    subscribe.extend(body);
    stuck.write_all(&subscribe).await.unwrap();
    let mut suback = [0; 7];
    stuck.read_exact(&mut suback).await.unwrap();
    assert_eq!((suback[0], &suback[5..]), (0x90, &[1, 1][..]));
    office.say(COMMANDS, "unanswered", false).await;
    stuck
}

const COMMANDS: &str = "loa/v1/channel/area.sang-moc/now";

/// Everything that comes to it, up to the command to stop.
async fn opens(stuck: &mut TcpStream) -> Vec<u8> {
    // The acknowledgement of packet 1 opens the way.
    stuck.write_all(&[0x40, 2, 0, 1]).await.unwrap();
    let mut heard: Vec<u8> = vec![];
    let told = async {
        while !heard.windows(4).any(|bytes| bytes == b"stop") {
            let mut some = vec![0; 65_536];
            let length = stuck.read(&mut some).await.unwrap();
            assert_ne!(length, 0, "closed before the command came");
            heard.extend(&some[..length]);
        }
    };
    timeout(PATIENCE, told).await.unwrap();
    heard
}

#[tokio::test]
async fn words_that_waited_too_long_for_a_weak_speaker_are_not_said_to_it_any_more() {
    let broker = broker().await;
    let at = broker.address();
    let office = connect(office(at)).await.unwrap();
    let mut stuck = stuck(at, &office, "loa/v1/channel/area.sang-moc/live/+").await;
    let live = "loa/v1/channel/area.sang-moc/live/b0123456789abcdef";
    for (word, expiry_s) in [("stale", 1), ("fresh", 60)] {
        let properties = PublishProperties {
            message_expiry_interval: Some(expiry_s),
            ..PublishProperties::default()
        };
        let options = PublishOptions::new(QoS::AtMostOnce).properties(properties);
        office.client.publish(live, word, options).await.unwrap();
    }
    office.say(COMMANDS, "stop", false).await;
    // What was sent before it stuck, and then nothing, for longer than a word is worth anything.
    let silence = async {
        let mut some = vec![0; 1_000];
        while stuck.read(&mut some).await.unwrap() > 0 {}
    };
    assert!(
        timeout(Duration::from_millis(1_200), silence)
            .await
            .is_err()
    );
    let heard = opens(&mut stuck).await;
    let came = |word: &[u8]| heard.windows(word.len()).any(|bytes| bytes == word);
    assert!(came(b"fresh") && !came(b"stale"));
}

#[tokio::test]
async fn a_speaker_that_takes_nothing_loses_blocks_but_not_the_command_after_them() {
    let broker = broker().await;
    let at = broker.address();
    let office = connect(office(at)).await.unwrap();
    let mut pole = connect(pole(at, "khuoi-meo")).await.unwrap();
    pole.subscribe("loa/v1/content/00ff/+").await;
    let mut stuck = stuck(at, &office, "loa/v1/content/#").await;
    let blocks: Vec<String> = (0..SPEAKER_QUEUE + 50)
        .map(|block| format!("loa/v1/content/00ff/{block}"))
        .collect();
    // The pole that reads has a queue like the other's: never so much at once that it would lose any.
    for batch in blocks.chunks(100) {
        for topic in batch {
            office.shout(topic, vec![1; 1_000]).await;
        }
        for topic in batch {
            pole.expect(topic, &[1; 1_000]).await;
        }
    }
    until(&broker, |now| now.overflowed == 50).await;
    office
        .say("loa/v1/channel/area.sang-moc/now", "stop", false)
        .await;
    until(&broker, |now| now.overflowed == 51).await;
    opens(&mut stuck).await;
}

#[tokio::test]
async fn peers_that_say_nothing_hold_up_nobody() {
    let broker = broker().await;
    let mut silent = vec![];
    for _ in 0..200 {
        silent.push(TcpStream::connect(broker.address()).await.unwrap());
    }
    let mut slow = TcpStream::connect(broker.address()).await.unwrap();
    slow.write_all(&[0x10]).await.unwrap();
    let office = connect(office(broker.address())).await.unwrap();
    let mut pole = connect(pole(broker.address(), "ban-chuong")).await.unwrap();
    pole.subscribe("loa/v1/head").await;
    office.say("loa/v1/head", "1", false).await;
    pole.expect("loa/v1/head", b"1").await;
}
