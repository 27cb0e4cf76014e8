//! `POST /v1/embeddings` and `POST /rerank`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::sync::oneshot;
use weft_engine::{Event, GenerationRequest, SamplingParameters};

use super::{App, finish, named, prepare};
use crate::generation::Generation;
use crate::openai::completion::SinglePrompt;
use crate::openai::embedding::{
    Embedding, EmbeddingRequest, EmbeddingResponse, EmbeddingUsage, EncodingFormat, Vector,
};
use crate::openai::error::ApiError;
use crate::openai::read;
use crate::openai::rerank::{RerankDocument, RerankRequest, RerankResponse, RerankResult};

/// Most texts in one request.
const TEXTS_MAX: usize = 2048;

/// Embeds texts.
pub(super) async fn embed(State(app): State<Arc<App>>, body: Body) -> Response {
    let result = answer_embed(&app, body).await;
    finish(&app, result)
}

async fn answer_embed(app: &Arc<App>, body: Body) -> Result<Response, ApiError> {
    let (request, texts) = prepare(app, body, |app, value| {
        let request: EmbeddingRequest = read(&value)?;
        app.model.check_name(request.model.as_deref())?;
        let singles = request.input.clone().into_singles("input")?;
        check_count("input", singles.len())?;
        let texts = singles
            .into_iter()
            .map(|single| match single {
                SinglePrompt::Text(text) => app.model.encode_to_embed(&text),
                SinglePrompt::Tokens(tokens) => Ok(tokens),
            })
            .collect::<Result<Vec<Vec<u32>>, ApiError>>()?;
        Ok((request, texts))
    })
    .await?;
    let usage = usage_of(&texts);
    let mut data = Vec::with_capacity(texts.len());
    for (index, vector) in embed_all(app, texts).await?.into_iter().enumerate() {
        let vector = shorten(vector, request.dimensions)?;
        let embedding = match request.encoding_format.unwrap_or_default() {
            EncodingFormat::Float => Vector::Float(vector),
            EncodingFormat::Base64 => {
                let bytes: Vec<u8> = vector
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect();
                Vector::Base64(BASE64_STANDARD.encode(bytes))
            }
        };
        data.push(Embedding {
            object: "embedding",
            index,
            embedding,
        });
    }
    let response = EmbeddingResponse {
        object: "list",
        data,
        model: request.model.unwrap_or_else(|| app.model.name().to_owned()),
        usage,
    };
    Ok(Json(response).into_response())
}

/// Orders documents by how well they fit a query.
pub(super) async fn rerank(State(app): State<Arc<App>>, body: Body) -> Response {
    let result = answer_rerank(&app, body).await;
    finish(&app, result)
}

async fn answer_rerank(app: &Arc<App>, body: Body) -> Result<Response, ApiError> {
    let (request, prompts) = prepare(app, body, |app, value| {
        let request: RerankRequest = read(&value)?;
        app.model.check_name(request.model.as_deref())?;
        if request.documents.is_empty() {
            return Err(ApiError::invalid_param(
                "documents",
                "documents: must not be empty",
            ));
        }
        check_count("documents", request.documents.len())?;
        let documents = request.documents.iter().map(|document| document.text());
        let prompts = match app.model.judge_tokens() {
            Some(judge) => {
                let prompts =
                    documents.map(|text| app.model.encode(&judge_prompt(&request.query, text)));
                Prompts::Judge(judge, prompts.collect::<Result<_, _>>()?)
            }
            None => {
                let texts = std::iter::once(request.query.as_str()).chain(documents);
                let texts = texts.map(|text| app.model.encode_to_embed(text));
                Prompts::Embed(texts.collect::<Result<_, _>>()?)
            }
        };
        Ok((request, prompts))
    })
    .await?;
    let (usage, scores) = match prompts {
        Prompts::Judge(judge, prompts) => {
            (usage_of(&prompts), judge_all(app, judge, prompts).await?)
        }
        Prompts::Embed(texts) => {
            let usage = usage_of(&texts);
            let vectors = embed_all(app, texts).await?;
            let (query, documents) = vectors.split_first().ok_or_else(|| ApiError::Internal {
                message: "no vector was computed".to_owned(),
            })?;
            (
                usage,
                documents
                    .iter()
                    .map(|document| cosine(query, document))
                    .collect(),
            )
        }
    };
    let id = app.ids.next();
    let response = RerankResponse {
        id: format!("rerank-{id}"),
        results: results_of(&request, &scores),
        model: request.model.unwrap_or_else(|| app.model.name().to_owned()),
        usage,
    };
    Ok(named(&id, Json(response)))
}

/// How documents are judged.
enum Prompts {
    /// The model says whether each fits: prompts, and its tokens for no and yes.
    Judge([u32; 2], Vec<Vec<u32>>),
    /// By the angle between vectors, the query's first.
    Embed(Vec<Vec<u32>>),
}

