//! The wall between code that parses bytes from outside and the rest of the program.
//!
//! A demuxer can panic on a broken file (one case is known, in fragmented MP4). Behind this wall a panic
//! becomes [`DecodeError::Broken`], and nothing is printed: the error carries what the panic said.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use super::DecodeError;

thread_local! {
    static BEHIND_THE_WALL: Cell<bool> = const { Cell::new(false) };
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// Runs `work`, turning a panic into an error. Whatever `work` was changing must be thrown away after one.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    quiet_behind_the_wall();
    let outer = BEHIND_THE_WALL.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    BEHIND_THE_WALL.set(outer);
    outcome.unwrap_or_else(|_| {
        let said = SAID.take().unwrap_or_else(|| "no reason given".to_owned());
        Err(DecodeError::broken(format!("the decoder gave up: {said}")))
    })
}

/// Wraps the program's panic hook once: panics elsewhere reach it untouched.
fn quiet_behind_the_wall() {
    HOOK.call_once(|| {
        let outside = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if BEHIND_THE_WALL.try_with(Cell::get).unwrap_or(false) {
                let place = info.location().map(|at| at.to_string()).unwrap_or_default();
                let what = info.payload_as_str().unwrap_or("panic");
                SAID.set(Some(format!("{what} at {place}")));
            } else {
                outside(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_behind_the_wall_is_an_error_that_says_why() {
        let outcome: Result<(), _> = guarded(|| panic!("box of size zero"));
        let Err(DecodeError::Broken { detail }) = outcome else {
            panic!("expected Broken, got {outcome:?}");
        };
        assert!(detail.contains("box of size zero"), "{detail}");
    }

    #[test]
    fn the_wall_is_down_again_afterwards() {
        let _: Result<(), _> = guarded(|| panic!("once"));
        assert!(!BEHIND_THE_WALL.get());
        assert!(matches!(guarded(|| Ok(7)), Ok(7)));
    }
}
