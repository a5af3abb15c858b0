//! A broker begins, ends and begins again, beside another one.

use super::*;

#[tokio::test]
async fn a_stopped_broker_frees_its_port_and_comes_back_empty() {
    let first = broker().await;
    let at = first.address();
    let mut cut = connect(office(at)).await.unwrap();
    cut.say("loa/v1/head", "before", true).await;
    first.stop().await;
    cut.lost().await;
    for _ in 0..3 {
        let again = Broker::start(config(at)).await.unwrap();
        assert_eq!(again.address(), at);
        let mut pole = connect(pole(at, "ban-chuong")).await.unwrap();
        pole.subscribe("loa/v1/head").await;
        pole.expect_nothing().await;
        let office = connect(office(at)).await.unwrap();
        office.say("loa/v1/head", "after", true).await;
        pole.expect("loa/v1/head", b"after").await;
        again.stop().await;
        pole.lost().await;
    }
}

#[tokio::test]
async fn a_stopped_broker_leaves_nothing_in_memory() {
    let mut config = config((Ipv4Addr::LOCALHOST, 0).into());
    let rules: Arc<dyn Admission> =
        Arc::new(LoaAdmission::new(OFFICE_PASSWORD.as_bytes(), tokens()));
    config.allow = rules.clone();
    let broker = Broker::start(config).await.unwrap();
    let office = connect(office(broker.address())).await.unwrap();
    let pole = connect(pole(broker.address(), "ban-chuong")).await.unwrap();
    pole.subscribe("loa/v1/channel/#").await;
    office
        .say("loa/v1/channel/area.sang-moc/programme", vec![1; MIB], true)
        .await;
    broker.stop().await;
    assert_eq!(Arc::strong_count(&rules), 1);
}

#[tokio::test]
async fn a_dropped_broker_stops_too() {
    let broker = broker().await;
    let mut pole = connect(pole(broker.address(), "ban-chuong")).await.unwrap();
    drop(broker);
    pole.lost().await;
}

#[tokio::test]
async fn two_brokers_in_one_process_know_nothing_of_each_other() {
    let (one, other) = (broker().await, broker().await);
    assert_ne!(one.address(), other.address());
    let mut here = connect(office(one.address())).await.unwrap();
    let mut there = connect(office(other.address())).await.unwrap();
    here.subscribe("loa/v1/#").await;
    there.subscribe("loa/v1/#").await;
    here.say("loa/v1/head", "here", true).await;
    here.expect("loa/v1/head", b"here").await;
    there.expect_nothing().await;
    one.stop().await;
    there.say("loa/v1/head", "there", true).await;
    there.expect("loa/v1/head", b"there").await;
}

#[tokio::test]
async fn a_port_in_use_and_limits_that_would_be_none_are_refused_with_words() {
    let broker = broker().await;
    let taken = Broker::start(config(broker.address())).await.unwrap_err();
    assert!(
        taken.to_string().contains("cannot listen on 127.0.0.1"),
        "{taken}"
    );
    let mut unbounded = config((Ipv4Addr::LOCALHOST, 0).into());
    unbounded.max_packet_bytes = 0;
    assert!(matches!(
        Broker::start(unbounded).await,
        Err(BrokerError::NoLimit("max_packet_bytes"))
    ));
}

#[tokio::test]
async fn one_client_too_many_is_refused_and_a_known_one_may_replace_itself() {
    let mut config = config((Ipv4Addr::LOCALHOST, 0).into());
    config.max_connections = 2;
    let broker = Broker::start(config).await.unwrap();
    let at = broker.address();
    let _office = connect(office(at)).await.unwrap();
    let mut first = connect(pole(at, "ban-chuong")).await.unwrap();
    assert!(connect(pole(at, "tien-son")).await.is_err());
    let _second = connect(pole(at, "ban-chuong")).await.unwrap();
    first.lost().await;
}
