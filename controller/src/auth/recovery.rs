//! Recovery codes: ten, of 50 random bits each, to be written down on paper. Argon2id of them is kept.

use argon2::Argon2;

use super::on_a_hasher;
use crate::{chance, store::RecoveryCodes};

/// So many are given out together.
const CODES: usize = 10;
const SYMBOLS: usize = 10;
/// Crockford's base 32: nothing in it is taken for something else.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// New ones, to be shown once, and what is kept of them.
pub async fn make() -> (Vec<String>, RecoveryCodes) {
    let salt = chance::token();
    let codes: Vec<String> = (0..CODES)
        .map(|_| {
            chance::bytes::<SYMBOLS>()
                .iter()
                .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
                .collect()
        })
        .collect();
    let mut hashes = Vec::with_capacity(CODES);
    for code in &codes {
        hashes.push(hash(code.clone(), salt.clone()).await);
    }
    let shown = codes
        .iter()
        .map(|code| format!("{}-{}", &code[..5], &code[5..]));
    (shown.collect(), RecoveryCodes { salt, hashes })
}

/// As somebody typed it, in the one form that is hashed; `None`: it can be no recovery code.
pub fn read(typed: &str) -> Option<String> {
    let code: String = typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        })
        .take(SYMBOLS + 1)
        .collect();
    let fits = code.len() == SYMBOLS && code.bytes().all(|b| ALPHABET.contains(&b));
    fits.then_some(code)
}

/// Argon2id, 64 hex digits.
pub async fn hash(code: String, salt: String) -> String {
    on_a_hasher(move || {
        let mut out = [0; 32];
        Argon2::default()
            .hash_password_into(code.as_bytes(), salt.as_bytes(), &mut out)
            .expect("the default parameters, 64 bytes of salt and 32 of output are allowed");
        hex::encode(out)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_code_is_read_as_people_write_it() {
        let (shown, kept) = make().await;
        assert_eq!((shown.len(), kept.hashes.len()), (CODES, CODES));
        let written = shown[3].to_lowercase().replace('-', " ").replace('0', "o");
        let read = read(&written).expect("a code");
        let hashed = hash(read, kept.salt.clone()).await;
        assert_eq!(hashed, kept.hashes[3]);
        for wrong in ["", "123456", "ABCDE-FGHJ", "ABCDE-FGHJKM", "ABCDU-FGHJK"] {
            assert_eq!(super::read(wrong), None, "{wrong}");
        }
    }
}
