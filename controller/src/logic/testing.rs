//! Documents as speakers send them, for tests.

use loa_protocol::{
    endorsement::Assertion,
    status::{ClockState, SpeakerStatus},
    time::{Trust, WallTime},
};

/// Online, with nothing to tell.
pub(crate) fn status(speaker: &str) -> SpeakerStatus {
    SpeakerStatus {
        speaker: speaker.parse().expect("a good name"),
        online: true,
        store: "s1".parse().expect("a name"),
        boot: 1,
        agent: "loa-agent 0.1".into(),
        at: None,
        clock: ClockState {
            trust: Trust::Synced,
            ..ClockState::default()
        },
        config: None,
        programmes: Default::default(),
        held: vec![],
        partial: vec![],
        sounding: None,
        next: None,
        muted: false,
        output: "wav".into(),
        last_event: 0,
        acked: 0,
        refused: Default::default(),
        disk_free_bytes: None,
        uptime_s: 1,
        telemetry: None,
        audit: None,
    }
}

/// An approver's phone.
pub(crate) struct Phone {
    key: ring::signature::EcdsaKeyPair,
    pub credential: Vec<u8>,
}

/// The host under which the app is opened in tests.
pub(crate) const HOST: &str = "loa.example.vn";

impl Phone {
    pub(crate) fn new(name: &str) -> Self {
        use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING as ES256, EcdsaKeyPair};
        let chance = ring::rand::SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ES256, &chance).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(&ES256, pkcs8.as_ref(), &chance).expect("a key");
        let credential = format!("passkey of {name:16}").into_bytes();
        Self { key, credential }
    }

    /// The uncompressed point.
    pub(crate) fn public(&self) -> Vec<u8> {
        use ring::signature::KeyPair;
        self.key.public_key().as_ref().to_vec()
    }

    pub(crate) fn approver(
        &self,
        name: &str,
        channels: &[&str],
        expires: WallTime,
    ) -> loa_protocol::root::Approver {
        loa_protocol::root::Approver {
            name: name.into(),
            credential: self.credential.clone(),
            key: self.public(),
            channels: channels
                .iter()
                .map(|channel| channel.parse().expect("a channel"))
                .collect(),
            expires,
        }
    }

    /// As a browser on that page would have it signed.
    pub(crate) fn sign_on(&self, host: &str, challenge: &[u8]) -> Assertion {
        use sha2::{Digest, Sha256};
        let client_data = serde_json::json!({
            "type": "webauthn.get",
            "challenge": crate::binary::text(challenge),
            "origin": format!("https://{host}"),
            "crossOrigin": false,
        });
        let client_data = client_data.to_string().into_bytes();
        let mut authenticator_data = Sha256::digest(host.as_bytes()).to_vec();
        // Somebody was there, and it was the owner; then a counter.
        authenticator_data.extend([0x05, 0, 0, 0, 1]);
        let mut signed = authenticator_data.clone();
        signed.extend(Sha256::digest(&client_data));
        let chance = ring::rand::SystemRandom::new();
        let signature = self.key.sign(&chance, &signed).expect("a signature");
        Assertion {
            credential: self.credential.clone(),
            authenticator_data,
            client_data,
            signature: signature.as_ref().to_vec(),
        }
    }

    pub(crate) fn sign(&self, challenge: &[u8]) -> Assertion {
        self.sign_on(HOST, challenge)
    }
}
