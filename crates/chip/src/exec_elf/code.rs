//! The instructions of a guest, translated for the engine that was asked for.

use std::sync::Arc;

use super::image::Ram;
use crate::block::{Mode, Translation};
use crate::engine::Engine;
use crate::env::Env;
use crate::hart::Hart;
use crate::program::{Executable, Program};
use crate::report::{ClassCounts, MemoryTraffic};

/// Bytes by which the part of memory that holds instructions grows at least.
const GROWTH_BYTES: u64 = 1 << 20;

/// Most translations that are kept: of modes, and of parts of memory that may be executed.
const TRANSLATIONS_MAX: usize = 16;

/// The part of memory that holds instructions, as it was when last looked at.
pub(super) struct Code {
    program: Program,
    engine: Engine,
    /// Where instructions may be fetched.
    executable: Executable,
    translations: Vec<(Mode, Executable, Translation)>,
    counts: ClassCounts,
    /// Bytes moved that the surroundings of the hart do not know of.
    traffic: MemoryTraffic,
}

impl Code {
    pub(super) fn new(ram: &Ram, end: u64, engine: Engine) -> Self {
        Self {
            program: program(ram, end),
            engine,
            executable: Executable::default(),
            translations: Vec::new(),
            counts: ClassCounts::default(),
            traffic: MemoryTraffic::default(),
        }
    }

    /// Whether accrued floating-point exceptions can be observed.
    pub(super) fn tracks_flags(&self) -> bool {
        self.program.image().tracks_flags()
    }

    /// Runs the hart as [`Translation::run`] does, or for one instruction if `single`.
    pub(super) fn run(&mut self, hart: &mut Hart, env: &mut Env, single: bool, budget: i64) -> i64 {
        let mode = self.engine.mode(single, hart.enabled());
        let known = self
            .translations
            .iter()
            .position(|entry| entry.0 == mode && entry.1 == self.executable);
        let index = known.unwrap_or_else(|| {
            if self.translations.len() == TRANSLATIONS_MAX {
                self.forget();
            }
            let executable = self.executable.clone();
            let program = self.program.within(&executable);
            let translation = Translation::new(Arc::clone(program.image()), mode);
            self.translations.push((mode, executable, translation));
            self.translations.len() - 1
        });
        self.translations[index].2.run(hart, env, budget)
    }

    /// Says where instructions may be fetched from now on.
    pub(super) fn set_executable(&mut self, executable: Executable) {
        self.executable = executable;
    }

    /// Whether two bytes of an instruction may be fetched.
    pub(super) fn may_fetch(&self, address: u64) -> bool {
        self.executable.contains(address)
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
        self.forget();
        self.program = program;
    }

    /// Forgets what was translated, but not how often it was executed.
    fn forget(&mut self) {
        for (_, _, translation) in &mut self.translations {
            translation.take_counts(&mut self.counts, &mut self.traffic);
        }
        self.translations.clear();
    }

    /// Instructions executed so far, by class, and bytes moved besides those that the surroundings of
    /// the hart know of.
    pub(super) fn counts(&mut self) -> (ClassCounts, MemoryTraffic) {
        for (_, _, translation) in &mut self.translations {
            translation.take_counts(&mut self.counts, &mut self.traffic);
        }
        (self.counts, self.traffic)
    }
}

fn program(ram: &Ram, end: u64) -> Program {
    let base = ram.base();
    Program::new(&ram.bytes(base, end - base).unwrap_or_default(), base)
}
