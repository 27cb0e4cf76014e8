//! Readers of public trace formats. A broken line is an error that names it.

use serde::Deserialize;

use super::{Arrival, Trace};

/// What is wrong with a trace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct TraceError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// Tokens of a block of a Mooncake trace.
const MOONCAKE_BLOCK_TOKENS: u32 = 512;

#[derive(Deserialize)]
struct Mooncake {
    timestamp: f64,
    input_length: u32,
    output_length: u32,
    #[serde(default)]
    hash_ids: Vec<u64>,
}

/// Reads a trace in the format that its first line shows:
///
/// - Azure LLM inference 2023: CSV `TIMESTAMP,ContextTokens,GeneratedTokens`;
/// - BurstGPT: CSV with `Timestamp`, `Request tokens` and `Response tokens` among its columns;
///   rows without response tokens are requests that failed and are left out;
/// - Mooncake: a JSON object a line with `timestamp` (ms), `input_length`, `output_length` and
///   `hash_ids` of blocks of 512 tokens.
///
/// Requests are put in order of time, which then begins at 0.
///
/// # Errors
/// On the first line that is not of the format, and for a trace without requests.
pub fn read(text: &str) -> Result<Trace, TraceError> {
    let first = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("");
    let mut trace = if first.trim_start().starts_with('{') {
        mooncake(text)?
    } else {
        table(text, first)?
    };
    if trace.arrivals.is_empty() {
        return Err(TraceError {
            line: 1,
            what: "there is no request in the trace".to_owned(),
        });
    }
    trace
        .arrivals
        .sort_by(|left, right| left.at_s.total_cmp(&right.at_s));
    let begin = trace.arrivals[0].at_s;
    for arrival in &mut trace.arrivals {
        arrival.at_s -= begin;
    }
    Ok(trace)
}

fn mooncake(text: &str) -> Result<Trace, TraceError> {
    let mut trace = Trace {
        block_tokens: MOONCAKE_BLOCK_TOKENS,
        ..Trace::default()
    };
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |what: String| TraceError {
            line: index + 1,
            what,
        };
        let row: Mooncake = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        let tokens = (row.input_length, row.output_length);
        let begin = u32::try_from(trace.blocks.len())
            .map_err(|_| wrong("more than 2^32 blocks".to_owned()))?;
        let arrival = arrival(row.timestamp / 1e3, tokens).map_err(wrong)?;
        trace.arrivals.push(Arrival {
            blocks_begin: begin,
            blocks_count: u32::try_from(row.hash_ids.len()).unwrap_or(0),
            ..arrival
        });
        trace.blocks.extend(row.hash_ids);
    }
    Ok(trace)
}

fn table(text: &str, header: &str) -> Result<Trace, TraceError> {
    let names: Vec<String> = header
        .split(',')
        .map(|name| name.trim().to_lowercase())
        .collect();
    let column = |wanted: &[&str]| {
        names
            .iter()
            .position(|name| wanted.contains(&name.as_str()))
    };
    let columns = (
        column(&["timestamp"]),
        column(&["contexttokens", "request tokens"]),
        column(&["generatedtokens", "response tokens"]),
    );
    let (Some(time), Some(prompt), Some(output)) = columns else {
        return Err(TraceError {
            line: 1,
            what: "neither a Mooncake object, nor a header with a timestamp and the tokens of \
                   prompt and output (Azure: TIMESTAMP,ContextTokens,GeneratedTokens; BurstGPT: \
                   Timestamp,...,Request tokens,Response tokens,...)"
                .to_owned(),
        });
    };
    let skips_failed = names[output] == "response tokens";
    let mut trace = Trace::default();
    for record in csv::Reader::from_reader(text.as_bytes()).into_records() {
        let record = record.map_err(|error| TraceError {
            line: line_of(error.position()),
            what: error.to_string(),
        })?;
        let wrong = |what: String| TraceError {
            line: line_of(record.position()),
            what,
        };
        let field = |index: usize| record.get(index).unwrap_or("").trim();
        let tokens = |index: usize| -> Result<u32, TraceError> {
            let text = field(index);
            text.parse()
                .map_err(|_| wrong(format!("`{text}` is no count of tokens")))
        };
        let at_s =
            seconds(field(time)).ok_or_else(|| wrong(format!("`{}` is no time", field(time))))?;
        let pair = (tokens(prompt)?, tokens(output)?);
        if skips_failed && pair.1 == 0 {
            continue;
        }
        trace.arrivals.push(arrival(at_s, pair).map_err(wrong)?);
    }
    Ok(trace)
}

