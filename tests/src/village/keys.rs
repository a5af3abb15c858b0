//! The keys of a village's office: an offline root in a hamlet head's drawer, the online key that it names, and a passkey
//! where emergencies need one. Keys are changed in the middle of the week, and the one before is never believed again.

use ed25519_dalek::SigningKey;
use loa_protocol::{
    bulletin::{Priority, Status},
    endorsement::{Assertion, Endorsement, challenge},
    envelope::{countersign, seal},
    root::{Approver, EmergencyBy, EmergencyRule, OfficeKey, PublicKey, Root, Scope},
    time::WallTime,
    topic::Topic,
};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};

use super::{Village, chance::Chance, database::Kept, library::Parcel};

pub const RELYING_PARTY: &str = "loa.example.vn";
const CREDENTIAL: &[u8] = b"the passkey of the hamlet head";

#[derive(Debug)]
pub struct Keys {
    pub root_key: SigningKey,
    passkey: Option<Passkey>,
    /// Everything that was ever in force, the newest last.
    pub roots: Vec<Vec<u8>>,
    /// Online keys of before.
    pub retired: Vec<SigningKey>,
}

impl Keys {
    /// `with_passkey`: an emergency needs it.
    pub fn new(chance: &mut Chance, with_passkey: bool) -> Self {
        Self {
            root_key: any_key(chance),
            passkey: with_passkey.then(Passkey::make),
            roots: Vec::new(),
            retired: Vec::new(),
        }
    }
}

pub fn any_key(chance: &mut Chance) -> SigningKey {
    let mut seed = [0; 32];
    for part in seed.chunks_mut(8) {
        part.copy_from_slice(&chance.draw().to_le_bytes());
    }
    SigningKey::from_bytes(&seed)
}

impl Village {
    /// Signs the next root, which names this online key alone. Nobody hears of it yet.
    pub(super) fn make_root(&mut self) {
        let (wall, office) = (self.wall(), self.office.key.verifying_key());
        let Some(keys) = &mut self.keys else { return };
        let root = Root {
            version: keys.roots.len() as u32 + 1,
            made: wall,
            expires: wall.plus_s(5 * 365 * 86_400),
            roots: vec![PublicKey::new(keys.root_key.verifying_key())],
            needed: 1,
            office: vec![OfficeKey {
                key: PublicKey::new(office),
                scope: Scope::all(),
                expires: wall.plus_s(2 * 365 * 86_400),
            }],
            areas: Vec::new(),
            emergency: EmergencyRule {
                by: match keys.passkey {
                    Some(_) => EmergencyBy::Passkey,
                    None => EmergencyBy::Office,
                },
                needed: 1,
                relying_party: RELYING_PARTY.into(),
            },
            approvers: keys.passkey.iter().map(|p| p.approver(wall)).collect(),
        };
        let mut bytes = seal(&root, &keys.root_key);
        // As the real tool does it: both roots' keys sign, and here they are one.
        if let Ok(signed) = countersign::<Root>(&bytes, &keys.root_key) {
            bytes = signed;
        }
        keys.roots.push(bytes);
    }

    /// As the office does on every connection.
    pub(super) fn publish_roots(&mut self) {
        let roots = self.keys.as_ref().map(|keys| keys.roots.clone());
        for (place, bytes) in roots.unwrap_or_default().into_iter().enumerate() {
            let parcel = Parcel {
                bytes: bytes.into(),
                paper: None,
            };
            self.broker_takes(Topic::Root(place as u32 + 1), parcel);
        }
    }

    /// The online key was stolen, or is only old: the root names another, and the office starts again with it.
    pub(super) fn rotate(&mut self) {
        let Some(keys) = &mut self.keys else { return };
        let new = any_key(&mut self.malice_chance);
        keys.retired
            .push(std::mem::replace(&mut self.office.key, new));
        self.diary
            .write(self.now, format_args!("the office has a new key"));
        self.make_root();
        self.kill_office();
        self.start_office();
        self.figures.rotations += 1;
    }

    /// Where emergencies need it, the approver's passkey signs this very form.
    pub(super) fn endorse(&mut self, mut kept: Kept) -> Kept {
        let wall = self.wall();
        let Some(passkey) = self.keys.as_ref().and_then(|keys| keys.passkey.as_ref()) else {
            return kept;
        };
        let bulletin = &mut kept.bulletin;
        if bulletin.priority != Priority::Emergency || bulletin.status != Status::Actual {
            return kept;
        }
        let until = *bulletin.valid_until.get_or_insert(wall.plus_s(9 * 86_400));
        let signs = challenge(bulletin, &kept.targets, until);
        bulletin.endorsement = Some(Box::new(Endorsement {
            targets: kept.targets.clone(),
            until,
            assertions: vec![passkey.signs(&signs.0)],
        }));
        kept
    }
}

/// A phone's passkey, as far as WebAuthn shows of it.
#[derive(Debug)]
pub struct Passkey {
    key: EcdsaKeyPair,
}

impl Passkey {
    pub fn make() -> Self {
        let (chance, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_ASN1_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &chance).expect("the system has chance");
        let key = EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref(), &chance).expect("just made");
        Self { key }
    }

    pub fn approver(&self, wall: WallTime) -> Approver {
        Approver {
            name: "trưởng xóm".into(),
            credential: CREDENTIAL.to_vec(),
            key: self.key.public_key().as_ref().to_vec(),
            channels: Vec::new(),
            expires: wall.plus_s(365 * 86_400),
        }
    }

    pub fn signs(&self, challenge: &[u8]) -> Assertion {
        let challenge = base64url(challenge);
        let client_data = format!(
            r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"https://{RELYING_PARTY}","crossOrigin":false}}"#
        )
        .into_bytes();
        let mut authenticator_data = digest(&SHA256, RELYING_PARTY.as_bytes()).as_ref().to_vec();
        authenticator_data.extend([0x05, 0, 0, 0, 1]);
        let mut signed = authenticator_data.clone();
        signed.extend_from_slice(digest(&SHA256, &client_data).as_ref());
        // ring's signatures are of chance; of one length, so that a seed lives the same week again.
        let signature = loop {
            let signature = self.key.sign(&SystemRandom::new(), &signed);
            let signature = signature.expect("the system has chance");
            if signature.as_ref().len() == 71 {
                break signature.as_ref().to_vec();
            }
        };
        Assertion {
            credential: CREDENTIAL.to_vec(),
            authenticator_data,
            client_data,
            signature,
        }
    }
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = (0..3).fold(0_u32, |n, at| {
            n << 8 | u32::from(three.get(at).copied().unwrap_or(0))
        });
        for at in 0..=three.len() {
            text.push(char::from(DIGITS[(number >> (18 - 6 * at) & 63) as usize]));
        }
    }
    text
}
