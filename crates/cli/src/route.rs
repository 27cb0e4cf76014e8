//! `weft route`: a gateway in front of OpenAI-compatible servers.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use weft_server::Gateway;

/// Route requests to OpenAI-compatible servers: weft serve, vLLM, SGLang, llama.cpp...
///
/// Prints one line when requests are taken. The configuration is read again when its file changes;
/// one that is wrong changes nothing. SIGTERM ends the gateway after the answers under way.
#[derive(clap::Args)]
#[command(after_help = "\
Example of a configuration (docs/route-requests.md has every field):

  listen = \"127.0.0.1:8080\"
  policy = \"predicted-seconds\"

  [[backend]]
  name = \"chip\"
  url = \"http://127.0.0.1:8001\"
  domestic = true
  replay = true

  [[backend]]
  name = \"gpu\"
  url = \"http://10.0.0.7:8000\"
  usd_per_hour = 2.5")]
pub(crate) struct Arguments {
    /// The configuration, TOML.
    config: PathBuf,
}

/// Routes until it is told to stop.
#[expect(
    clippy::print_stdout,
    reason = "the line that says where the gateway is"
)]
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let gateway = Gateway::open(&arguments.config)?;
    let policy = gateway.policy();
    gateway.run(|address| println!("routing by {policy} at http://{address}"))?;
    Ok(ExitCode::SUCCESS)
}