fn line_of(position: Option<&csv::Position>) -> usize {
    position.map_or(1, |it| usize::try_from(it.line()).unwrap_or(usize::MAX))
}

fn arrival(at_s: f64, (prompt, output): (u32, u32)) -> Result<Arrival, String> {
    if !at_s.is_finite() {
        return Err(format!("{at_s} is no time"));
    }
    Ok(Arrival {
        at_s,
        prompt_tokens: prompt.max(1),
        output_tokens: output.max(1),
        blocks_begin: 0,
        blocks_count: 0,
    })
}

/// Seconds of a number, or of `YYYY-MM-DD HH:MM:SS.fff` since 1970.
fn seconds(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then_some(number);
    }
    let (date, time) = text.split_once([' ', 'T'])?;
    let mut date = date.split('-').map(str::parse::<i64>);
    let mut next = || date.next()?.ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let time = time.split(['+', 'Z']).next()?;
    let mut time = time.split(':').map(str::parse::<f64>);
    let mut next = || time.next()?.ok();
    let (hour, minute, second) = (next()?, next()?, next()?);
    let valid = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0.0..24.0).contains(&hour)
        && (0.0..60.0).contains(&minute)
        && (0.0..61.0).contains(&second);
    if !valid {
        return None;
    }
    // Days since 1970 of a Gregorian date, with the year beginning in March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days as f64 * 86_400.0 + hour * 3600.0 + minute * 60.0 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azure() {
        let text = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
                    2023-11-16 18:15:46.6805900,374,44\n\
                    2023-11-16 18:15:50.9951690,396,109\n";
        let trace = read(text).unwrap();
        assert_eq!(trace.arrivals.len(), 2);
        assert!((trace.arrivals[1].at_s - 4.314579).abs() < 1e-4);
        assert_eq!(trace.arrivals[1].prompt_tokens, 396);
        assert_eq!(trace.arrivals[1].output_tokens, 109);
    }

    #[test]
    fn mooncake_with_blocks() {
        let text = r#"{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47]}
{"timestamp": 30535, "input_length": 6472, "output_length": 26, "hash_ids": [46, 99, 100]}"#;
        let trace = read(text).unwrap();
        assert_eq!(trace.block_tokens, 512);
        assert_eq!(trace.blocks_of(&trace.arrivals[1]), [46, 99, 100]);
        assert!((trace.arrivals[1].at_s - 3.053).abs() < 1e-9);
    }

    #[test]
    fn burstgpt_leaves_failed_requests_out() {
        let text = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
                    5,ChatGPT,472,18,490,Conversation log\n\
                    45,ChatGPT,1087,0,1087,Conversation log\n\
                    118,GPT-4,417,276,693,API log\n";
        let trace = read(text).unwrap();
        assert_eq!(trace.arrivals.len(), 2);
        assert!((trace.seconds() - 113.0).abs() < 1e-9);
    }

    #[test]
    fn a_broken_line_is_named() {
        let azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
                     2023-11-16 18:15:46,374,44\n2023-11-16 18:15:47,many,44\n";
        assert_eq!(
            read(azure).unwrap_err().to_string(),
            "line 3: `many` is no count of tokens"
        );
        let time = azure.replace("18:15:47,many", "18:75:47,1");
        assert_eq!(
            read(&time).unwrap_err().to_string(),
            "line 3: `2023-11-16 18:75:47` is no time"
        );
        let short = azure.replace("2023-11-16 18:15:47,many,44", "x");
        assert_eq!(read(&short).unwrap_err().line, 3);
        let mooncake =
            "{\"timestamp\": 1, \"input_length\": 2, \"output_length\": 3}\n{\"timestamp\": 1}\n";
        let error = read(mooncake).unwrap_err();
        assert_eq!(error.line, 2);
        assert!(error.what.contains("input_length"), "{error}");
        assert_eq!(read("what,ever\n1,2\n").unwrap_err().line, 1);
        assert!(read("").is_err());
    }

    #[test]
    fn dates_count_days() {
        assert_eq!(seconds("1970-01-01 00:00:00"), Some(0.0));
        assert_eq!(seconds("2000-03-01 00:00:01.5"), Some(951_868_801.5));
        assert_eq!(seconds("2024-02-29T12:00:00Z"), Some(1_709_208_000.0));
        assert_eq!(seconds("yesterday"), None);
    }
}
