//! The engine's thread: commands in, steps, events out.

use super::{ExportSink, ImportSink, Shared};
use crate::answer::{Answer, ModelFacts};
use crate::error::Error;
use crate::kernels::BLOCK_TOKENS;
use crate::metrics::Metrics;
use crate::model::{Batch, Model};
use crate::request::{
    EmbeddingSink, Event, EventSink, FinishReason, GenerationRequest, RequestError, RequestId,
};
use crate::scheduler::{Scheduler, SequenceId, Step};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

/// What a handle asks for.
pub(super) enum Command {
    Generate {
        id: RequestId,
        request: GenerationRequest,
        sink: EventSink,
    },
    Embed {
        id: RequestId,
        tokens: Vec<u32>,
        sink: EmbeddingSink,
    },
    Cancel(RequestId),
    /// Blocks of the beginning of `tokens`, from block `first` on.
    Export {
        tokens: Vec<u32>,
        first: usize,
        blocks_max: usize,
        sink: ExportSink,
    },
    /// The content of the blocks of `tokens` from block `first` on.
    Import {
        tokens: Vec<u32>,
        first: usize,
        bytes: Vec<u8>,
        sink: ImportSink,
    },
    Shutdown,
}

/// The thread's state.
pub(super) struct Core {
    shared: Arc<Shared>,
    model: Model,
    scheduler: Scheduler,
    /// Open sequences. Generating ones have their sink in `sinks`.
    work: BTreeMap<SequenceId, Work>,
    sinks: BTreeMap<RequestId, Listener>,
    last_sequence: SequenceId,
    metrics: Metrics,
}

enum Work {
    Generate(Box<Answer>),
    Embed(RequestId, EmbeddingSink),
}

/// Where the events of a request go.
struct Listener {
    sink: EventSink,
    /// Answers that are not finished.
    open: u32,
}

/// The engine goes on, or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    GoOn,
    End,
}

impl Core {
    pub(super) fn new(shared: Arc<Shared>, model: Model, scheduler: Scheduler) -> Self {
        let mut core = Self {
            shared,
            model,
            scheduler,
            work: BTreeMap::new(),
            sinks: BTreeMap::new(),
            last_sequence: 0,
            metrics: Metrics::default(),
        };
        core.publish();
        core
    }

    /// Serves until shut down or the accelerator fails.
    pub(super) fn run(&mut self, commands: &Receiver<Command>) {
        let error = loop {
            if self.take_commands(commands) == Life::End {
                break None;
            }
            let step = self.scheduler.schedule();
            if step.items.is_empty() {
                continue;
            }
            // Before anyone is told of the step: who hears of it may look at the queue.
            self.publish();
            if let Err(error) = self.step(&step) {
                break Some(error);
            }
            self.publish();
        };
        let (why, stopped) = match error {
            None => (RequestError::Shutdown, "it was shut down".to_owned()),
            Some(error) => (RequestError::Engine(error.to_string()), error.to_string()),
        };
        self.shared.state().stopped = Some(stopped);
        self.fail_all(&why);
        // Requests sent before the handles could see that the engine has stopped.
        while let Ok(command) = commands.try_recv() {
            match command {
                Command::Generate { mut sink, .. } => {
                    sink(Event::Failed(why.clone()));
                }
                Command::Embed { sink, .. } => sink(Err(why.clone())),
                Command::Export { sink, .. } => sink(Err(why.clone())),
                Command::Import { sink, .. } => sink(Err(why.clone())),
                Command::Cancel(_) | Command::Shutdown => {}
            }
        }
        self.publish();
    }

    /// Takes what was asked for; waits if there is nothing else to do.
    fn take_commands(&mut self, commands: &Receiver<Command>) -> Life {
        loop {
            let idle = self.work.is_empty();
            let command = if idle {
                self.publish();
                match commands.recv() {
                    Ok(command) => command,
                    Err(_) => return Life::End,
                }
            } else {
                match commands.try_recv() {
                    Ok(command) => command,
                    Err(TryRecvError::Empty) => return Life::GoOn,
                    Err(TryRecvError::Disconnected) => return Life::End,
                }
            };
            match command {
                Command::Generate { id, request, sink } => self.begin(id, request, sink),
                Command::Embed { id, tokens, sink } => {
                    self.count_prompt(1, tokens.len());
                    let sequence = self.next_sequence();
                    self.scheduler.add(sequence, tokens, 0, None);
                    self.work.insert(sequence, Work::Embed(id, sink));
                }
                Command::Cancel(id) => self.cancel(id),
                Command::Export {
                    tokens,
                    first,
                    blocks_max,
                    sink,
                } => sink(self.export(&tokens, first, blocks_max)),
                Command::Import {
                    tokens,
                    first,
                    bytes,
                    sink,
                } => sink(self.import(&tokens, first, &bytes)),
                Command::Shutdown => return Life::End,
            }
        }
    }