/// The prompt of Qwen3-Reranker, from its model card.
fn judge_prompt(query: &str, document: &str) -> String {
    format!(
        "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query \
         and the Instruct provided. Note that the answer can only be \"yes\" or \
         \"no\".<|im_end|>\n<|im_start|>user\n<Instruct>: Given a web search query, retrieve \
         relevant passages that answer the query\n<Query>: {query}\n<Document>: \
         {document}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
    )
}

/// The probability of yes against no after each prompt.
async fn judge_all(
    app: &App,
    [no, yes]: [u32; 2],
    prompts: Vec<Vec<u32>>,
) -> Result<Vec<f32>, ApiError> {
    let mut scores = vec![0.0; prompts.len()];
    let requests = prompts.into_iter().map(|prompt| {
        let mut request = GenerationRequest::new(prompt);
        // The same bias on both leaves their difference as it is, and makes them the likeliest.
        request.sampling = SamplingParameters {
            logit_bias: vec![(no, 100.0), (yes, 100.0)],
            ..SamplingParameters::greedy()
        };
        request.max_tokens = Some(1);
        request.logprobs = Some(2);
        request
    });
    let mut generation = Generation::submit(&app.model.engine, &app.metrics, requests.collect())?;
    while let Some((index, event)) = generation.next().await? {
        if let Event::Token {
            logprobs: Some(logprobs),
            ..
        } = event
        {
            let of = |token| logprobs.top.iter().find(|each| each.token == token);
            if let (Some(no), Some(yes)) = (of(no), of(yes)) {
                scores[index] = 1.0 / (1.0 + (no.logprob - yes.logprob).exp());
            }
        }
    }
    Ok(scores)
}

fn results_of(request: &RerankRequest, scores: &[f32]) -> Vec<RerankResult> {
    let mut results: Vec<RerankResult> = scores
        .iter()
        .zip(&request.documents)
        .enumerate()
        .map(|(index, (&relevance_score, document))| RerankResult {
            index,
            document: (request.return_documents != Some(false)).then(|| RerankDocument {
                text: document.text().to_owned(),
            }),
            relevance_score,
        })
        .collect();
    // Equal documents keep their order.
    results.sort_by(|a, b| b.relevance_score.total_cmp(&a.relevance_score));
    results.truncate(request.top_n.unwrap_or(usize::MAX));
    results
}

/// Vectors of all texts, in order.
async fn embed_all(app: &App, texts: Vec<Vec<u32>>) -> Result<Vec<Vec<f32>>, ApiError> {
    let mut pending = Vec::with_capacity(texts.len());
    for tokens in texts {
        let (sender, receiver) = oneshot::channel();
        // Nobody may be left to hear the answer.
        let sink = Box::new(move |result| drop(sender.send(result)));
        app.model.engine.embed(tokens, sink)?;
        pending.push(receiver);
    }
    let mut vectors = Vec::with_capacity(pending.len());
    for receiver in pending {
        let result = receiver.await.map_err(|_| ApiError::Unavailable {
            reason: "the engine has stopped".to_owned(),
        })?;
        vectors.push(result?);
    }
    Ok(vectors)
}

fn check_count(field: &str, count: usize) -> Result<(), ApiError> {
    if count > TEXTS_MAX {
        let message = format!("{field}: {count} texts are more than {TEXTS_MAX}");
        return Err(ApiError::invalid_param(field, message));
    }
    Ok(())
}

fn usage_of(texts: &[Vec<u32>]) -> EmbeddingUsage {
    let prompt_tokens = texts.iter().map(Vec::len).sum();
    EmbeddingUsage {
        prompt_tokens,
        total_tokens: prompt_tokens,
    }
}

/// The first `dimensions` of a vector, of length 1 again.
fn shorten(mut vector: Vec<f32>, dimensions: Option<usize>) -> Result<Vec<f32>, ApiError> {
    let Some(dimensions) = dimensions else {
        return Ok(vector);
    };
    if dimensions == 0 || dimensions > vector.len() {
        let message = format!("dimensions: {dimensions} is not in 1..={}", vector.len());
        return Err(ApiError::invalid_param("dimensions", message));
    }
    vector.truncate(dimensions);
    let length = dot(&vector, &vector).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
    Ok(vector)
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 {
        dot(a, b) / lengths
    } else {
        0.0
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_shortened_vector_has_length_one() {
        let vector = shorten(vec![3.0, 4.0, 12.0], Some(2)).unwrap();
        assert_eq!(vector, [0.6, 0.8]);
        assert!(shorten(vec![1.0], Some(2)).is_err());
        assert!(shorten(vec![1.0], Some(0)).is_err());
    }

    #[test]
    fn documents_are_ordered_and_cut() {
        let request: RerankRequest = read(&json!({
            "query": "q", "documents": ["a", {"text": "b"}, "c"], "top_n": 2}))
        .unwrap();
        let results = results_of(&request, &[0.5, 0.9, 0.5]);
        let order: Vec<usize> = results.iter().map(|result| result.index).collect();
        assert_eq!(order, [1, 0]);
        assert_eq!(results[0].document.as_ref().unwrap().text, "b");
    }
}
