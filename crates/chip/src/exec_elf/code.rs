//! The instructions of a guest, translated for the engine that was asked for.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::image::Ram;
use crate::block::{Mode, Translation};
use crate::env::Env;
use crate::exec::Level;
use crate::hart::Hart;
use crate::machine::Enabled;
use crate::program::Program;
use crate::report::ClassCounts;

/// Bytes by which the part of memory that holds instructions grows at least.
const GROWTH_BYTES: u64 = 1 << 20;

/// How instructions are executed. Results are the same; speed is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// In blocks, with the host instructions of this level.
    Blocks(EngineLevel),
    /// One by one, with the best host instructions.
    Step,
}

/// Host instructions that an engine uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineLevel(Level);

impl Engine {
    /// The fastest one of this host.
    #[must_use]
    pub fn best() -> Self {
        Self::Blocks(EngineLevel(Level::of_host()))
    }

    /// Every engine that this host can run.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let levels = Level::available().into_iter();
        levels
            .map(|level| Self::Blocks(EngineLevel(level)))
            .chain([Self::Step])
            .collect()
    }

    fn mode(self, single: bool, enabled: Enabled) -> Mode {
        let (level, single) = match self {
            Self::Blocks(EngineLevel(level)) => (level, single),
            Self::Step => (Level::of_host(), true),
        };
        let mode = Mode {
            enabled,
            ..Mode::of_kernels(level)
        };
        if single {
            Mode {
                block_length_max: 1,
                ..mode
            }
        } else {
            mode
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocks(EngineLevel(level)) => f.pad(level.name()),
            Self::Step => f.pad("step"),
        }
    }
}

impl FromStr for Engine {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = Self::available();
        let found = all.iter().find(|engine| engine.to_string() == name);
        found.copied().ok_or_else(|| {
            let names: Vec<_> = all.iter().map(Self::to_string).collect();
            format!("this host has {}", names.join(", "))
        })
    }
}

/// The part of memory that holds instructions, as it was when last looked at.
pub(super) struct Code {
    program: Program,
    engine: Engine,
    translations: Vec<(Mode, Translation)>,
    counts: ClassCounts,
}

impl Code {
    pub(super) fn new(ram: &Ram, end: u64, engine: Engine) -> Self {
        Self {
            program: program(ram, end),
            engine,
            translations: Vec::new(),
            counts: ClassCounts::default(),
        }
    }

    /// Whether accrued floating-point exceptions can be observed.
    pub(super) fn tracks_flags(&self) -> bool {
        self.program.image().tracks_flags()
    }

    /// Runs the hart as [`Translation::run`] does, or for one instruction if `single`.
    pub(super) fn run(&mut self, hart: &mut Hart, env: &mut Env, single: bool, budget: i64) -> i64 {
        let mode = self.engine.mode(single, hart.enabled());
        let known = self.translations.iter().position(|entry| entry.0 == mode);
        let index = known.unwrap_or_else(|| {
            let image = Arc::clone(self.program.image());
            self.translations
                .push((mode, Translation::new(image, mode)));
            self.translations.len() - 1
        });
        self.translations[index].1.run(hart, env, budget)
    }

    /// The instruction word at an address.
    pub(super) fn word(&self, pc: u64) -> Option<u32> {
        self.program.image().word(pc)
    }

    /// Looks at memory again; forgets what was translated if instructions have changed.
    pub(super) fn refresh(&mut self, ram: &Ram) {
        let (base, bytes) = (self.program.base(), self.program.bytes());
        let now = ram.bytes(base, bytes).unwrap_or_default();
        if !self.program.is(&now) {
            self.replace(Program::new(&now, base));
        }
    }

    /// Makes the instruction at `pc` part of the code, if it is in memory and was not.
    pub(super) fn grow(&mut self, ram: &Ram, pc: u64) -> bool {
        let end = self.program.base() + self.program.bytes();
        if !pc.is_multiple_of(2) || pc < end.saturating_sub(3) || pc >= ram.end() - 1 {
            return false;
        }
        let new_end = (pc + GROWTH_BYTES).next_multiple_of(4096).min(ram.end());
        if new_end <= end {
            return false;
        }
        self.replace(program(ram, new_end));
        true
    }

    fn replace(&mut self, program: Program) {
        for (_, translation) in &mut self.translations {
            translation.take_counts(&mut self.counts);
        }
        self.translations.clear();
        self.program = program;
    }

    /// Instructions executed so far, by class.
    pub(super) fn counts(&mut self) -> ClassCounts {
        for (_, translation) in &mut self.translations {
            translation.take_counts(&mut self.counts);
        }
        self.counts
    }
}

fn program(ram: &Ram, end: u64) -> Program {
    let base = ram.base();
    Program::new(&ram.bytes(base, end - base).unwrap_or_default(), base)
}
