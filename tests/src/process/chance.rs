//! Chance from one seed that is printed, so that a failure can be played again.

/// A small generator (xorshift64*, Vigna 2016): good enough to pick instants, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// From `LOA_SEED`, else from the time of day; printed.
    pub fn printed() -> Self {
        let seed = std::env::var("LOA_SEED")
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| super::clock::now_us().unsigned_abs() % 1_000_000);
        println!("seed {seed}: again with LOA_SEED={seed}");
        Self::new(seed)
    }

    pub fn draw(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// In `from..to`.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.draw() % (to - from).max(1)
    }

    /// In -1.0..1.0.
    pub fn sample(&mut self) -> f32 {
        (self.draw() >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    }
}
