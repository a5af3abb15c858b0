//! Another station's programme, from its address to its bytes: HTTP and Icecast, HLS, and the small lists that point to them.
//!
//! Used by the office, which relays it to its poles, and by a pole with a good line of its own. What the bytes mean is the
//! business of [`loa-audio`]: nothing here looks into them further than to tell a list from sound.
//!
//! Everything blocks; it belongs on a thread of its own, which ends within [`http::POLL`] of a [`Stop`]. Bounds: five redirects,
//! 16 KiB of head, 512 KiB of list, 8 MiB of segment; a head is waited for [`http::ANSWER`] at most, and each piece
//! behind it [`http::IDLE`].
//!
//! [`loa-audio`]: ../loa_audio/index.html

mod address;
mod away;
mod body;
mod follow;
pub mod http;
mod lists;
mod open;
mod playlist;
mod stop;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod wire;

pub use address::{Address, Reach, is_public};
pub use away::Away;
pub use http::Web;
pub use open::{About, Station, open};
pub use stop::Stop;
