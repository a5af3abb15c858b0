//! What measures time, and what is heard through a sound server: alone on the machine, as far as that can be had.

mod device;
mod emergency;
mod figures;
mod fixtures;
mod formats;
mod live;
mod office_gone;
