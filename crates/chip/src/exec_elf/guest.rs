//! A program and the hart that runs it: what happens where the hart stops.

use std::sync::Arc;

use weft_isa::{Inst, VType, X, decode, decode_compressed, instruction_length};

use super::code::Code;
use super::htif::Htif;
use super::image::{Image, Ram, Symbols};
use super::linux::{Linux, Served};
use super::{Console, Error, Location, Options, Outcome, linux_stack, semihosting};
use crate::env::{Constants, Env};
use crate::exec::access::Recent;
use crate::exec::reuse::SLOTS;
use crate::exec::spread::Spread;
use crate::fault::FaultKind;
use crate::hart::{Hart, Stop};
use crate::machine::{Cause, MachineState, Mode, View, exception};
use crate::mem::{Access, Intervals};
use crate::program::Executable;
use crate::report::MemoryTraffic;

/// Instructions between two looks at the limit.
const SLICE: u64 = 1 << 16;
/// Where the memory of bare machines begins.
const MACHINE_BASE: u64 = 0x8000_0000;

/// A program in memory and the hart that runs it.
pub struct Guest {
    pub(super) hart: Box<Hart>,
    pub(super) ram: Ram,
    pub(super) symbols: Symbols,
    code: Code,
    env: Env,
    /// All of memory that may be reached, and all of that but the words that speak to the host.
    whole: Arc<Intervals>,
    guarded: Arc<Intervals>,
    /// What they were made of, on a bare machine.
    view: Option<View>,
    /// The words that speak to the host; none for Linux programs.
    htif: Option<Htif>,
    linux: Linux,
    /// Instructions and traps so far.
    spent: u64,
    instructions_max: u64,
}

impl Guest {
    /// Loads a file and puts the hart at its entry.
    ///
    /// # Errors
    ///
    /// If it is not a 64-bit little-endian static RISC-V executable, or does not fit.
    pub fn load(file: &[u8], options: &Options) -> Result<Self, Error> {
        let mut image = Image::load(file, options)?;
        let (base, end) = (image.ram.base(), image.ram.end());
        let htif = Htif::find(&image);
        let is_machine = htif.exists() || base >= MACHINE_BASE;
        let mut hart = Box::new(Hart::new());
        hart.pc = image.entry;
        hart.vtype = VType::ILL;
        hart.vl = 0;
        let machine = if is_machine {
            MachineState::reset()
        } else {
            let stack = linux_stack::build(&mut image, &options.arguments)?;
            hart.set_x(X::SP.number(), stack);
            MachineState::user()
        };
        hart.machine = Some(Box::new(machine));
        let host = image.ram.host();
        let all = [(base, end - base, Access::ReadWrite)];
        let whole = Arc::new(Intervals::translated(base, host, all));
        let code = Code::new(&image.ram, image.end, options.engine);
        let env = Env {
            memory: None,
            intervals: Arc::clone(&whole),
            recent: Recent::default(),
            spreads: [const { Spread::EMPTY }; SLOTS],
            shared: std::ptr::null_mut(),
            shared_bytes: 0,
            traffic: MemoryTraffic::default(),
            constants: Constants::default(),
            tracks_flags: code.tracks_flags(),
            misaligned: true,
            bare: true,
        };
        Ok(Self {
            hart,
            linux: Linux::new(&image, &options.arguments),
            guarded: Arc::clone(&whole),
            whole,
            view: None,
            code,
            env,
            htif: is_machine.then_some(htif),
            ram: image.ram,
            symbols: image.symbols,
            spent: 0,
            instructions_max: options.instructions_max,
        })
    }

    /// Runs to the end.
    ///
    /// # Errors
    ///
    /// If the program faults, asks for something that a host cannot give, or does not end.
    pub fn run(&mut self, console: &mut Console<'_>) -> Result<Outcome, Error> {
        loop {
            if let Some(exit_code) = self.advance(console, false)? {
                return Ok(self.outcome(exit_code));
            }
        }
    }

    /// Executes one instruction, with what follows from it: a trap, a request to the host. The
    /// exit code if it was the last.
    ///
    /// # Errors
    ///
    /// As for [`Guest::run`].
    pub fn step(&mut self, console: &mut Console<'_>) -> Result<Option<u64>, Error> {
        self.advance(console, true)
    }

    /// What the program did so far.
    pub fn outcome(&mut self, exit_code: u64) -> Outcome {
        let (instructions, mut traffic) = self.code.counts();
        traffic += self.env.traffic;
        Outcome {
            exit_code,
            instructions,
            memory: traffic.global,
        }
    }

