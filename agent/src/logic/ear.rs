//! What the speaker can tell of its own sound. Nothing listens here: that is what it says.

use loa_protocol::{
    event::What,
    telemetry::{Ear, Hearing, SelfTest},
};

use super::Agent;

impl Agent {
    pub(super) fn ear(&self) -> Ear {
        Ear::default()
    }

    /// The office's order of this number: test the own sound.
    pub(super) fn self_test_asked(&mut self, _number: u64) {
        let test = SelfTest {
            at: self.now.wall,
            hearing: Hearing::NoMicrophone,
            clarity_centi: None,
            delay_us: None,
            asked: true,
            trouble: None,
        };
        self.event(What::SelfTested { test });
    }
}
