//! The agent goes out and lets nobody in.

use std::time::Duration;

use loa_tests::process::{Broker, Output, Village, clock::wait_for, sockets};
use serde_json::json;

#[test]
fn the_agent_listens_on_no_socket_whether_it_waits_or_plays() {
    let village = Village::start(2, Output::Both, Broker::Embedded);
    let check = |when: &str| {
        for pole in &village.poles {
            assert_eq!(
                sockets::open_to_others(pole.pid()),
                Vec::<String>::new(),
                "{when}"
            );
            assert!(
                sockets::count(pole.pid()) > 0,
                "its line to the broker is a socket"
            );
        }
    };
    check("waiting");
    let material = village.material(15.0, 1);
    village.say(&material, &json!({}));
    wait_for("both play", Duration::from_secs(20), || {
        village
            .poles
            .iter()
            .all(|pole| pole.status().is_some_and(|s| s.status.sounding.is_some()))
    });
    check("playing");
    // The same question about the office, so that an empty answer means something.
    assert!(sockets::open_to_others(village.office.pid()).len() >= 2);
}