    /// The words between the symbols `begin_signature` and `end_signature`, by which conformance
    /// suites compare final states; none if the file has no such symbols.
    #[must_use]
    pub fn signature(&self) -> Option<Vec<u64>> {
        let begin = self.symbols.address("begin_signature")?;
        let end = self.symbols.address("end_signature")?;
        let words = (begin..end).step_by(8);
        words.map(|address| self.ram.word(address)).collect()
    }

    /// Makes every floating-point operation raise its exceptions, for those who look at `fflags`
    /// from outside.
    pub fn track_flags(&mut self) {
        self.env.tracks_flags = true;
    }

    /// Tells that memory was changed from outside: instructions are read again.
    pub(super) fn refresh_code(&mut self) {
        self.code.refresh(&self.ram);
        self.env.tracks_flags |= self.code.tracks_flags();
    }

    fn advance(&mut self, console: &mut Console<'_>, single: bool) -> Result<Option<u64>, Error> {
        let left = self.instructions_max.saturating_sub(self.spent);
        if left == 0 {
            return Err(Error::Limit {
                instructions: self.spent,
                location: self.location(self.hart.pc),
            });
        }
        let budget = if single { 1 } else { left.min(SLICE) as i64 };
        self.protect();
        self.execute(single, budget);
        self.answer(console)
    }

    /// On a bare machine, lets the hart reach what its mode may reach.
    fn protect(&mut self) {
        let (Some(machine), Some(htif)) = (&self.hart.machine, &self.htif) else {
            return;
        };
        let view = machine.view();
        if self.view.as_ref() == Some(&view) {
            return;
        }
        let (base, end, host) = (self.ram.base(), self.ram.end(), self.ram.host());
        let permitted = |mode| view.protection.permitted(mode == Mode::Machine, base, end);
        let (mut whole, mut guarded) = (Vec::new(), Vec::new());
        for part in permitted(view.accesses) {
            let access = match (part.read, part.write) {
                (true, true) => Access::ReadWrite,
                (true, false) => Access::ReadOnly,
                (false, _) => continue,
            };
            whole.push((part.begin, part.end - part.begin, access));
            let without = htif.without_words(part.begin, part.end);
            guarded.extend(without.into_iter().map(|(at, bytes)| (at, bytes, access)));
        }
        self.whole = Arc::new(Intervals::translated(base, host, whole));
        self.guarded = Arc::new(Intervals::translated(base, host, guarded));
        self.env.set_intervals(&self.guarded);
        let parts = permitted(view.fetches);
        let executable = if parts.iter().all(|part| part.execute) {
            Executable::All
        } else {
            let parts = parts.iter().filter(|part| part.execute);
            Executable::Ranges(parts.map(|part| (part.begin, part.end)).collect())
        };
        self.code.set_executable(executable);
        self.view = Some(view);
    }

    fn execute(&mut self, single: bool, budget: i64) {
        let left = self.code.run(&mut self.hart, &mut self.env, single, budget);
        self.spent += (budget - left).unsigned_abs();
    }

    /// Does what the hart stopped for.
    fn answer(&mut self, console: &mut Console<'_>) -> Result<Option<u64>, Error> {
        match std::mem::replace(&mut self.hart.stop, Stop::None) {
            Stop::None | Stop::Mode | Stop::Yield => Ok(None),
            Stop::Refetch { pc } => {
                self.hart.pc = pc;
                self.refresh_code();
                Ok(None)
            }
            Stop::Ecall => self.call(console),
            Stop::Ebreak { pc } => self.breakpoint(console, pc),
            Stop::Exit => Ok(Some(0)),
            Stop::Barrier(_) => {
                let pc = self.hart.pc.wrapping_sub(4);
                Err(self.fault(FaultKind::BarrierDeadlock, pc))
            }
            Stop::Fault { kind, pc, lane } => {
                if let Some(lane) = lane {
                    self.hart.vstart = lane;
                }
                match kind {
                    FaultKind::IllegalAddress { address, bytes, .. }
                        if self.speaks_to_host(address, bytes) =>
                    {
                        self.speak(console, pc)
                    }
                    FaultKind::InstructionAddress if self.code.grow(&self.ram, pc) => {
                        self.env.tracks_flags |= self.code.tracks_flags();
                        Ok(None)
                    }
                    kind => self.trap(kind, pc).map(|()| None),
                }
            }
        }
    }

    fn speaks_to_host(&self, address: u64, bytes: u32) -> bool {
        let htif = self.htif.as_ref();
        htif.is_some_and(|htif| htif.touches(address, u64::from(bytes)))
    }

