//! The one place that asks for chance: spreading out reconnects, and naming a new store.

/// A number in `0.0..1.0`. Should the system have no chance to give, the middle: still a sound waiting time.
pub fn unit() -> f64 {
    // 53 bits fill the mantissa of an f64 exactly.
    getrandom::u64().map_or(0.5, |bits| (bits >> 11) as f64 / (1_u64 << 53) as f64)
}

/// Where the logic's own chance begins. Without one from the system, the same each time: it spreads, and guards nothing.
pub fn seed() -> u64 {
    getrandom::u64().unwrap_or(0x10a)
}

/// 16 hex digits nobody else has.
///
/// # Errors
/// When the system has no chance to give; a name that is not unique must not be used.
pub fn name() -> Result<String, getrandom::Error> {
    Ok(format!("{:016x}", getrandom::u64()?))
}

#[cfg(test)]
mod tests {
    #[test]
    fn chance_stays_between_nothing_and_all() {
        assert!((0..1000).all(|_| (0.0..1.0).contains(&super::unit())));
    }
}
