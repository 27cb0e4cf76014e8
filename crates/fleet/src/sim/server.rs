//! One server: its queue, its batch, its caches.
//!
//! A step prefills a chunk of waiting prompts and makes one token for each running request. When
//! no prompt waits, steps until the next end of a request are taken in one jump, which a new
//! arrival cuts at the end of the step under way.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::Server;
use crate::policy::Backend;
use crate::prefix::PrefixCache;

/// Whether a server takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// Off: never started, or stopped.
    Off,
    /// Started, not yet serving.
    Starting,
    /// Serving.
    Up,
    /// Finishes what it has and then stops.
    Draining,
    /// Failed.
    Down,
}

/// A request as a server holds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    /// Which request.
    pub(super) request: u32,
    /// Tokens of its prompt, with those delivered before a failure.
    pub(super) prompt: u32,
    /// Tokens still to be made here.
    pub(super) output: u32,
    /// Prompt tokens still to be prefilled; 0 for one whose keys and values were handed over.
    pub(super) uncached: u32,
    /// Only the first token is made here; `output` is 1.
    pub(super) prefill_only: bool,
}

/// A job in the batch.
#[derive(Debug, Clone, Copy)]
struct Running {
    job: Job,
    /// Tokens of the cache that are set aside for it, and that it holds when it ends.
    reserved: u64,
}

/// What a server does until its next event.
#[derive(Debug, Clone, Copy)]
pub(super) enum Doing {
    /// Nothing.
    Idle,
    /// One step with a part of prompts.
    Mixed,
    /// This many steps of the batch, begun at the time.
    Jump { steps: u64, begun_s: f64 },
}

/// The state of one server.
#[derive(Debug)]
pub(super) struct State {
    pub(super) spec: Server,
    pub(super) life: Life,
    pub(super) cache: PrefixCache,
    pub(super) doing: Doing,
    /// Number of the event that ends what it does; older events are void.
    pub(super) version: u64,
    pub(super) slow: f64,
    pub(super) up_since_s: f64,
    pub(super) up_s: f64,
    pub(super) link_free_s: f64,
    queue: VecDeque<Job>,
    /// Prompts in the step under way, with whether each is finished by it.
    filling: Vec<(Job, bool)>,
    filling_tokens: u64,
    /// Running requests by the count of steps at which they end.
    running: BinaryHeap<Reverse<(u64, u32)>>,
    /// Jobs of running requests, in no order.
    jobs: Vec<Running>,
    steps: u64,
    kv_held: u64,
    kv_reserved: u64,
    queued_prompt_tokens: u64,
}

impl State {
    pub(super) fn new(spec: Server, block_tokens: u32) -> Self {
        let blocks = match u64::from(block_tokens) {
            0 => 0,
            tokens => spec.kv_tokens_max / tokens,
        };
        Self {
            life: if spec.started { Life::Up } else { Life::Off },
            cache: PrefixCache::new(usize::try_from(blocks).unwrap_or(usize::MAX)),
            spec,
            doing: Doing::Idle,
            version: 0,
            slow: 1.0,
            up_since_s: 0.0,
            up_s: 0.0,
            link_free_s: 0.0,
            queue: VecDeque::new(),
            filling: Vec::new(),
            filling_tokens: 0,
            running: BinaryHeap::new(),
            jobs: Vec::new(),
            steps: 0,
            kv_held: 0,
            kv_reserved: 0,
            queued_prompt_tokens: 0,
        }
    }

    /// What a router sees.
    pub(super) fn backend(&self, cached_tokens: u32) -> Backend {
        Backend {
            accepts: self.life == Life::Up,
            role: self.spec.role,
            domestic: self.spec.domestic,
            queued_requests: count(self.queue.len() + self.filling.len()),
            running_requests: count(self.jobs.len()),
            running_max: self.spec.running_max,
            queued_prompt_tokens: self.queued_prompt_tokens + self.filling_tokens,
            kv_tokens: self.kv_held,
            kv_tokens_max: self.spec.kv_tokens_max,
            chunk_tokens: self.spec.chunk_tokens,
            cached_tokens,
            usd_per_s: self.spec.usd_per_s,
            speed: self.spec.speed,
        }
    }

    pub(super) fn load(&self) -> usize {
        self.queue.len() + self.filling.len() + self.jobs.len()
    }

    pub(super) fn push(&mut self, job: Job) {
        self.queued_prompt_tokens += u64::from(job.uncached);
        self.queue.push_back(job);
    }

    /// Takes everything away at `now_s`: what a failure leaves. Each job comes with the tokens
    /// that were still to be made.
    pub(super) fn clear(&mut self, now_s: f64) -> Vec<Job> {
        let done = self.steps + self.whole_steps(now_s);
        let mut lost: Vec<Job> = self.queue.drain(..).collect();
        // A prompt that is filled in part is still in the queue.
        let filling = self.filling.drain(..).filter(|(_, whole)| *whole);
        lost.extend(filling.map(|(job, _)| job));
        for Reverse((end, request)) in std::mem::take(&mut self.running) {
            let at = self
                .jobs
                .iter()
                .find(|running| running.job.request == request);
            let job = at.expect("a running request has a job").job;
            let output = u32::try_from(end.saturating_sub(done)).unwrap_or(u32::MAX);
            lost.push(Job { output, ..job });
        }
        lost.sort_by_key(|job| job.request);
        self.jobs.clear();
        self.filling_tokens = 0;
        self.kv_held = 0;
        self.kv_reserved = 0;
        self.queued_prompt_tokens = 0;
        self.doing = Doing::Idle;
        self.cache.clear();
        lost
    }

