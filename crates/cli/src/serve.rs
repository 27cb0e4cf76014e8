//! `weft serve`: a model behind an OpenAI-compatible server.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use weft_server::{ServeOptions, Server};

use crate::failure;
use crate::model;

/// Serve a model with the API of OpenAI.
///
/// Prints one line when requests are taken; `/health` answers 200 from then on. SIGTERM ends the
/// server after the answers that are under way; a second signal ends it at once.
///
/// Endpoints: /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models, /rerank,
/// /tokenize, /detokenize, /health, /metrics.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  weft serve models/weft-tiny --port 8000
  weft serve models/weft-tiny --served-model-name tiny --api-key SECRET

  curl localhost:8000/v1/chat/completions -H 'content-type: application/json' \\
    -d '{\"messages\": [{\"role\": \"user\", \"content\": \"What is 2 + 24?\"}]}'")]
pub(crate) struct Arguments {
    /// Directory of the model, or the name of a pulled one.
    model: PathBuf,

    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,

    /// Port; 0 takes any free one.
    #[arg(long, default_value_t = 8000)]
    port: u16,

    /// Name of the model in requests; may be repeated, and the first is in answers.
    #[arg(long, value_name = "NAME")]
    served_model_name: Vec<String>,

    /// Key that requests must send as `Authorization: Bearer KEY`; may be repeated.
    #[arg(long, value_name = "KEY", env = "WEFT_API_KEY", hide_env_values = true)]
    api_key: Vec<String>,

    /// A server of the same model whose keys and values may be taken over, as
    /// `http://HOST:PORT`; may be repeated.
    #[arg(long, value_name = "URL")]
    kv_peer: Vec<String>,

    /// Key to send to those servers.
    #[arg(long, value_name = "KEY", env = "WEFT_KV_KEY", hide_env_values = true)]
    kv_key: Option<String>,

    /// Time every launch by the model of the chip, for `weft:chip_*` in /metrics.
    #[arg(long)]
    timing: bool,

    #[command(flatten)]
    engine: model::EngineArguments,

    /// Requests that may wait; more are refused with status 503.
    #[arg(long, value_name = "N", default_value_t = 1024)]
    max_num_queued_reqs: usize,

    /// Prompt tokens that may wait; more are refused with status 503.
    #[arg(long, value_name = "N", default_value_t = 1 << 20)]
    max_num_queued_tokens: usize,

    /// Largest request, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 8)]
    max_body: usize,

    /// Seconds that answers may take after SIGTERM.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    shutdown_timeout: u64,
}

/// Serves until it is told to stop.
#[expect(
    clippy::print_stdout,
    reason = "the line that says where the server is"
)]
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let directory = model::find(&arguments.model)?;
    let mut options = ServeOptions::new(directory);
    options.names.clone_from(&arguments.served_model_name);
    options.address = (arguments.host, arguments.port).into();
    options.api_keys.clone_from(&arguments.api_key);
    options.kv_peers.clone_from(&arguments.kv_peer);
    options.kv_key.clone_from(&arguments.kv_key);
    options.engine = arguments.engine.options();
    options.engine.max_waiting = arguments.max_num_queued_reqs;
    options.engine.max_waiting_tokens = arguments.max_num_queued_tokens;
    options.body_bytes_max = arguments.max_body << 20;
    options.drain_time = Duration::from_secs(arguments.shutdown_timeout);
    if options.api_keys.is_empty() && !arguments.host.is_loopback() {
        failure::warn(
            "anyone who reaches this address may use the model",
            Some("--api-key KEY"),
        );
    }
    let accelerator = model::accelerator(arguments.timing)?;
    let device = accelerator.name();
    let server = Server::load(options, accelerator)?;
    let name = server.name().to_owned();
    server.run(|address| println!("serving {name} on {device} at http://{address}"))?;
    Ok(ExitCode::SUCCESS)
}
