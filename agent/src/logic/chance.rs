//! The agent's only chance: jitter and nonces drawn from one seed, so that a run can be repeated.

use loa_protocol::content::Sha;

/// Draws by hashing seed and counter: knowing some draws tells nothing of the next, as a nonce asks.
#[derive(Debug)]
pub struct Chance {
    seed: u64,
    drawn: u64,
}

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    pub fn draw(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.seed.to_le_bytes());
        bytes[8..].copy_from_slice(&self.drawn.to_le_bytes());
        let hash = Sha::of(&bytes).0;
        let mut first = [0; 8];
        first.copy_from_slice(&hash[..8]);
        u64::from_le_bytes(first)
    }

    /// `about_us` less or more a quarter of itself.
    pub fn around(&mut self, about_us: u64) -> u64 {
        let spread = about_us / 2;
        about_us - spread / 2 + self.draw() % (spread + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_a_quarter_and_differs_between_poles() {
        let (mut a, mut b) = (Chance::new(1), Chance::new(2));
        let draws: Vec<u64> = (0..100).map(|_| a.around(4_000_000)).collect();
        assert!(draws.iter().all(|d| (3_000_000..=5_000_000).contains(d)));
        assert_ne!(
            draws,
            (0..100).map(|_| b.around(4_000_000)).collect::<Vec<_>>()
        );
        assert_eq!(Chance::new(1).around(0), 0);
    }
}
