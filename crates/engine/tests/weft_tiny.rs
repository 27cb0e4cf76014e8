//! The engine from text to text, on the model that the project ships: answers are those that
//! Transformers computed (`report.json` beside the model), whatever else runs.

use serde_json::Value;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use weft_engine::{
    ChipAccelerator, ConstraintError, ConstraintStep, Engine, EngineHandle, EngineOptions, Event,
    FinishReason, GenerationRequest, ModelDirectory, Quantization, RequestError, RequestId,
    SamplingParameters, SubmitError, TokenConstraint, TokenSet, Usage,
};

fn directory() -> ModelDirectory {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/weft-tiny");
    ModelDirectory::open(&path).expect("the shipped model")
}

fn engine(options: &EngineOptions) -> Engine {
    let chip = ChipAccelerator::new(weft_driver::Config::default()).expect("a chip");
    Engine::load(&directory(), Box::new(chip), options).expect("an engine")
}

/// One engine for the tests that need no options of their own.
fn shared() -> EngineHandle {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| engine(&EngineOptions::default()));
    engine.handle()
}

fn chat(handle: &EngineHandle, text: &str) -> Vec<u32> {
    let prompt = format!("<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n");
    let tokenizer = handle.tokenizer().expect("a tokenizer");
    tokenizer.encode(&prompt).expect("tokens")
}

fn greedy(handle: &EngineHandle, text: &str) -> GenerationRequest {
    let mut request = GenerationRequest::new(chat(handle, text));
    request.sampling = SamplingParameters::greedy();
    request.max_tokens = Some(110);
    request
}

fn submit(handle: &EngineHandle, request: GenerationRequest) -> (RequestId, Receiver<Event>) {
    let (sender, events) = channel();
    let sink = Box::new(move |event| sender.send(event).is_ok());
    (handle.submit(request, sink).expect("admitted"), events)
}

/// One finished answer.
#[derive(Debug, Default, PartialEq)]
struct Answer {
    tokens: Vec<u32>,
    text: String,
    reason: Option<FinishReason>,
    usage: Usage,
}

