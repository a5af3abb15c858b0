//! The village as real processes: a controller, a broker, agents and a sound server on this machine.
//!
//! One program, so that it is linked once. What is in `timed` measures time, or listens to a sound server that must get its
//! turn: these go one after the other (`--test-threads=1 timed::`). The others wait for states, and go two at a time.

mod broker_gone;
mod identity;
mod kill;
mod sockets;
mod sound;
mod timed;
mod uploads;
