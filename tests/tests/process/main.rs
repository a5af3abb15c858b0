//! The village as real processes: a controller, a broker, agents and a sound server on this machine.
//!
//! One program, so that it is linked once. The tests take turns (`--test-threads=1`): time is what they measure.

mod broker_gone;
mod emergency;
mod figures;
mod fixtures;
mod formats;
mod identity;
mod kill;
mod live;
mod office_gone;
mod sockets;
mod sound;
mod uploads;
