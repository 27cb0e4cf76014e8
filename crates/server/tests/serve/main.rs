//! A server on a real socket, with the trained model that the repository carries.
#![expect(clippy::unwrap_used, reason = "a panic is the report of a test")]

mod api;
mod client;
mod limits;
mod load;
