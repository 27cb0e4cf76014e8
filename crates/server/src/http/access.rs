//! API keys.

use std::collections::BTreeSet;

use axum::http::{HeaderMap, header};

use crate::openai::error::ApiError;

/// The keys that are accepted; with none, everyone is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys(BTreeSet<String>);

impl Keys {
    /// Accepts these.
    pub(crate) fn new(keys: impl IntoIterator<Item = String>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// Refuses a request without an accepted key.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let key = bearer(headers).ok_or(ApiError::Unauthorized)?;
        // All keys are compared, and each to its end: the time does not tell how much was right.
        let accepted = self
            .0
            .iter()
            .fold(false, |found, each| found | equal(each, key));
        if accepted {
            Ok(())
        } else {
            Err(ApiError::Unauthorized)
        }
    }
}

/// The key in `Authorization: Bearer KEY`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn equal(a: &str, b: &str) -> bool {
    let differences = a
        .bytes()
        .zip(b.bytes())
        .fold(0, |bits, (a, b)| bits | (a ^ b));
    a.len() == b.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        headers
    }

    #[test]
    fn only_the_keys_are_accepted() {
        let keys = Keys::new(["one".to_owned(), "two".to_owned()]);
        assert!(keys.check(&headers("Bearer two")).is_ok());
        assert!(keys.check(&headers("bearer one")).is_ok());
        for wrong in ["Bearer on", "Bearer onee", "Bearer ", "Basic one", "one"] {
            assert_eq!(
                keys.check(&headers(wrong)),
                Err(ApiError::Unauthorized),
                "{wrong}"
            );
        }
        assert!(keys.check(&HeaderMap::new()).is_err());
        assert!(Keys::default().check(&HeaderMap::new()).is_ok());
    }
}