    fn begin(&mut self, id: RequestId, request: GenerationRequest, sink: EventSink) {
        self.count_prompt(request.n as usize, request.prompt.len());
        let facts = ModelFacts {
            vocabulary: self.model.config().vocab_size,
            eos: &self.shared.eos,
            max_length: (self.shared.context as usize).min(self.scheduler.max_tokens()),
        };
        let answers: Vec<Answer> = (0..request.n)
            .map(|index| Answer::new(id, index, &request, facts))
            .collect();
        let mut leader = None;
        for answer in answers {
            let sequence = self.next_sequence();
            let prompt = request.prompt.clone();
            self.scheduler
                .add(sequence, prompt, request.priority, leader);
            leader.get_or_insert(sequence);
            self.work.insert(sequence, Work::Generate(Box::new(answer)));
        }
        let open = request.n;
        self.sinks.insert(id, Listener { sink, open });
    }

    fn export(
        &mut self,
        tokens: &[u32],
        first: usize,
        blocks_max: usize,
    ) -> Result<Vec<u8>, RequestError> {
        let blocks = self.scheduler.cached_blocks(tokens);
        let mut bytes = Vec::new();
        for &block in blocks.iter().skip(first).take(blocks_max) {
            self.model
                .read_block(block, &mut bytes)
                .map_err(|error| RequestError::Engine(error.to_string()))?;
        }
        Ok(bytes)
    }

    fn import(
        &mut self,
        tokens: &[u32],
        first: usize,
        bytes: &[u8],
    ) -> Result<usize, RequestError> {
        let model = &mut self.model;
        let size = model.block_bytes();
        if bytes.is_empty() {
            return Ok(self.scheduler.cached_blocks(tokens).len() * BLOCK_TOKENS as usize);
        }
        let end = (first + bytes.len() / size) * BLOCK_TOKENS as usize;
        let tokens = &tokens[..end.min(tokens.len())];
        let blocks = self
            .scheduler
            .adopt(tokens, first, |block, index| {
                model.write_block(block, &bytes[(index - first) * size..][..size])
            })
            .map_err(|error: Error| RequestError::Engine(error.to_string()))?;
        Ok(blocks * BLOCK_TOKENS as usize)
    }

    /// Moves a request from the handles' queue to the scheduler's.
    fn count_prompt(&mut self, answers: usize, prompt: usize) {
        self.metrics.prompt_tokens += prompt as u64;
        self.metrics.waiting += answers;
        let mut state = self.shared.state();
        state.waiting -= answers;
        state.waiting_tokens -= answers * prompt;
        state.metrics.waiting += answers;
    }

    const fn next_sequence(&mut self) -> SequenceId {
        self.last_sequence += 1;
        self.last_sequence
    }

    /// Computes a step and tells everyone.
    fn step(&mut self, step: &Step) -> Result<(), Error> {
        let (batch, generating, embedding) = self.batch(step);
        self.model.forward(&batch)?;
        self.scheduler.complete(step);
        self.metrics.steps += 1;
        self.metrics.computed_prompt_tokens += step
            .items
            .iter()
            .filter(|item| item.tokens.len() > 1 || !item.completes)
            .map(|item| item.tokens.len() as u64)
            .sum::<u64>();
        let count = generating.len() + embedding.len();
        if !embedding.is_empty() {
            let hidden = self.model.hidden(count)?;
            let width = self.model.config().hidden_size as usize;
            let rows = hidden.chunks_exact(width).skip(generating.len());
            for (sequence, row) in embedding.into_iter().zip(rows) {
                self.scheduler.remove(sequence);
                if let Some(Work::Embed(_, sink)) = self.work.remove(&sequence) {
                    sink(normalise(row));
                }
            }
        }
        if !generating.is_empty() {
            let mut logits = self.model.logits(generating.len())?;
            let vocabulary = self.model.config().vocab_size as usize;
            let rows = logits.chunks_exact_mut(vocabulary);
            for (sequence, row) in generating.into_iter().zip(rows) {
                self.advance(sequence, row);
            }
        }
        Ok(())
    }

    /// The step as rows for the model; with the sequences whose output rows come first and
    /// generate, and those after them, which embed.
    fn batch(&self, step: &Step) -> (Batch, Vec<SequenceId>, Vec<SequenceId>) {
        let mut batch = Batch::default();
        let mut generating = Vec::new();
        let mut embedding = Vec::new();
        for (index, item) in (0..).zip(&step.items) {
            for (&token, position) in item.tokens.iter().zip(item.start..) {
                batch.tokens.push(token);
                batch
                    .positions
                    .push(u32::try_from(position).expect("contexts are shorter than 2^32"));
                batch.sequences.push(index);
            }
            batch.tables.push(item.blocks.clone());
            if item.completes {
                let row = u32::try_from(batch.tokens.len() - 1).expect("steps are small");
                let list = match self.work.get(&item.sequence) {
                    Some(Work::Embed(..)) => &mut embedding,
                    _ => &mut generating,
                };
                list.push((row, item.sequence));
            }
        }
        batch.outputs = generating
            .iter()
            .chain(&embedding)
            .map(|&(row, _)| row)
            .collect();
        let sequences =
            |list: Vec<(u32, SequenceId)>| list.into_iter().map(|(_, sequence)| sequence).collect();
        (batch, sequences(generating), sequences(embedding))
    }

