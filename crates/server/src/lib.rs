//! OpenAI-compatible server of models that run on the chip.
//!
//! ```text
//! bytes ──► http: limits, keys ──► openai: wire types ──► model: template, tokens
//!                                                            │
//!                              sse / JSON ◄── answer ◄── generation ◄── weft-engine
//! ```
//!
//! Everything of HTTP, JSON and async is in this crate; the engine knows none of it. A request is
//! either refused before it costs anything, with an error that names what is wrong, or answered:
//! the queue is bounded, and a full one says so at once. A client that goes away, or reads slowly,
//! costs nothing to the others.
#![forbid(unsafe_code)]

mod answer;
mod chat;
mod device_metrics;
mod gateway;
mod generation;
mod handover;
mod http;
mod hub;
mod identity;
mod load;
mod metrics;
mod model;
mod openai;
mod serve;
mod store;
mod structure;
mod template;
mod text;
mod token_bytes;

pub use chat::{Chat, ChatError, Piece, Turn};
pub use gateway::Gateway;
pub use http::service::Running;
pub use hub::{Hub, HubError, Progress, RepoName};
pub use load::{LoadFigures, LoadOptions, Percentiles, load_server};
pub use serve::{ServeError, ServeOptions, Server};
pub use store::{find_model, models_directory};