/// All answers of a request, by number.
fn collect(events: &Receiver<Event>, n: usize) -> Vec<Answer> {
    let mut answers: Vec<Answer> = (0..n).map(|_| Answer::default()).collect();
    for event in events {
        match event {
            Event::Token {
                answer,
                token,
                text,
                ..
            } => {
                let answer = &mut answers[answer as usize];
                assert_eq!(answer.reason, None, "a token after the end");
                answer.tokens.push(token);
                answer.text.push_str(&text);
            }
            Event::Finished {
                answer,
                reason,
                text,
                usage,
            } => {
                let answer = &mut answers[answer as usize];
                answer.text.push_str(&text);
                answer.reason = Some(reason);
                answer.usage = usage;
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    assert!(answers.iter().all(|answer| answer.reason.is_some()));
    answers
}

fn answer(handle: &EngineHandle, request: GenerationRequest) -> Answer {
    let (_, events) = submit(handle, request);
    collect(&events, 1).remove(0)
}

/// Prompts of the model's report with the greedy answers of Transformers.
fn samples() -> Vec<(String, String)> {
    let path = directory().path().join("report.json");
    let report = std::fs::read_to_string(path).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let text = |sample: &Value, field: &str| sample[field].as_str().expect("a text").to_owned();
    let samples = report["samples"].as_array().expect("samples").iter();
    let mut pairs: Vec<(String, String)> = samples
        .map(|sample| (text(sample, "prompt"), text(sample, "greedy")))
        .collect();
    // Several prompts get the same long answer: that it does not know. One is enough.
    pairs.dedup_by(|b, a| a.1 == b.1 && a.1.len() > 100);
    pairs
}

#[test]
fn answers_are_those_of_transformers_in_one_batch() {
    let handle = shared();
    let open: Vec<_> = samples()
        .into_iter()
        .map(|(prompt, expected)| {
            let (_, events) = submit(&handle, greedy(&handle, &prompt));
            (prompt, expected, events)
        })
        .collect();
    assert_eq!(open.len(), 27);
    for (prompt, expected, events) in open {
        assert_eq!(collect(&events, 1).remove(0).text, expected, "{prompt}");
    }
}

#[test]
fn the_same_seed_gives_the_same_tokens_in_any_company() {
    let handle = shared();
    let request = || {
        let mut request = GenerationRequest::new(chat(&handle, "Tell me a story about a fox."));
        request.sampling.temperature = 1.2;
        request.sampling.top_p = 0.98;
        request.sampling.seed = Some(7);
        request.max_tokens = Some(24);
        request
    };
    let alone = answer(&handle, request());
    let others: Vec<_> = (0..6)
        .map(|index| {
            let mut other = greedy(&handle, &format!("{index} plus {index}?"));
            other.max_tokens = Some(8 + index);
            submit(&handle, other).1
        })
        .collect();
    let beside = answer(&handle, request());
    assert_eq!(alone.tokens, beside.tokens);
    assert!(alone.tokens.len() > 4);
    for events in others {
        collect(&events, 1);
    }
    let mut other_seed = request();
    other_seed.sampling.seed = Some(8);
    assert_ne!(answer(&handle, other_seed).tokens, alone.tokens);
}

#[test]
fn a_cache_that_is_too_small_preempts_and_changes_nothing() {
    let mut options = EngineOptions::default();
    options.context = Some(96);
    options.kv_cache_tokens = Some(128);
    options.max_running = 4;
    options.max_step_tokens = 16;
    let small = engine(&options);
    let handle = small.handle();
    let request = |index: u32| {
        let mut request = greedy(&handle, &format!("Tell me a story about a fox {index}."));
        request.ignore_eos = true;
        request.max_tokens = Some(40);
        request
    };
    let open: Vec<_> = (0..3).map(|i| submit(&handle, request(i)).1).collect();
    let answers: Vec<_> = open.iter().map(|each| collect(each, 1).remove(0)).collect();
    assert!(handle.metrics().preemptions > 0, "{:?}", handle.metrics());
    for (index, found) in (0..).zip(answers) {
        let reference = answer(&shared(), request(index));
        assert_eq!(found.tokens, reference.tokens);
        assert_eq!(found.reason, Some(FinishReason::Length));
    }
    let metrics = handle.metrics();
    assert_eq!((metrics.running, metrics.waiting), (0, 0));
    assert_eq!(metrics.kv_blocks_used, 0);
}

#[test]
fn a_prefix_is_computed_once_and_answers_share_a_prompt() {
    let own = engine(&EngineOptions::default());
    let handle = own.handle();
    let tokenizer = handle.tokenizer().expect("a tokenizer");
    let mut prompt = tokenizer
        .encode(&"Order: 3 red lamps. ".repeat(12))
        .expect("tokens");
    prompt.truncate(80);
    let request = |n: u32| {
        let mut request = GenerationRequest::new(prompt.clone());
        request.sampling = SamplingParameters::greedy();
        request.ignore_eos = true;
        request.max_tokens = Some(4);
        request.n = n;
        request
    };
    let (_, events) = submit(&handle, request(3));
    let answers = collect(&events, 3);
    // 80 tokens are two full blocks of 32 and a part.
    let cached: Vec<_> = answers
        .iter()
        .map(|each| each.usage.cached_tokens)
        .collect();
    assert_eq!(cached, [0, 64, 64]);
    assert_eq!(answers[0].tokens, answers[1].tokens);
    assert_eq!(answers[0].tokens, answers[2].tokens);
    let again = answer(&handle, request(1));
    assert_eq!(again.usage.cached_tokens, 64);
    assert_eq!(again.tokens, answers[0].tokens);
    assert_eq!(handle.metrics().prefix_hits, 3 * 64);
}

#[test]
fn stop_strings_end_the_text_before_them() {
    let handle = shared();
    let whole = answer(&handle, greedy(&handle, "Hello!"));
    assert_eq!(whole.reason, Some(FinishReason::StopToken(2)));
    assert_eq!(whole.usage.generated_tokens as usize, whole.tokens.len());
    let (before, _) = whole.text.split_once("tiny").expect("the word");
    let mut request = greedy(&handle, "Hello!");
    request.stop_strings = vec!["tiny".to_owned()];
    let stopped = answer(&handle, request);
    assert_eq!(stopped.text, before);
    assert_eq!(
        stopped.reason,
        Some(FinishReason::StopString("tiny".to_owned()))
    );
    let mut request = greedy(&handle, "Hello!");
    request.stop_strings = vec!["tiny".to_owned()];
    request.include_stop_string = true;
    assert_eq!(answer(&handle, request).text, format!("{before}tiny"));
}

#[test]
fn logprobs_are_of_a_distribution() {
    let handle = shared();
    let mut request = greedy(&handle, "Hello!");
    request.logprobs = Some(5);
    request.max_tokens = Some(3);
    let (_, events) = submit(&handle, request);
    let mut seen = 0;
    for event in events {
        if let Event::Token {
            token, logprobs, ..
        } = event
        {
            let logprobs = logprobs.expect("asked for");
            assert_eq!(logprobs.top.len(), 5);
            assert_eq!(logprobs.top[0].token, token, "greedy takes the likeliest");
            assert_eq!(logprobs.top[0], logprobs.chosen);
            let falls = logprobs
                .top
                .windows(2)
                .all(|w| w[0].logprob >= w[1].logprob);
            let sum: f32 = logprobs.top.iter().map(|each| each.logprob.exp()).sum();
            assert!(falls && sum > 0.5 && sum < 1.0001, "{logprobs:?}");
            seen += 1;
        }
    }
    assert_eq!(seen, 3);
}

/// Lets only the given tokens come, in order.
struct Exactly(Vec<u32>, usize);

impl TokenConstraint for Exactly {
    fn allowed(&mut self, allowed: &mut TokenSet) -> Result<ConstraintStep, ConstraintError> {
        let Some(&token) = self.0.get(self.1) else {
            return Ok(ConstraintStep::Complete);
        };
        allowed.insert(token);
        Ok(ConstraintStep::Restricted)
    }

    fn accept(&mut self, token: u32) -> Result<(), ConstraintError> {
        assert_eq!(token, self.0[self.1]);
        self.1 += 1;
        Ok(())
    }

    fn fork(&self) -> Box<dyn TokenConstraint> {
        Box::new(Self(self.0.clone(), self.1))
    }
}

#[test]
fn a_constraint_decides_what_comes() {
    let handle = shared();
    let tokenizer = handle.tokenizer().expect("a tokenizer");
    let wanted = tokenizer.encode("negative or not").expect("tokens");
    let mut request = greedy(&handle, "Sentiment: The food is great.");
    request.constraint = Some(Box::new(Exactly(wanted.clone(), 0)));
    let found = answer(&handle, request);
    assert_eq!(found.tokens, wanted);
    assert_eq!(found.text, "negative or not");
    assert_eq!(found.reason, Some(FinishReason::Constraint));
}

#[test]
fn a_request_can_be_cancelled_and_others_go_on() {
    let handle = shared();
    let long = || {
        let mut request = greedy(&handle, "Tell me a story about a fox.");
        request.ignore_eos = true;
        request.max_tokens = Some(400);
        request
    };
    let (id, events) = submit(&handle, long());
    let first = events.recv().expect("a token");
    assert!(matches!(first, Event::Token { .. }));
    handle.cancel(id);
    let rest: Vec<Event> = events.iter().collect();
    assert!(matches!(
        rest.last(),
        Some(Event::Finished {
            reason: FinishReason::Cancelled,
            ..
        })
    ));
    assert!(rest.len() < 390);
    // A sink that says nobody listens ends its request too.
    let (_, events) = submit(&handle, long());
    drop(events);
    let after = answer(&handle, greedy(&handle, "Thanks"));
    assert_eq!(after.text, "You are welcome!");
}

#[test]
fn embeddings_are_of_length_one_and_depend_on_the_text() {
    let handle = shared();
    let embed = |text: &str| {
        let (sender, result) = channel();
        let tokens = handle.tokenizer().expect("a tokenizer").encode(text);
        let sink = Box::new(move |vector| {
            let _ = sender.send(vector);
        });
        handle
            .embed(tokens.expect("tokens"), sink)
            .expect("admitted");
        result.recv().expect("an answer").expect("a vector")
    };
    let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(x, y)| x * y).sum() };
    let (a, b) = (embed("the food is great"), embed("12 plus 7"));
    assert_eq!(a.len(), handle.config().hidden_size as usize);
    assert!((dot(&a, &a) - 1.0).abs() < 1e-5);
    assert!(dot(&a, &b) < 0.99);
    assert_eq!(a, embed("the food is great"));
}

#[test]
fn bad_requests_are_refused() {
    let handle = shared();
    let refused = |request: GenerationRequest| {
        handle
            .submit(request, Box::new(|_| true))
            .expect_err("a refusal")
    };
    assert_eq!(
        refused(GenerationRequest::new(Vec::new())),
        SubmitError::EmptyPrompt
    );
    assert_eq!(
        refused(GenerationRequest::new(vec![5; 512])),
        SubmitError::PromptTooLong {
            length: 512,
            context: 512
        }
    );
    assert_eq!(
        refused(GenerationRequest::new(vec![2048])),
        SubmitError::TokenOutOfRange {
            token: 2048,
            vocabulary: 2048
        }
    );
    let mut request = GenerationRequest::new(vec![5]);
    request.sampling.top_p = f32::NAN;
    assert!(matches!(
        refused(request),
        SubmitError::InvalidParameter { name: "top_p", .. }
    ));
}

#[test]
fn the_queue_has_limits_and_a_shutdown_fails_what_is_open() {
    let mut options = EngineOptions::default();
    options.max_waiting = 2;
    options.max_running = 1;
    let own = engine(&options);
    let handle = own.handle();
    let request = || {
        let mut request = greedy(&handle, "Tell me a story about a fox.");
        request.ignore_eos = true;
        request.max_tokens = Some(400);
        request
    };
    let (_, first) = submit(&handle, request());
    assert!(matches!(first.recv(), Ok(Event::Token { .. })), "it runs");
    let (_, second) = submit(&handle, request());
    let (_, third) = submit(&handle, request());
    let refusal = handle.submit(request(), Box::new(|_| true));
    assert_eq!(
        refusal,
        Err(SubmitError::QueueFull {
            waiting: 2,
            limit: 2
        })
    );
    drop(own);
    for events in [first, second, third] {
        let last = events.iter().last();
        assert_eq!(last, Some(Event::Failed(RequestError::Shutdown)));
    }
    assert!(matches!(
        handle.submit(request(), Box::new(|_| true)),
        Err(SubmitError::Stopped(_))
    ));
}

/// Quantised weights change logits, and seldom the answer of a model that is sure of it. Short
/// answers only, to save time.
#[test]
fn quantised_models_give_nearly_all_answers() {
    for (quantization, at_least) in [(Quantization::Int8, 22), (Quantization::Int4, 18)] {
        let mut options = EngineOptions::default();
        options.quantization = quantization;
        let own = engine(&options);
        let handle = own.handle();
        let open: Vec<_> = samples()
            .into_iter()
            .filter(|(_, expected)| expected.len() < 80)
            .map(|(prompt, expected)| (submit(&handle, greedy(&handle, &prompt)).1, expected))
            .collect();
        let all = open.len();
        let right = open
            .into_iter()
            .filter(|(events, expected)| collect(events, 1).remove(0).text == *expected)
            .count();
        assert!(right >= at_least, "{quantization:?}: {right} of {all}");
    }
}
