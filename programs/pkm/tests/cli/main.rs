//! The program as users run it: arguments in; standard output, standard error and exit code out.

#[path = "../../../../crates/igos-repo/tests/server/nginx.rs"]
mod nginx_server;

mod available;
mod change;
mod completion;
mod configuration;
mod debugging;
mod declared;
mod declared_repositories;
mod descriptors;
mod downloader;
mod folding;
mod helpers;
mod hooks;
mod life;
mod machine;
mod openrc;
mod published;
mod query;
mod reasons;
mod records;
mod repository;
mod resolve;
mod rollback;
mod services;
mod signals;
mod signed;
mod usage;
mod verify;
mod world;