    /// Executes the access to a word that speaks to the host, then does what it says.
    fn speak(&mut self, console: &mut Console<'_>, pc: u64) -> Result<Option<u64>, Error> {
        self.hart.pc = pc;
        self.env.set_intervals(&self.whole);
        self.execute(true, 1);
        self.env.set_intervals(&self.guarded);
        if let Stop::Fault { kind, pc, lane } = std::mem::replace(&mut self.hart.stop, Stop::None) {
            if let Some(lane) = lane {
                self.hart.vstart = lane;
            }
            return self.trap(kind, pc).map(|()| None);
        }
        let Some(mut htif) = self.htif.take() else {
            return Ok(None);
        };
        let outcome = htif.poll(self, console, pc);
        self.htif = Some(htif);
        outcome
    }

    /// Gives a fault to the program's handler; an error if it has none.
    fn trap(&mut self, kind: FaultKind, pc: u64) -> Result<(), Error> {
        let Some((cause, mut value)) = exception(&kind, pc, self.raw_word(pc)) else {
            return Err(self.fault(kind, pc));
        };
        let second = pc.wrapping_add(2);
        if cause == Cause::InstructionAccess
            && self.code.may_fetch(pc)
            && !self.code.may_fetch(second)
        {
            value = second;
        }
        // A handler that cannot be fetched would be tried for ever.
        let handler = self.hart.machine.as_ref().map(|machine| machine.mtvec & !3);
        let hopeless = cause == Cause::InstructionAccess && handler == Some(pc);
        self.spent += 1;
        if hopeless || !self.hart.take_trap(pc, cause, value) {
            return Err(self.fault(kind, pc));
        }
        Ok(())
    }

    /// The instruction as it stands in memory, 16-bit ones zero-extended.
    fn raw_word(&self, pc: u64) -> u32 {
        match self.code.word(pc) {
            Some(word) if instruction_length(word as u16) == Some(2) => word & 0xffff,
            Some(word) => word,
            None => 0,
        }
    }

    /// Serves `ecall`: by the handler of a machine, else as a system call.
    fn call(&mut self, console: &mut Console<'_>) -> Result<Option<u64>, Error> {
        let pc = self.hart.pc.wrapping_sub(4);
        let mode = self.hart.machine.as_ref().map(|machine| machine.mode);
        let cause = match mode {
            Some(Mode::Machine) => Cause::MachineCall,
            Some(Mode::User) | None => Cause::UserCall,
        };
        if self.htif.is_some() && self.hart.take_trap(pc, cause, 0) {
            // It traps, so it does not retire.
            self.hart.retired -= 1;
            return Ok(None);
        }
        let registers = [X::A0, X::A1, X::A2, X::A3, X::A4, X::A5];
        let arguments = registers.map(|register| self.hart.x(register.number()));
        let number = self.hart.x(X::A7.number());
        match self.system_call(console, number, arguments)? {
            Served::Result(value) => self.hart.set_x(X::A0.number(), value),
            Served::Exit(code) => return Ok(Some(code)),
            Served::Signal(signal) => {
                let location = self.location(pc);
                return Err(Error::Signal { signal, location });
            }
        }
        Ok(None)
    }

    /// Serves a system call by number.
    pub(super) fn system_call(
        &mut self,
        console: &mut Console<'_>,
        number: u64,
        arguments: [u64; 6],
    ) -> Result<Served, Error> {
        let now = self.hart.retired;
        self.linux
            .serve(&mut self.ram, console, number, arguments, now)
    }

    /// Serves `ebreak`: a semihosting request, a trap, or the end.
    fn breakpoint(&mut self, console: &mut Console<'_>, pc: u64) -> Result<Option<u64>, Error> {
        let around = [pc.wrapping_sub(4), pc, pc.wrapping_add(4)];
        if around.map(|pc| self.code.word(pc)) == semihosting::SEQUENCE.map(Some) {
            self.hart.pc = pc.wrapping_add(4);
            return semihosting::serve(self, console, pc);
        }
        if self.hart.take_trap(pc, Cause::Breakpoint, pc) {
            self.hart.retired -= 1;
            return Ok(None);
        }
        Err(self.fault(FaultKind::Breakpoint, pc))
    }

    fn fault(&self, kind: FaultKind, pc: u64) -> Error {
        let location = self.location(pc);
        Error::Fault { kind, location }
    }

    /// What is at an address, for messages.
    pub(super) fn location(&self, pc: u64) -> Location {
        Location {
            pc,
            symbol: self.symbols.at(pc),
            instruction: self.instruction(pc).map(|inst| inst.to_string()),
        }
    }

    fn instruction(&self, pc: u64) -> Option<Inst> {
        let word = self.code.word(pc)?;
        match instruction_length(word as u16) {
            Some(2) => decode_compressed(word as u16),
            _ => decode(word),
        }
    }
}
