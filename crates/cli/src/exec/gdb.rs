//! `weft exec --gdb PORT`: the program under gdb's remote serial protocol.
//!
//! gdb sees one thread with the integer, floating-point and vector registers, and memory.
//! Breakpoints and steps stop before an instruction is executed. While gdb is attached the
//! program runs one instruction at a time.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use anyhow::{Context as _, Result};
use gdbstub::common::Signal;
use gdbstub::conn::{Connection, ConnectionExt};
use gdbstub::stub::run_blocking::{BlockingEventLoop, Event, WaitForStopReasonError};
use gdbstub::stub::{DisconnectReason, GdbStub, SingleThreadStopReason};
use gdbstub::target::ext::base::BaseOps;
use gdbstub::target::ext::base::singlethread::{
    SingleThreadBase, SingleThreadResume, SingleThreadResumeOps, SingleThreadSingleStep,
    SingleThreadSingleStepOps,
};
use gdbstub::target::ext::breakpoints::{
    Breakpoints, BreakpointsOps, SwBreakpoint, SwBreakpointOps,
};
use gdbstub::target::{Target, TargetError, TargetResult};
use weft_chip::exec_elf::{Console, Guest};

use super::gdb_registers::{Architecture, GuestRegisters};
use crate::failure;

/// Instructions between two looks at the connection.
const SLICE: u32 = 10_000;

/// Waits for gdb on a port of this host and does what it says; gives the exit code that the
/// program had, if it came to its end.
pub(super) fn serve(guest: &mut Guest, console: &mut Console<'_>, port: u16) -> Result<u64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("failed to listen on port {port}"))?;
    let address = listener.local_addr()?;
    failure::note(&format!("waiting for gdb: target remote {address}"));
    let (stream, _) = listener.accept().context("failed to accept gdb")?;
    stream.set_nodelay(true)?;
    guest.track_flags();
    let mut session = Session {
        guest,
        console,
        breakpoints: BTreeSet::new(),
        stepping: false,
        error: None,
    };
    let stub = GdbStub::new(stream);
    let reason = stub
        .run_blocking::<EventLoop<'_, '_>>(&mut session)
        .map_err(|error| anyhow::anyhow!("failed to talk to gdb: {error}"))?;
    match (session.error, reason) {
        (Some(error), _) => Err(error.into()),
        (None, DisconnectReason::TargetExited(code)) => Ok(u64::from(code)),
        (None, _) => Ok(0),
    }
}

/// A guest and what gdb asked of it.
struct Session<'a, 'c> {
    guest: &'a mut Guest,
    console: &'a mut Console<'c>,
    breakpoints: BTreeSet<u64>,
    stepping: bool,
    /// What ended the program.
    error: Option<weft_chip::exec_elf::Error>,
}

type StopReason = SingleThreadStopReason<u64>;

impl Session<'_, '_> {
    /// Executes until there is something to tell, or for a slice.
    fn advance(&mut self) -> Option<StopReason> {
        for _ in 0..SLICE {
            match self.guest.step(self.console) {
                Ok(Some(code)) => {
                    return Some(SingleThreadStopReason::Exited(code.to_le_bytes()[0]));
                }
                Ok(None) => {}
                Err(error) => {
                    failure::note(&format!("{error}"));
                    self.error = Some(error);
                    return Some(SingleThreadStopReason::Terminated(Signal::SIGSEGV));
                }
            }
            if self.stepping {
                return Some(SingleThreadStopReason::DoneStep);
            }
            if self.breakpoints.contains(&self.guest.pc()) {
                return Some(SingleThreadStopReason::SwBreak(()));
            }
        }
        None
    }
}

impl Target for Session<'_, '_> {
    type Arch = Architecture;
    type Error = io::Error;

    fn base_ops(&mut self) -> BaseOps<'_, Self::Arch, Self::Error> {
        BaseOps::SingleThread(self)
    }

    fn support_breakpoints(&mut self) -> Option<BreakpointsOps<'_, Self>> {
        Some(self)
    }
}

impl SingleThreadBase for Session<'_, '_> {
    fn read_registers(&mut self, registers: &mut GuestRegisters) -> TargetResult<(), Self> {
        registers.registers = self.guest.registers();
        Ok(())
    }

    fn write_registers(&mut self, registers: &GuestRegisters) -> TargetResult<(), Self> {
        let mut registers = registers.clone();
        registers.settle(&self.guest.registers());
        self.guest.set_registers(&registers.registers);
        Ok(())
    }

    fn read_addrs(&mut self, address: u64, data: &mut [u8]) -> TargetResult<usize, Self> {
        match self.guest.read_memory(address, data) {
            0 if !data.is_empty() => Err(TargetError::NonFatal),
            count => Ok(count),
        }
    }

    fn write_addrs(&mut self, address: u64, data: &[u8]) -> TargetResult<(), Self> {
        if self.guest.write_memory(address, data) {
            Ok(())
        } else {
            Err(TargetError::NonFatal)
        }
    }

    fn support_resume(&mut self) -> Option<SingleThreadResumeOps<'_, Self>> {
        Some(self)
    }
}

impl SingleThreadResume for Session<'_, '_> {
    fn resume(&mut self, _signal: Option<Signal>) -> Result<(), io::Error> {
        self.stepping = false;
        Ok(())
    }

    fn support_single_step(&mut self) -> Option<SingleThreadSingleStepOps<'_, Self>> {
        Some(self)
    }
}

impl SingleThreadSingleStep for Session<'_, '_> {
    fn step(&mut self, _signal: Option<Signal>) -> Result<(), io::Error> {
        self.stepping = true;
        Ok(())
    }
}

impl Breakpoints for Session<'_, '_> {
    fn support_sw_breakpoint(&mut self) -> Option<SwBreakpointOps<'_, Self>> {
        Some(self)
    }
}

impl SwBreakpoint for Session<'_, '_> {
    fn add_sw_breakpoint(&mut self, address: u64, _kind: usize) -> TargetResult<bool, Self> {
        self.breakpoints.insert(address);
        Ok(true)
    }

    fn remove_sw_breakpoint(&mut self, address: u64, _kind: usize) -> TargetResult<bool, Self> {
        Ok(self.breakpoints.remove(&address))
    }
}

/// The guest runs in the thread that talks to gdb.
struct EventLoop<'a, 'c>(std::marker::PhantomData<&'a mut Console<'c>>);

impl<'a, 'c> BlockingEventLoop for EventLoop<'a, 'c> {
    type Target = Session<'a, 'c>;
    type Connection = TcpStream;
    type StopReason = StopReason;

    fn wait_for_stop_reason(
        session: &mut Self::Target,
        connection: &mut TcpStream,
    ) -> Result<Event<StopReason>, WaitForStopReasonError<io::Error, io::Error>> {
        loop {
            if let Some(reason) = session.advance() {
                return Ok(Event::TargetStopped(reason));
            }
            let pending = connection
                .peek()
                .map_err(WaitForStopReasonError::Connection)?;
            if pending.is_some() {
                let byte = connection
                    .read()
                    .map_err(WaitForStopReasonError::Connection)?;
                return Ok(Event::IncomingData(byte));
            }
        }
    }

    fn on_interrupt(_: &mut Self::Target) -> Result<Option<StopReason>, io::Error> {
        Ok(Some(SingleThreadStopReason::Signal(Signal::SIGINT)))
    }
}

// The connection is used through these traits.
const _: fn(&mut TcpStream) -> Result<(), io::Error> = Connection::flush;
