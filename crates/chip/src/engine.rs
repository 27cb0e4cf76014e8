//! Which of its ways the chip executes instructions in.

use std::fmt;
use std::str::FromStr;

use crate::block::Mode;
use crate::exec::Level;
use crate::jit::HEAT;
use crate::machine::Enabled;

/// How instructions are executed. Results are the same; speed is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// In blocks, with the host instructions of this level.
    Blocks(EngineLevel),
    /// In blocks, with the best host instructions, and hot loops compiled to host code.
    Compiled,
    /// The same after few rounds: for tests, which are short.
    CompiledSoon,
    /// The same, every block before it first runs: for tests, whose code mostly runs once.
    CompiledAtOnce,
    /// One by one, with the best host instructions.
    Step,
}

/// Those that make host code.
const COMPILED: &[Engine] = &[
    Engine::Compiled,
    Engine::CompiledSoon,
    Engine::CompiledAtOnce,
];

/// Host instructions that an engine uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineLevel(Level);

impl Engine {
    /// The fastest one of this host.
    #[must_use]
    pub fn best() -> Self {
        if HEAT.is_some() {
            Self::Compiled
        } else {
            Self::Blocks(EngineLevel(Level::of_host()))
        }
    }

    /// Every engine that this host can run.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let levels = Level::available().into_iter();
        levels
            .map(|level| Self::Blocks(EngineLevel(level)))
            .chain(if HEAT.is_some() { COMPILED } else { &[] }.iter().copied())
            .chain([Self::Step])
            .collect()
    }

    /// How a program is translated for it: `single` makes every instruction a block.
    pub(crate) fn mode(self, single: bool, enabled: Enabled) -> Mode {
        let (level, single, heat) = match self {
            Self::Blocks(EngineLevel(level)) => (level, single, None),
            Self::Compiled => (Level::of_host(), single, HEAT),
            Self::CompiledSoon => (Level::of_host(), single, HEAT.and(Some(2))),
            Self::CompiledAtOnce => (Level::of_host(), single, HEAT.and(Some(0))),
            Self::Step => (Level::of_host(), true, None),
        };
        let mode = Mode {
            enabled,
            heat,
            ..Mode::of_kernels(level)
        };
        if single {
            Mode {
                block_length_max: 1,
                heat: None,
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
            Self::Compiled => f.pad("compiled"),
            Self::CompiledSoon => f.pad("compiled-soon"),
            Self::CompiledAtOnce => f.pad("compiled-at-once"),
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
