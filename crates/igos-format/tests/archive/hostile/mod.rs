//! Archives that are honest but for one thing are refused, for the right reason.

mod bits;
mod memory;
mod table;
