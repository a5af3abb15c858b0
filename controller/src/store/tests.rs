//! The store on a real database file: what must hold whatever the line and the power do.

mod approval;
mod audit;
mod programmes;
mod telling;
mod trust;
mod village;
mod watch;
