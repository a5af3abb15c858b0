//! The office's one loop: line, logic, store, and the changes that come from the HTTP side.

mod handle;

pub use handle::{Change, EngineHandle, Urgent};
