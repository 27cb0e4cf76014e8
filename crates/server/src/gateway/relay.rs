//! A request from its first attempt to the last byte of its answer.
//!
//! Nothing is given to the client before a backend has answered, so until then any backend can be
//! asked again. Once events of a stream were given out, only a backend whose answers depend on
//! request and seed alone can take it up: it makes the answer from the beginning, the events that
//! were given out are compared and dropped, and the rest goes on. An event that differs ends the
//! stream with an error; no event is given out twice.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

use super::attempt::{Events, Failure, Outgoing, Reply, send};
use super::fleet::{Chosen, Wish};
use super::{Shared, decisions, prefill};
use crate::openai::error::ApiError;

/// Between rounds in which all backends were asked.
const ROUND_PAUSE: Duration = Duration::from_millis(100);

/// A request on its way through the gateway.
pub(crate) struct Relay {
    pub(crate) shared: Arc<Shared>,
    pub(crate) wish: Wish,
    pub(crate) outgoing: Outgoing,
    pub(crate) id: String,
    /// Whether an answer that broke off can be made again: it has a seed, or draws nothing.
    pub(crate) repeatable: bool,
    tried: BTreeSet<String>,
    attempts_left: u32,
}

impl Relay {
    /// A request that was not sent yet.
    pub(crate) fn new(
        shared: Arc<Shared>,
        wish: Wish,
        outgoing: Outgoing,
        id: String,
        repeatable: bool,
    ) -> Self {
        let attempts_left = shared.fleet().config.retry.attempts;
        Self {
            shared,
            wish,
            outgoing,
            id,
            repeatable,
            tried: BTreeSet::new(),
            attempts_left,
        }
    }

    /// The reply of the first backend that gives one, and its name.
    pub(crate) async fn first_reply(&mut self, replay: bool) -> Result<(Reply, String), ApiError> {
        let mut last: Option<Failure> = None;
        while self.attempts_left > 0 {
            self.attempts_left -= 1;
            let chosen = match self.choose(replay) {
                Some(chosen) => chosen,
                None if self.tried.is_empty() => break,
                None => {
                    // All were asked: after a pause they are asked again.
                    self.tried.clear();
                    tokio::time::sleep(ROUND_PAUSE).await;
                    match self.choose(replay) {
                        Some(chosen) => chosen,
                        None => break,
                    }
                }
            };
            let name = chosen.backend.config.name.clone();
            match self.hedged(chosen, replay).await {
                Ok((reply, name)) => return Ok((reply, name)),
                Err(failure) => {
                    self.shared.metrics.count_retry(&name);
                    last = Some(failure);
                }
            }
        }
        Err(match last {
            None => ApiError::Unavailable {
                reason: "no backend takes requests".to_owned(),
            },
            Some(failure) if !failure.counts => ApiError::Overloaded {
                reason: failure.reason,
            },
            Some(failure) => ApiError::BadGateway {
                reason: failure.reason,
            },
        })
    }

    fn choose(&mut self, replay: bool) -> Option<Chosen> {
        let fleet = self.shared.fleet();
        let chosen = fleet
            .choose(&self.wish, &self.tried, replay, Instant::now())
            .ok()?;
        self.tried.insert(chosen.backend.config.name.clone());
        self.shared
            .decide(decisions::choice(&self.id, replay, &chosen.decision));
        Some(chosen)
    }

    /// Asks the chosen backend, and another one too when it is silent for long.
    async fn hedged(&mut self, chosen: Chosen, replay: bool) -> Result<(Reply, String), Failure> {
        let shared = Arc::clone(&self.shared);
        let outgoing = self.outgoing.clone();
        let hedge = shared
            .fleet()
            .config
            .retry
            .hedge_s
            .map(Duration::from_secs_f64);
        let mut first = Box::pin(ask(&shared, &chosen, &outgoing));
        let Some(hedge) = hedge else {
            return first.await;
        };
        if let Ok(result) = tokio::time::timeout(hedge, &mut first).await {
            return result;
        }
        let Some(other) = self.choose(replay) else {
            return first.await;
        };
        shared.metrics.count_hedge(&other.backend.config.name);
        let mut second = Box::pin(ask(&shared, &other, &outgoing));
        // The slower one is dropped, which ends it at its backend.
        tokio::select! {
            result = &mut first => match result {
                Ok(reply) => Ok(reply),
                Err(_) => second.await,
            },
            result = &mut second => match result {
                Ok(reply) => Ok(reply),
                Err(_) => first.await,
            },
        }
    }