    /// Steps of the jump under way that are complete at `now_s`.
    fn whole_steps(&self, now_s: f64) -> u64 {
        let Doing::Jump { steps, begun_s } = self.doing else {
            return 0;
        };
        let (mut low, mut high) = (0, steps);
        while low < high {
            let middle = (low + high).div_ceil(2);
            if begun_s + self.jump_s(middle) <= now_s {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        low
    }

    /// Begins the next step or jump at `now_s`; the time at which it ends, if there is one.
    pub(super) fn begin(&mut self, now_s: f64) -> Option<f64> {
        self.fill();
        let speed = self.spec.speed;
        if !self.filling.is_empty() {
            let mut seconds = self.filling_tokens as f64 * speed.prefill_s_per_token;
            seconds += if self.jobs.is_empty() {
                speed.prefill_base_s
            } else {
                speed.step_s(self.jobs.len() as f64, self.kv_held as f64)
            };
            self.doing = Doing::Mixed;
            return Some(now_s + seconds * self.slow);
        }
        if let Some(Reverse((end, _))) = self.running.peek() {
            let steps = end - self.steps;
            self.doing = Doing::Jump {
                steps,
                begun_s: now_s,
            };
            return Some(now_s + self.jump_s(steps));
        }
        self.doing = Doing::Idle;
        None
    }

    /// Moves waiting prompts into the next step while places, memory and the chunk allow.
    /// Requests whose keys and values were handed over join the batch at once.
    fn fill(&mut self) {
        let mut budget = self.spec.chunk_tokens.max(1);
        while budget > 0
            && let Some(job) = self.queue.front().copied()
        {
            let reserved = u64::from(job.prompt) + u64::from(job.output);
            let places = self.jobs.len() + self.filling.len();
            if places >= self.spec.running_max.max(1) as usize
                || self.kv_reserved + reserved > self.spec.kv_tokens_max
            {
                return;
            }
            let part = job.uncached.min(budget);
            budget -= part;
            self.queued_prompt_tokens -= u64::from(part);
            self.filling_tokens += u64::from(part);
            if part < job.uncached {
                self.queue[0].uncached -= part;
                self.filling.push((
                    Job {
                        uncached: part,
                        ..job
                    },
                    false,
                ));
                return;
            }
            self.queue.pop_front();
            self.kv_reserved += reserved;
            if job.uncached == 0 {
                self.kv_held += u64::from(job.prompt);
                self.join(job, reserved);
            } else {
                self.filling.push((
                    Job {
                        uncached: part,
                        ..job
                    },
                    true,
                ));
            }
        }
    }

    fn join(&mut self, job: Job, reserved: u64) {
        self.running
            .push(Reverse((self.steps + u64::from(job.output), job.request)));
        self.jobs.push(Running { job, reserved });
    }

    /// Seconds of `steps` steps of the batch, whose cache grows by a token for each request.
    fn jump_s(&self, steps: u64) -> f64 {
        let (batch, kv, steps) = (self.jobs.len() as f64, self.kv_held as f64, steps as f64);
        let first = self.spec.speed.step_s(batch, kv);
        let growth = batch * self.spec.speed.step_s_per_kv_token;
        self.slow * (steps * first + growth * steps * (steps - 1.0) / 2.0)
    }

    /// Cuts a jump at the end of the step that is under way at `now_s`; the new end, if it is
    /// earlier.
    pub(super) fn cut(&mut self, now_s: f64) -> Option<f64> {
        let Doing::Jump { steps, begun_s } = self.doing else {
            return None;
        };
        let kept = (self.whole_steps(now_s) + 1).min(steps);
        if kept == steps {
            return None;
        }
        self.doing = Doing::Jump {
            steps: kept,
            begun_s,
        };
        Some(begun_s + self.jump_s(kept))
    }

    /// Ends what was begun: the jobs that made their first token here go into `first`, the
    /// requests that are finished here into `last`.
    pub(super) fn end(&mut self, first: &mut Vec<Job>, last: &mut Vec<u32>) {
        let steps = match self.doing {
            Doing::Idle => return,
            Doing::Mixed => u64::from(!self.jobs.is_empty()),
            Doing::Jump { steps, .. } => steps,
        };
        self.doing = Doing::Idle;
        self.steps += steps;
        self.kv_held += steps * self.jobs.len() as u64;
        while let Some(Reverse((end, request))) = self.running.peek().copied()
            && end <= self.steps
        {
            self.running.pop();
            let at = self
                .jobs
                .iter()
                .position(|running| running.job.request == request);
            let ended = self
                .jobs
                .swap_remove(at.expect("a running request has a job"));
            self.kv_held -= ended.reserved;
            self.kv_reserved -= ended.reserved;
            last.push(request);
        }
        self.filling_tokens = 0;
        for (job, whole) in std::mem::take(&mut self.filling) {
            if !whole {
                continue;
            }
            first.push(job);
            let reserved = u64::from(job.prompt) + u64::from(job.output);
            if job.output > 1 {
                self.kv_held += u64::from(job.prompt) + 1;
                self.join(
                    Job {
                        output: job.output - 1,
                        ..job
                    },
                    reserved,
                );
                continue;
            }
            self.kv_reserved -= reserved;
            if !job.prefill_only {
                last.push(job.request);
            }
        }
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
