//! Reads request bodies within limits of size and time.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::StreamExt;

use crate::openai::error::ApiError;

/// The whole body.
///
/// # Errors
///
/// If it is larger than `limit_bytes`, does not arrive within `time`, or breaks off.
pub(crate) async fn read(
    body: Body,
    limit_bytes: usize,
    time: Duration,
) -> Result<Bytes, ApiError> {
    let whole = async {
        let mut stream = body.into_data_stream();
        let mut bytes = Vec::new();
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| ApiError::BodyIncomplete {
                reason: error.to_string(),
            })?;
            if bytes.len() + piece.len() > limit_bytes {
                return Err(ApiError::BodyTooLarge { limit_bytes });
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Bytes::from(bytes))
    };
    tokio::time::timeout(time, whole).await.unwrap_or_else(|_| {
        Err(ApiError::BodyIncomplete {
            reason: format!("it took longer than {} s", time.as_secs()),
        })
    })
}
