//! The reference implementation, python-tuf, follows what we publish, and we follow what it publishes.

mod canonical;
mod ours;
mod published;
mod python;
mod served;
mod theirs;
