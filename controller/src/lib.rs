
pub mod broker;
