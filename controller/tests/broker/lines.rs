//! Lines that are cut, hang or come back, and what is kept for whoever comes later.

use super::*;

#[tokio::test]
async fn a_speaker_that_comes_later_gets_the_retained_programme_of_its_channels() {
    let broker = broker().await;
    let office = connect(office(broker.address())).await.unwrap();
    office
        .say("loa/v1/channel/area.sang-moc/programme", "old", true)
        .await;
    office
        .say("loa/v1/channel/area.sang-moc/programme", "new", true)
        .await;
    office
        .say("loa/v1/channel/area.vo-nhai/programme", "district", true)
        .await;
    office
        .say("loa/v1/channel/area.sang-moc/now", "past", false)
        .await;
    office.say("loa/v1/head", "gone", true).await;
    office.say("loa/v1/head", "", true).await;

    let mut pole = connect(pole(broker.address(), "ban-chuong")).await.unwrap();
    pole.subscribe("loa/v1/head").await;
    pole.subscribe("loa/v1/channel/area.sang-moc/#").await;
    pole.expect("loa/v1/channel/area.sang-moc/programme", b"new")
        .await;
    pole.subscribe("loa/v1/channel/area.vo-nhai/programme")
        .await;
    pole.expect("loa/v1/channel/area.vo-nhai/programme", b"district")
        .await;
    pole.expect_nothing().await;
}

#[tokio::test]
async fn a_cut_line_leaves_the_last_will_retained_and_a_proper_goodbye_does_not() {
    let broker = broker().await;
    let mut office = connect(office(broker.address())).await.unwrap();
    office.subscribe("loa/v1/speaker/+/status").await;
    let with_will = |id: &str| {
        let mut options = pole(broker.address(), id);
        let topic = format!("loa/v1/speaker/{id}/status");
        options.set_last_will(LastWill::new(
            topic,
            "offline",
            QoS::AtLeastOnce,
            true,
            None,
        ));
        options
    };
    let polite = connect(with_will("tien-son")).await.unwrap();
    polite.client.disconnect().await.unwrap();
    until(&broker, |now| now.connections == 1).await;
    let cut = connect(with_will("ban-chuong")).await.unwrap();
    drop(cut);
    office
        .expect("loa/v1/speaker/ban-chuong/status", b"offline")
        .await;
    office.expect_nothing().await;
    office.subscribe("loa/v1/speaker/ban-chuong/status").await;
    office
        .expect("loa/v1/speaker/ban-chuong/status", b"offline")
        .await;
}

#[tokio::test]
async fn the_will_of_a_stuck_line_does_not_contradict_the_speaker_that_came_back() {
    let broker = broker().await;
    let at = broker.address();
    let mut office = connect(office(at)).await.unwrap();
    let status = "loa/v1/speaker/ban-chuong/status";
    office.subscribe(status).await;
    let hello = connect_packet("ban-chuong", 60, Some((status, "offline")));
    let mut stuck = connect_by_hand(at, &hello).await;
    let filter = "loa/v1/content/#";
    let mut subscribe = vec![0x82, 6 + filter.len() as u8, 0, 1, 0, 0, filter.len() as u8];
    subscribe.extend(filter.as_bytes());
    subscribe.push(0);
    stuck.write_all(&subscribe).await.unwrap();
    stuck.read_exact(&mut [0; 6]).await.unwrap();
    // More than the sockets between them hold, and it reads none of it.
    for block in 0..24 {
        let topic = format!("loa/v1/content/00ff/{block}");
        office.say(&topic, vec![0; MIB], false).await;
    }
    let mut again = pole(at, "ban-chuong");
    // The broker waits 5 s for the old connection to make way.
    again.set_connect_timeout(PATIENCE);
    let back = connect(again).await.unwrap();
    back.say(status, "online", true).await;
    office.expect(status, b"online").await;
    drop(stuck);
    until(&broker, |now| now.connections == 2).await;
    office.expect_nothing().await;
}

#[tokio::test]
async fn a_will_may_not_say_what_its_speaker_may_not_say() {
    let broker = broker().await;
    for topic in ["loa/v1/head", "loa/v1/speaker/tien-son/status"] {
        let mut options = pole(broker.address(), "ban-chuong");
        options.set_last_will(LastWill::new(topic, "evil", QoS::AtLeastOnce, true, None));
        let refused = connect(options).await.err();
        assert!(
            matches!(
                refused,
                Some(ConnectionError::ConnectionRefused(
                    ConnectReturnCode::NotAuthorized
                ))
            ),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn the_controller_reads_the_retained_status_of_a_whole_province_at_once() {
    let broker = broker().await;
    let at = broker.address();
    let first = connect(office(at)).await.unwrap();
    let poles = 10 * SPEAKER_QUEUE;
    for number in 0..poles {
        let topic = format!("loa/v1/speaker/pole-{number}/status");
        // At QoS 1 delivery waits for acknowledgements, so that the queue does fill.
        let options = PublishOptions::new(QoS::AtLeastOnce).retained();
        first.client.publish(topic, "here", options).await.unwrap();
    }
    first.say("loa/v1/head", "all sent", false).await;
    drop(first);
    let mut office = connect(office(at)).await.unwrap();
    office.subscribe("loa/v1/speaker/+/status").await;
    let mut heard = HashSet::new();
    while heard.len() < poles {
        heard.insert(office.next().await.0);
    }
    assert_eq!(broker.counters().overflowed, 0);
}

#[tokio::test]
async fn a_speaker_that_falls_silent_is_given_up_after_its_keep_alive() {
    let broker = broker().await;
    let mut office = connect(office(broker.address())).await.unwrap();
    office.subscribe("loa/v1/speaker/+/status").await;
    let status = "loa/v1/speaker/ban-chuong/status";
    let hello = connect_packet("ban-chuong", 1, Some((status, "offline")));
    let mut silent = connect_by_hand(broker.address(), &hello).await;
    office.expect(status, b"offline").await;
    let mut rest = vec![];
    timeout(PATIENCE, silent.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn nobody_gets_a_keep_alive_that_would_hide_a_dead_pole() {
    let broker = broker().await;
    let mut socket = TcpStream::connect(broker.address()).await.unwrap();
    let hello = connect_packet("ban-chuong", 3_600, None);
    socket.write_all(&hello).await.unwrap();
    let mut answer = vec![0; 64];
    let length = socket.read(&mut answer).await.unwrap();
    // Property 0x13 is the server's keep-alive.
    let granted = [&[0x13][..], &MAX_KEEP_ALIVE_S.to_be_bytes()].concat();
    assert!(
        answer[..length].windows(3).any(|bytes| bytes == granted),
        "{:?}",
        &answer[..length]
    );
    // And 0 would be "never".
    let mut socket = TcpStream::connect(broker.address()).await.unwrap();
    let hello = connect_packet("tien-son", 0, None);
    socket.write_all(&hello).await.unwrap();
    let length = socket.read(&mut answer).await.unwrap();
    assert!(length < 4 || answer[3] >= 0x80, "{:?}", &answer[..length]);
}
