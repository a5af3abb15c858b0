//! Power cuts between any two system calls of both programs' stores: the database opens, is whole, and has every row that
//! was called durable. The sentences are in `speaker` and `office`; `LOA_POWER_CUTS=100000` (as `make soak` does)
//! builds more states, `LOA_SEED` others.

mod office;
mod speaker;
