//! Looks after backends and the configuration while the gateway runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use super::backend::Backend;
use super::config::{Config, Health};
use super::fleet::Fleet;
use super::{Shared, decisions};

/// How often the configuration file is read.
const CONFIG_INTERVAL: Duration = Duration::from_millis(500);

/// Looks at all backends, again and again.
pub(crate) async fn look_after(shared: Arc<Shared>) {
    loop {
        let fleet = shared.fleet();
        look_at_all(&shared.client, &fleet).await;
        tokio::time::sleep(Duration::from_secs_f64(fleet.config.health.interval_s)).await;
    }
}

/// One look at each backend.
pub(crate) async fn look_at_all(client: &reqwest::Client, fleet: &Fleet) {
    let looks = fleet
        .backends
        .iter()
        .map(|backend| look(client, backend, &fleet.config.health));
    join_all(looks).await;
}

async fn look(client: &reqwest::Client, backend: &Backend, health: &Health) {
    let time = Duration::from_secs_f64(health.timeout_s);
    let healthy = get(client, backend, time, "/health").await.is_some();
    backend.looked(healthy, health);
    if !healthy {
        return;
    }
    if backend.must_tell_models()
        && let Some(text) = get(client, backend, time, "/v1/models").await
    {
        backend.set_models(models_of(&text));
    }
    if let Some(text) = get(client, backend, time, "/metrics").await {
        let (waiting, running) = load_of(&text);
        backend.set_load(waiting, running);
    }
}

/// The text at a path of a backend; `None` if it does not give it in time.
async fn get(
    client: &reqwest::Client,
    backend: &Backend,
    time: Duration,
    path: &str,
) -> Option<String> {
    let url = format!("{}{path}", backend.config.url.trim_end_matches('/'));
    let mut request = client.get(url).timeout(time);
    if let Some(key) = &backend.config.api_key {
        request = request.bearer_auth(key);
    }
    let response = request.send().await.ok()?;
    if !response.status().is_success() {
        return None;
    }
    response.text().await.ok()
}

/// The ids in a list of models.
fn models_of(text: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let models = value["data"].as_array().into_iter().flatten();
    models
        .filter_map(|model| model["id"].as_str().map(str::to_owned))
        .collect()
}

/// Requests that wait and run, by the names of vLLM, SGLang and TensorRT-LLM. Several lines of
/// one name, for several ranks, add up.
fn load_of(metrics: &str) -> (u32, u32) {
    const WAITING: [&str; 3] = [
        "vllm:num_requests_waiting",
        "sglang:num_queue_reqs",
        "trtllm_num_requests_waiting",
    ];
    const RUNNING: [&str; 3] = [
        "vllm:num_requests_running",
        "sglang:num_running_reqs",
        "trtllm_num_requests_running",
    ];
    let sum = |names: [&str; 3]| -> u32 {
        let values = metrics.lines().filter_map(|line| {
            let name = line.split(['{', ' ']).next()?;
            let value = line.rsplit(' ').next()?;
            names.contains(&name).then(|| value.parse::<f64>().ok())?
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the cast saturates, and a count is whole"
        )]
        let sum = values.sum::<f64>() as u32;
        sum
    };
    (sum(WAITING), sum(RUNNING))
}

/// Reads the configuration when its file has changed. One that is wrong changes nothing.
pub(crate) async fn reload(shared: Arc<Shared>, path: PathBuf, mut text: String) {
    loop {
        tokio::time::sleep(CONFIG_INTERVAL).await;
        // A small file, read twice a second: not worth a thread of its own.
        let Ok(new) = std::fs::read_to_string(&path) else {
            continue;
        };
        if new == text {
            continue;
        }
        text = new;
        let result = take_over(&shared, &text);
        shared.metrics.count_reload(result.is_ok());
        shared.decide(decisions::reload(result.as_ref().err().map(String::as_str)));
    }
}

fn take_over(shared: &Shared, text: &str) -> Result<(), String> {
    let config = Config::parse(text)?;
    let old = shared.fleet();
    if config.listen != old.config.listen {
        return Err("listen: cannot change while the gateway runs".to_owned());
    }
    if config.decision_log != old.config.decision_log {
        return Err("decision_log: cannot change while the gateway runs".to_owned());
    }
    shared.set_fleet(Fleet::new(config, &old.backends)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_is_read_by_any_of_the_names() {
        let vllm = "# TYPE vllm:num_requests_running gauge\n\
            vllm:num_requests_running{engine=\"0\"} 3.0\nvllm:num_requests_running{engine=\"1\"} 2.0\n\
            vllm:num_requests_waiting{engine=\"0\"} 7.0\nvllm:num_requests_waiting_by_reason 9\n";
        assert_eq!(load_of(vllm), (7, 5));
        assert_eq!(
            load_of("sglang:num_queue_reqs 4\nsglang:num_running_reqs 1.0"),
            (4, 1)
        );
        assert_eq!(load_of("vllm:num_requests_running NaN"), (0, 0));
        assert_eq!(load_of(""), (0, 0));
    }

    #[test]
    fn models_are_read_from_the_list() {
        assert_eq!(
            models_of("{\"data\": [{\"id\": \"a\"}, {\"id\": \"b\"}]}"),
            ["a", "b"]
        );
        assert!(models_of("nonsense").is_empty());
    }
}
