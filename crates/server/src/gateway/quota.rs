//! What a key may use, as buckets that fill again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::config::KeyConfig;
use crate::openai::error::ApiError;

/// An amount that is used up and fills again; a minute's worth at most.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    level: f64,
    per_minute: f64,
    filled: Instant,
}

impl Bucket {
    fn new(per_minute: f64, now: Instant) -> Self {
        Self {
            level: per_minute,
            per_minute,
            filled: now,
        }
    }

    fn fill(&mut self, now: Instant) {
        let minutes = now.saturating_duration_since(self.filled).as_secs_f64() / 60.0;
        self.level = (self.level + minutes * self.per_minute).min(self.per_minute);
        self.filled = now;
    }
}

/// The buckets of all keys.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    keys: Mutex<BTreeMap<String, [Option<Bucket>; 2]>>,
}

impl Quotas {
    /// Takes a request from a key's quota. Tokens are paid afterwards, so they may go below zero;
    /// then nothing more is taken until they have filled again.
    pub(crate) fn take(&self, key: &KeyConfig, now: Instant) -> Result<(), ApiError> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let buckets = keys.entry(key.key.clone()).or_default();
        let limits = [key.requests_per_minute, key.tokens_per_minute];
        for (bucket, limit) in buckets.iter_mut().zip(limits) {
            // A quota that was changed begins anew.
            if bucket.map(|bucket| bucket.per_minute) != limit {
                *bucket = limit.map(|limit| Bucket::new(limit, now));
            }
            if let Some(bucket) = bucket {
                bucket.fill(now);
            }
        }
        let [requests, tokens] = buckets;
        let refused = |what: &str| ApiError::Quota {
            message: format!("key `{}` has used up its {what} per minute", key.name),
        };
        if tokens.is_some_and(|bucket| bucket.level <= 0.0) {
            return Err(refused("tokens"));
        }
        if let Some(bucket) = requests {
            if bucket.level < 1.0 {
                return Err(refused("requests"));
            }
            bucket.level -= 1.0;
        }
        Ok(())
    }

    /// Pays for the tokens of an answer.
    pub(crate) fn pay(&self, key: &KeyConfig, tokens: f64) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some([_, Some(bucket)]) = keys.get_mut(&key.key) {
            bucket.level -= tokens;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_used_up_fills_again() {
        let key = KeyConfig {
            key: "k".to_owned(),
            name: "n".to_owned(),
            requests_per_minute: Some(2.0),
            tokens_per_minute: Some(60.0),
        };
        let quotas = Quotas::default();
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert!(quotas.take(&key, at(0)).is_ok());
        assert!(quotas.take(&key, at(0)).is_ok());
        assert!(quotas.take(&key, at(0)).is_err());
        assert!(quotas.take(&key, at(30)).is_ok());
        quotas.pay(&key, 90.0);
        assert!(
            quotas
                .take(&key, at(60))
                .unwrap_err()
                .to_string()
                .contains("tokens")
        );
        assert!(quotas.take(&key, at(100)).is_ok());
    }
}
