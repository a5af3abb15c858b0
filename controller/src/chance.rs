//! The one place where the controller takes chance from the system: keys, tokens and names that nobody can guess.

/// `N` unguessable bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .expect("getrandom(2) on Linux fails only before the kernel has booted its random source");
    bytes
}

/// A secret of 256 bits, as 64 hex digits.
pub fn token() -> String {
    hex::encode(bytes::<32>())
}

/// `prefix` and 16 hex digits.
pub fn id(prefix: char) -> String {
    format!("{prefix}{}", hex::encode(bytes::<8>()))
}