    /// Gives an answer its logits.
    fn advance(&mut self, sequence: SequenceId, logits: &mut [f32]) {
        let cached = self.scheduler.cached_tokens(sequence);
        let Some(Work::Generate(answer)) = self.work.get_mut(&sequence) else {
            return; // Cancelled in this step, with its request.
        };
        let request = answer.request;
        answer.set_cached(u32::try_from(cached).unwrap_or(u32::MAX));
        match answer.step(logits, self.shared.tokenizer.as_ref()) {
            Ok(outcome) => {
                self.metrics.generated_tokens += u64::from(
                    outcome
                        .events
                        .iter()
                        .any(|event| matches!(event, Event::Token { .. })),
                );
                match outcome.next {
                    Some(token) => self.scheduler.append(sequence, token),
                    None => self.close(sequence),
                }
                self.tell(request, outcome.events);
            }
            Err(error) => {
                self.metrics.failed += 1;
                self.drop_request(request);
                if let Some(mut listener) = self.sinks.remove(&request) {
                    (listener.sink)(Event::Failed(error));
                }
            }
        }
    }

    /// Sends events; ends the request if nobody listens or all its answers are finished.
    fn tell(&mut self, request: RequestId, events: Vec<Event>) {
        let Some(listener) = self.sinks.get_mut(&request) else {
            return;
        };
        let mut listens = true;
        for event in events {
            if let Event::Finished { reason, .. } = &event {
                listener.open -= 1;
                match reason {
                    FinishReason::Length => self.metrics.finished_length += 1,
                    FinishReason::Cancelled => self.metrics.cancelled += 1,
                    FinishReason::StopToken(_)
                    | FinishReason::StopString(_)
                    | FinishReason::Constraint => self.metrics.finished_stop += 1,
                }
            }
            listens = (listener.sink)(event) && listens;
        }
        if !listens {
            self.metrics.cancelled += u64::from(listener.open);
            self.drop_request(request);
            self.sinks.remove(&request);
        } else if listener.open == 0 {
            self.sinks.remove(&request);
        }
    }

    fn cancel(&mut self, id: RequestId) {
        let tokenizer = self.shared.tokenizer.as_ref();
        let mut events = Vec::new();
        for work in self.work.values_mut() {
            if let Work::Generate(answer) = work
                && answer.request == id
            {
                events.push(answer.finish(FinishReason::Cancelled, tokenizer));
            }
        }
        self.drop_request(id);
        self.tell(id, events);
    }

    /// Takes every open sequence of a request out.
    fn drop_request(&mut self, id: RequestId) {
        let open: Vec<SequenceId> = self
            .work
            .iter()
            .filter(|(_, work)| match work {
                Work::Generate(answer) => answer.request == id,
                Work::Embed(request, _) => *request == id,
            })
            .map(|(&sequence, _)| sequence)
            .collect();
        for sequence in open {
            self.close(sequence);
        }
    }

    fn close(&mut self, sequence: SequenceId) {
        self.scheduler.remove(sequence);
        self.work.remove(&sequence);
    }

    fn fail_all(&mut self, why: &RequestError) {
        for (sequence, work) in std::mem::take(&mut self.work) {
            self.scheduler.remove(sequence);
            if let Work::Embed(_, sink) = work {
                sink(Err(why.clone()));
            }
        }
        for (_, mut listener) in std::mem::take(&mut self.sinks) {
            self.metrics.failed += 1;
            (listener.sink)(Event::Failed(why.clone()));
        }
    }

    /// Makes the metrics visible to the handles.
    fn publish(&mut self) {
        let counters = self.scheduler.counters();
        let (used, blocks) = self.scheduler.blocks();
        self.metrics.waiting = self.scheduler.waiting();
        self.metrics.running = self.scheduler.running();
        self.metrics.kv_blocks_used = used;
        self.metrics.kv_blocks = blocks;
        self.metrics.kv_block_tokens = BLOCK_TOKENS as usize;
        self.metrics.preemptions = counters.preemptions;
        self.metrics.prefix_queries = counters.prefix_queries;
        self.metrics.prefix_hits = counters.prefix_hits;
        self.metrics.device = self.model.device().counters();
        self.shared.state().metrics = self.metrics;
    }
}

/// The vector at length 1.
fn normalise(row: &[f32]) -> Result<Vec<f32>, RequestError> {
    let length = row
        .iter()
        .map(|&value| f64::from(value) * f64::from(value))
        .sum::<f64>()
        .sqrt();
    if !(length.is_finite() && length > 0.0) {
        return Err(RequestError::NotFinite);
    }
    #[expect(clippy::cast_possible_truncation, reason = "embeddings are f32")]
    let scaled = row
        .iter()
        .map(|&value| (f64::from(value) / length) as f32)
        .collect();
    Ok(scaled)
}
