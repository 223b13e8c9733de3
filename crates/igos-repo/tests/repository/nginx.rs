//! A real web server.
