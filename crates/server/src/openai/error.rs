//! Errors of the API: what went wrong, its HTTP status, and the body that OpenAI clients read.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Seconds after which a client that met a full queue should try again.
const RETRY_AFTER_SECONDS: &str = "1";

/// Why a request is not answered.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// The client asked for something malformed or unsupported.
    #[error("{message}")]
    Invalid {
        /// What is wrong, for the person who wrote the request.
        message: String,
        /// The field at fault.
        param: Option<String>,
        /// A word that programs can test for.
        code: Option<&'static str>,
    },
    /// No key, or one that is not accepted.
    #[error("the API key is missing or not accepted; send it as `Authorization: Bearer KEY`")]
    Unauthorized,
    /// The key is accepted but has used up what it may.
    #[error("{message}")]
    Quota {
        /// Which quota, and when it is refilled.
        message: String,
    },
    /// A model that is not served here.
    #[error("the model `{model}` is not served here; available: {available}")]
    ModelNotFound {
        /// The name in the request.
        model: String,
        /// The names that would have been accepted.
        available: String,
    },
    /// No such path.
    #[error("there is no `{path}` here")]
    NotFound {
        /// The path of the request.
        path: String,
    },
    /// The path exists with another method.
    #[error("`{path}` does not take this method")]
    MethodNotAllowed {
        /// The path of the request.
        path: String,
    },
    /// The body is larger than the server reads.
    #[error("the body is larger than {limit_bytes} bytes")]
    BodyTooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// The body did not arrive in time, or its connection broke.
    #[error("the body did not arrive completely: {reason}")]
    BodyIncomplete {
        /// What happened to it.
        reason: String,
    },
    /// The queue is full.
    #[error("overloaded: {reason}; try again later")]
    Overloaded {
        /// Which limit was reached.
        reason: String,
    },
    /// The server is shutting down, or has nothing to answer with.
    #[error("not available: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// An upstream server failed.
    #[error("no backend answered: {reason}")]
    BadGateway {
        /// The last failure.
        reason: String,
    },
    /// A fault of ours or of the device.
    #[error("{message}")]
    Internal {
        /// What failed.
        message: String,
    },
}

impl ApiError {
    /// A request that cannot be served as it is.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid {
            message: message.into(),
            param: None,
            code: None,
        }
    }

    /// A request with one field at fault.
    pub(crate) fn invalid_param(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid {
            message: message.into(),
            param: Some(param.into()),
            code: None,
        }
    }

    /// A field that exists in the API but is not supported here.
    pub(crate) fn unsupported(param: &str) -> Self {
        Self::Invalid {
            message: format!("`{param}` is not supported by this server"),
            param: Some(param.to_owned()),
            code: Some("unsupported_parameter"),
        }
    }

    /// A prompt, or prompt and answer, that do not fit into the model's context.
    pub(crate) fn context_overflow(
        prompt_tokens: usize,
        answer_tokens: usize,
        context: usize,
    ) -> Self {
        Self::Invalid {
            message: format!(
                "this model's maximum context length is {context} tokens, but the request has \
                 {prompt_tokens} input tokens and asks for {answer_tokens} more"
            ),
            param: Some("messages".to_owned()),
            code: Some("context_length_exceeded"),
        }
    }

    /// The field at fault, if it is one.
    pub(crate) fn param(&self) -> Option<&str> {
        match self {
            Self::Invalid { param, .. } => param.as_deref(),
            Self::ModelNotFound { .. } => Some("model"),
            Self::Unauthorized
            | Self::Quota { .. }
            | Self::NotFound { .. }
            | Self::MethodNotAllowed { .. }
            | Self::BodyTooLarge { .. }
            | Self::BodyIncomplete { .. }
            | Self::Overloaded { .. }
            | Self::Unavailable { .. }
            | Self::BadGateway { .. }
            | Self::Internal { .. } => None,
        }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Invalid { .. } => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Quota { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::ModelNotFound { .. } | Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyIncomplete { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Overloaded { .. } | Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::BadGateway { .. } => StatusCode::BAD_GATEWAY,
            Self::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The kind of error as OpenAI names it; also the label of the metric that counts it.
    pub(crate) fn error_type(&self) -> &'static str {
        match self {
            Self::Invalid { .. }
            | Self::Unauthorized
            | Self::ModelNotFound { .. }
            | Self::NotFound { .. }
            | Self::MethodNotAllowed { .. }
            | Self::BodyTooLarge { .. }
            | Self::BodyIncomplete { .. } => "invalid_request_error",
            Self::Quota { .. } => "insufficient_quota",
            Self::Overloaded { .. } | Self::Unavailable { .. } => "service_unavailable",
            Self::BadGateway { .. } | Self::Internal { .. } => "server_error",
        }
    }

    fn code(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { code, .. } => *code,
            Self::Unauthorized => Some("invalid_api_key"),
            Self::Quota { .. } => Some("rate_limit_exceeded"),
            Self::ModelNotFound { .. } => Some("model_not_found"),
            Self::NotFound { .. } => Some("unknown_url"),
            Self::MethodNotAllowed { .. } => Some("method_not_allowed"),
            Self::BodyTooLarge { .. } => Some("body_too_large"),
            Self::BodyIncomplete { .. } => Some("body_incomplete"),
            Self::Overloaded { .. } => Some("overloaded"),
            Self::Unavailable { .. } => Some("unavailable"),
            Self::BadGateway { .. } => Some("bad_gateway"),
            Self::Internal { .. } => None,
        }
    }

    /// The body that clients read, also sent inside a stream that fails after it began.
    pub(crate) fn body(&self) -> ErrorBody {
        ErrorBody {
            error: ErrorObject {
                message: self.to_string(),
                r#type: self.error_type(),
                param: self.param().map(str::to_owned),
                code: self.code(),
            },
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.body())).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Overloaded { .. } | Self::Unavailable { .. } | Self::Quota { .. } => {
                headers.insert(
                    header::RETRY_AFTER,
                    HeaderValue::from_static(RETRY_AFTER_SECONDS),
                );
            }
            Self::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // What is left of the body is not read, so the connection cannot be used again.
            Self::BodyTooLarge { .. } | Self::BodyIncomplete { .. } => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Self::Invalid { .. }
            | Self::ModelNotFound { .. }
            | Self::NotFound { .. }
            | Self::MethodNotAllowed { .. }
            | Self::BadGateway { .. }
            | Self::Internal { .. } => {}
        }
        response
    }
}

/// `{"error": {...}}`.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody {
    error: ErrorObject,
}

#[derive(Debug, Serialize)]
struct ErrorObject {
    message: String,
    r#type: &'static str,
    param: Option<String>,
    code: Option<&'static str>,
}
