//! The client of repositories, against directories, web servers that misbehave, and a real one.

#[path = "../server/nginx.rs"]
mod nginx_server;
#[path = "../../src/fetch/tests/server.rs"]
mod server;

mod catalogue;
mod download;
mod links;
mod mirrors;
mod nginx;
mod packages;
mod parts;
mod settings;
mod sync;
mod web;
mod world;
