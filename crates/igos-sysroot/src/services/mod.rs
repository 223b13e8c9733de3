//! Services of the running system that still use files that were replaced, and restarting those that are named.
//!
//! Nothing is ever restarted by itself: [`stale_services`] says what could be, [`restart_service`] does what the
//! administrator asked for. systemd and OpenRC are known. All is read below two open directories, `/proc` and `/run`
//! of the running system, so that tests can give others.

mod manager;
mod process;
mod stale;

pub use manager::{ServiceError, ServiceManager, restart_service};
pub use process::StaleProcess;
pub use stale::{StaleService, StaleServices, stale_services};
