//! `weft chat`: a conversation in the terminal.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use weft_server::{Chat, Piece, Turn};

use crate::failure;
use crate::model;

/// Talk with a model on the chip.
///
/// Answers go to stdout as they are made. Figures go to stderr: tokens per second of this host,
/// which simulates the chip, and apart from it what the chip itself would take by its model.
///
/// In a conversation, `/clear` forgets it and `/exit` or the end of input ends it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  weft chat models/weft-tiny
  weft chat models/weft-tiny --prompt 'What is 2 + 24?'")]
pub(crate) struct Arguments {
    /// Directory of the model, or the name of a pulled one.
    model: PathBuf,

    /// Say this, show the answer and end.
    #[arg(long, short, value_name = "TEXT")]
    prompt: Option<String>,

    /// What stands before the conversation.
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,

    /// 0 always takes the likeliest token. By default what the model's maker says, else 0.
    #[arg(long)]
    temperature: Option<f32>,

    /// Seed of the draws.
    #[arg(long)]
    seed: Option<i64>,

    /// Tokens of an answer at most.
    #[arg(long, value_name = "N")]
    max_tokens: Option<usize>,

    /// Show no figures.
    #[arg(long, short)]
    quiet: bool,

    /// Do not time launches by the model of the chip: faster on this host.
    #[arg(long)]
    no_timing: bool,

    #[command(flatten)]
    engine: model::EngineArguments,
}

/// Talks until there is nothing more to say.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let directory = model::find(&arguments.model)?;
    let mut chat = Chat::load(
        &directory,
        model::accelerator(!arguments.no_timing)?,
        &arguments.engine.options(),
    )?;
    if let Some(system) = &arguments.system {
        chat.set_system(system.clone());
    }
    if let Some(temperature) = arguments.temperature {
        chat.set_temperature(temperature);
    }
    if let Some(seed) = arguments.seed {
        chat.set_seed(seed);
    }
    if let Some(tokens) = arguments.max_tokens {
        chat.set_max_tokens(tokens);
    }
    if let Some(prompt) = &arguments.prompt {
        say(&mut chat, prompt, arguments.quiet)?;
        return Ok(ExitCode::SUCCESS);
    }
    let asks = io::stdin().is_terminal();
    let mut lines = io::stdin().lock().lines();
    loop {
        if asks {
            prompt()?;
        }
        let Some(line) = lines.next() else {
            return Ok(ExitCode::SUCCESS);
        };
        let line = line.context("failed to read what you say")?;
        match line.trim() {
            "" => {}
            "/exit" => return Ok(ExitCode::SUCCESS),
            "/clear" => chat.clear(),
            // One answer that fails does not end the conversation.
            text => {
                if let Err(error) = say(&mut chat, text, arguments.quiet) {
                    failure::warn(&format!("{error:#}"), None);
                }
            }
        }
    }
}

fn prompt() -> Result<()> {
    let mut stderr = io::stderr().lock();
    stderr
        .write_all(b"> ")
        .and_then(|()| stderr.flush())
        .context("failed to write to the terminal")
}

fn say(chat: &mut Chat, text: &str, quiet: bool) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let dim = stdout.is_terminal();
    let mut written = Ok(());
    let turn = chat.say(text, |piece| {
        if written.is_err() {
            return;
        }
        written = match piece {
            Piece::Content(text) => stdout.write_all(text.as_bytes()),
            Piece::Reasoning(text) if dim => write!(stdout, "\x1b[2m{text}\x1b[0m"),
            Piece::Reasoning(text) => stdout.write_all(text.as_bytes()),
        }
        .and_then(|()| stdout.flush());
    })?;
    written
        .and_then(|()| stdout.write_all(b"\n"))
        .context("failed to write the answer")?;
    if !quiet {
        for line in figures(&turn) {
            failure::note(&line);
        }
    }
    Ok(())
}

/// What an answer took, host and chip apart.
fn figures(turn: &Turn) -> Vec<String> {
    let mut lines = Vec::new();
    if turn.forgotten_turns > 0 {
        let count = turn.forgotten_turns;
        lines.push(format!(
            "[the context is full: {count} oldest turns were forgotten]"
        ));
    }
    let prompt = rate(turn.computed_prompt_tokens, turn.host_prompt.as_secs_f64());
    let decode = rate(
        turn.generated_tokens.saturating_sub(1),
        turn.host_decode.as_secs_f64(),
    );
    lines.push(format!(
        "[this host: prompt {} tokens (+{} cached) at {prompt}, answer {} tokens at {decode}]",
        turn.computed_prompt_tokens, turn.cached_prompt_tokens, turn.generated_tokens
    ));
    let device = turn.device;
    let tokens = turn.computed_prompt_tokens + turn.generated_tokens;
    let mut modelled = Vec::new();
    if let Some(seconds) = device.seconds {
        modelled.push(format!("{tokens} tokens at {}", rate(tokens, seconds)));
        if let Some(joules) = device.joules.filter(|_| seconds > 0.0) {
            modelled.push(format!("{:.1} W", joules / seconds));
        }
    }
    if let Some(joules) = device.joules.filter(|_| tokens > 0) {
        modelled.push(format!("{:.2e} J per token", joules / f64::from(tokens)));
    }
    if !modelled.is_empty() {
        lines.push(format!("[the chip, by its model: {}]", modelled.join(", ")));
    }
    lines
}

fn rate(tokens: u32, seconds: f64) -> String {
    if tokens == 0 || seconds <= 0.0 {
        return "- tokens/s".to_owned();
    }
    format!("{:.1} tokens/s", f64::from(tokens) / seconds)
}