    /// Sends the events of a stream on until its end, on other backends if need be.
    pub(crate) async fn pump(
        mut self,
        first: Bytes,
        mut events: Events,
        client: mpsc::Sender<Result<Bytes, ApiError>>,
    ) -> usize {
        let mut delivered: Vec<u64> = Vec::new();
        let identity = Identity::of(&first);
        let mut next = Some(first);
        let mut taken_up = false;
        // Events of this making that were compared with those given out.
        let mut skipped = 0;
        loop {
            if let Some(event) = next.take() {
                let hash = content_hash(&event);
                if skipped < delivered.len() {
                    if hash != delivered[skipped] {
                        let reason = "the answer broke off, and made again it differs".to_owned();
                        let _ = client.send(Err(ApiError::BadGateway { reason })).await;
                        break;
                    }
                    skipped += 1;
                } else {
                    delivered.push(hash);
                    skipped = delivered.len();
                    let event = if taken_up {
                        identity.put_into(&event)
                    } else {
                        event
                    };
                    let framed = [&b"data: "[..], &event, b"\n\n"].concat();
                    if client.send(Ok(framed.into())).await.is_err() {
                        break;
                    }
                }
            }
            let result = tokio::select! {
                result = events.next() => result,
                () = client.closed() => break,
            };
            match result {
                Ok(Some(event)) => next = Some(event),
                Ok(None) => {
                    events.backend.succeeded();
                    break;
                }
                Err(failure) => match self.take_up(&events, failure).await {
                    Ok((first, others)) => {
                        next = Some(first);
                        events = others;
                        taken_up = true;
                        skipped = 0;
                    }
                    Err(error) => {
                        let _ = client.send(Err(error)).await;
                        break;
                    }
                },
            }
        }
        delivered.len()
    }

    /// The stream of another backend in place of one that failed after events were given out.
    async fn take_up(
        &mut self,
        broken: &Events,
        failure: Failure,
    ) -> Result<(Bytes, Events), ApiError> {
        note(&self.shared, &broken.backend.config.name, &failure);
        if !self.repeatable || !broken.backend.config.replay {
            return Err(ApiError::BadGateway {
                reason: format!("the answer broke off: {}", failure.reason),
            });
        }
        match self.first_reply(true).await? {
            (Reply::Stream { first, events }, name) => {
                self.shared.metrics.count_replay(&name);
                Ok((first, events))
            }
            (Reply::Whole { .. }, _) => Err(ApiError::BadGateway {
                reason: "the answer broke off and was refused elsewhere".to_owned(),
            }),
        }
    }
}

async fn ask(
    shared: &Shared,
    chosen: &Chosen,
    outgoing: &Outgoing,
) -> Result<(Reply, String), Failure> {
    let name = chosen.backend.config.name.clone();
    let second_half;
    let outgoing = match &chosen.prefill {
        Some(prefill) => {
            second_half = prefill::compute(shared, prefill, outgoing).await;
            &second_half
        }
        None => outgoing,
    };
    match send(&shared.client, chosen, outgoing).await {
        Ok(reply) => {
            if let Reply::Whole { .. } = reply {
                chosen.backend.succeeded();
            }
            shared.metrics.count_reply(&name);
            Ok((reply, name))
        }
        Err(failure) => {
            note(shared, &name, &failure);
            Err(failure)
        }
    }
}

pub(crate) fn note(shared: &Shared, name: &str, failure: &Failure) {
    let fleet = shared.fleet();
    let backend = fleet
        .backends
        .iter()
        .find(|backend| backend.config.name == name);
    let ejected = failure.counts
        && backend.is_some_and(|backend| backend.failed(Instant::now(), &fleet.config.health));
    if ejected {
        shared.metrics.count_ejection(name);
    }
    shared.metrics.count_failure(name);
    shared.decide(decisions::failure(name, &failure.reason, ejected));
}

/// What the events of one answer have in common, and another making of it has not.
struct Identity {
    id: Option<Value>,
    created: Option<Value>,
}

impl Identity {
    fn of(event: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(event).unwrap_or_default();
        Self {
            id: value.get("id").cloned(),
            created: value.get("created").cloned(),
        }
    }

    fn put_into(&self, event: &[u8]) -> Bytes {
        let Ok(mut value) = serde_json::from_slice::<Value>(event) else {
            return Bytes::copy_from_slice(event);
        };
        for (name, own) in [("id", &self.id), ("created", &self.created)] {
            if let (Some(field), Some(own)) = (value.get_mut(name), own) {
                *field = own.clone();
            }
        }
        value.to_string().into()
    }
}

/// A hash of what an event says. Ids of calls carry the id of the answer and are left out.
fn content_hash(event: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    match serde_json::from_slice::<Value>(event) {
        Ok(mut value) => {
            let calls = value.pointer_mut("/choices/0/delta/tool_calls");
            for call in calls.and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(call) = call.as_object_mut() {
                    call.remove("id");
                }
            }
            value.get("choices").map(Value::to_string).hash(&mut hasher);
        }
        Err(_) => event.hash(&mut hasher),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_two_makings_are_compared_by_what_they_say() {
        let event = |id: &str, text: &str| {
            format!(
                "{{\"id\":\"{id}\",\"created\":1,\"choices\":[{{\"delta\":{{\"content\":\"{text}\",\
                \"tool_calls\":[{{\"id\":\"call_{id}\",\"index\":0}}]}}}}]}}"
            )
        };
        let (a, b) = (event("a", "x"), event("b", "x"));
        assert_eq!(content_hash(a.as_bytes()), content_hash(b.as_bytes()));
        assert_ne!(
            content_hash(a.as_bytes()),
            content_hash(event("a", "y").as_bytes())
        );
        let renamed = Identity::of(a.as_bytes()).put_into(b.as_bytes());
        let renamed: Value = serde_json::from_slice(&renamed).unwrap();
        assert_eq!(renamed["id"], "a");
    }
}
