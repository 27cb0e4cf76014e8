//! Host code of scalar loads and stores.
//!
//! An access that falls into the range which the instruction hit when the region was compiled is host
//! code; any other is the interpreter's body. The ranges that a region needs are in registers, unless
//! it calls bodies that access memory too, after which they would have to be looked at again. A
//! distance from the beginning of a range, rotated so that bits which must be 0 come to the top, is
//! below a limit exactly if the access is aligned and inside.
//!
//! Bytes moved follow from how often blocks ran: only what did not happen so is counted
//! ([`super::Tally`]).

use std::collections::BTreeMap;
use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, InstBuilder, MemFlagsData, Type, Value, types};
use cranelift_frontend::Variable;
use weft_isa::Inst;

use super::emit::{Call, Emitter, Place, TRUSTED, offset};
use super::{Source, instruction};
use crate::env::Env;
use crate::exec::Op;
use crate::exec::access::{Counter, Recent};
use crate::hart::Hart;

/// What a scalar access does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Move {
    Load { signed: bool },
    LoadFloat,
    Store,
    StoreFloat,
}

/// A scalar load or store that can be host code.
#[derive(Clone, Copy)]
pub(super) struct Scalar {
    ty: Type,
    movement: Move,
    /// Where the range is that the instruction hit last.
    place: u32,
}

impl Scalar {
    /// The access of an op, if it is one.
    pub(super) fn of(op: &Op) -> Option<Self> {
        let load = |ty, signed| (ty, Move::Load { signed });
        let (ty, movement) = match instruction(op) {
            Inst::Lb { .. } => load(types::I8, true),
            Inst::Lh { .. } => load(types::I16, true),
            Inst::Lw { .. } => load(types::I32, true),
            Inst::Lbu { .. } => load(types::I8, false),
            Inst::Lhu { .. } => load(types::I16, false),
            Inst::Lwu { .. } => load(types::I32, false),
            Inst::Ld { .. } => load(types::I64, false),
            Inst::Flw { .. } => (types::I32, Move::LoadFloat),
            Inst::Fld { .. } => (types::I64, Move::LoadFloat),
            Inst::Sb { .. } => (types::I8, Move::Store),
            Inst::Sh { .. } => (types::I16, Move::Store),
            Inst::Sw { .. } => (types::I32, Move::Store),
            Inst::Sd { .. } => (types::I64, Move::Store),
            Inst::Fsw { .. } => (types::I32, Move::StoreFloat),
            Inst::Fsd { .. } => (types::I64, Move::StoreFloat),
            _ => return None,
        };
        Some(Self {
            ty,
            movement,
            place: op.cache.get(),
        })
    }

    fn write(self) -> bool {
        matches!(self.movement, Move::Store | Move::StoreFloat)
    }

    /// Bytes moved, and what counts them.
    pub(super) fn counted(self) -> (Counter, u64) {
        let counter = Recent::counter(self.place, self.write());
        (counter, u64::from(self.ty.bytes()))
    }
}

/// Fields of the ranges of a region, by their offset in the surroundings.
#[derive(Default)]
pub(super) struct Ranges(Option<BTreeMap<usize, Variable>>);

/// The fields that an access needs.
struct Fields {
    begin: usize,
    limit: usize,
    delta: usize,
}

impl Fields {
    fn of(access: Scalar) -> Self {
        let offsets = Recent::range_offsets(access.place, access.write(), access.ty.bytes());
        let at = |field| offset_of!(Env, recent) + field;
        Self {
            begin: at(offsets.begin),
            limit: at(offsets.limit),
            delta: at(offsets.delta),
        }
    }

    fn all(&self) -> [usize; 3] {
        [self.begin, self.limit, self.delta]
    }
}

/// Whether the body of an instruction may access memory.
fn accesses_memory(op: &Op) -> bool {
    // Loads, stores, atomics, the matrix extensions.
    !matches!(
        op.word & 0x7f,
        0x13 | 0x1b | 0x33 | 0x3b | 0x37 | 0x17 | 0x63 | 0x67 | 0x6f | 0x57 | 0x53
    )
}

impl Emitter<'_> {
    /// Brings the ranges of the region into registers, if they can stay there.
    pub(super) fn load_ranges(&mut self, blocks: &[(u32, Source<'_>)]) {
        let ops = || blocks.iter().flat_map(|(_, block)| block.ops);
        if ops().any(|op| accesses_memory(op) && Scalar::of(op).is_none()) {
            return;
        }
        let mut ranges = BTreeMap::new();
        for field in ops()
            .filter_map(Scalar::of)
            .flat_map(|access| Fields::of(access).all())
        {
            ranges.entry(field).or_insert_with(|| {
                let variable = self.b.declare_var(types::I64);
                let value = self
                    .b
                    .ins()
                    .load(types::I64, TRUSTED, self.env, offset(field));
                self.b.def_var(variable, value);
                variable
            });
        }
        self.ranges = Ranges(Some(ranges));
    }

    fn field(&mut self, at: usize) -> Value {
        let known = self.ranges.0.as_ref().and_then(|ranges| ranges.get(&at));
        match known {
            Some(&variable) => self.b.use_var(variable),
            None => self.b.ins().load(types::I64, TRUSTED, self.env, offset(at)),
        }
    }

    /// Looks at fields again that a body may have changed. Others that it has changed describe what
    /// was accessible before, and still is: nothing is unmapped while code runs.
    fn reload(&mut self, fields: &Fields) {
        for at in fields.all() {
            let known = self.ranges.0.as_ref().and_then(|ranges| ranges.get(&at));
            if let Some(&variable) = known {
                let value = self.b.ins().load(types::I64, TRUSTED, self.env, offset(at));
                self.b.def_var(variable, value);
            }
        }
    }

    /// A scalar load or store.
    pub(super) fn access(&mut self, access: Scalar, op: &Op, place: Place<'_>) {
        let Scalar { ty, movement, .. } = access;
        let bytes = ty.bytes();
        let fields = Fields::of(access);
        let base = self.x(op.rs1);
        let address = self.add(base, op.imm);
        let begin = self.field(fields.begin);
        let mut distance = self.b.ins().isub(address, begin);
        if bytes > 1 {
            let bits = self.constant(u64::from(bytes.trailing_zeros()));
            distance = self.b.ins().rotr(distance, bits);
        }
        let limit = self.field(fields.limit);
        let hit = self.b.ins().icmp(IntCC::UnsignedLessThan, distance, limit);
        let [fast, slow, done] = [(); 3].map(|()| self.b.create_block());
        self.b.set_cold_block(slow);
        self.b.ins().brif(hit, fast, &[], slow, &[]);

        let result = matches!(movement, Move::Load { .. })
            .then(|| self.b.append_block_param(done, types::I64));
        self.b.switch_to_block(fast);
        let delta = self.field(fields.delta);
        let at = self.b.ins().iadd(address, delta);
        let arguments = self.host_access(access, op, at);
        self.b.ins().jump(done, &arguments);

        self.b.switch_to_block(slow);
        for register in [op.rs1, op.rs2] {
            let used = register == op.rs1 || movement == Move::Store;
            if used && self.written & 1 << register != 0 {
                self.store_register(usize::from(register));
            }
        }
        // The body counts what it moves.
        let (counter, bytes) = access.counted();
        self.uncount(counter, bytes);
        self.call_body(op, place, Call::Preserving);
        self.reload(&fields);
        let mut arguments = Vec::new();
        if result.is_some() {
            let value = self.load_register(usize::from(op.rd));
            arguments.push(ir::BlockArg::Value(value));
        }
        self.b.ins().jump(done, &arguments);

        self.b.switch_to_block(done);
        if let Some(result) = result {
            self.set_x(op.rd, result);
        }
    }

    /// The access itself; gives the value for an integer register.
    fn host_access(&mut self, access: Scalar, op: &Op, at: Value) -> Vec<ir::BlockArg> {
        let Scalar { ty, movement, .. } = access;
        let flags = MemFlagsData::new().with_notrap();
        let at_float = |register: u8| offset(offset_of!(Hart, f) + 8 * usize::from(register & 31));
        match movement {
            Move::Load { signed } => {
                let value = self.b.ins().load(ty, flags, at, 0);
                let value = match (ty, signed) {
                    (types::I64, _) => value,
                    (_, true) => self.b.ins().sextend(types::I64, value),
                    (_, false) => self.b.ins().uextend(types::I64, value),
                };
                return vec![ir::BlockArg::Value(value)];
            }
            Move::LoadFloat => {
                let mut value = self.b.ins().load(ty, flags, at, 0);
                if ty == types::I32 {
                    value = self.b.ins().uextend(types::I64, value);
                    let boxing = self.constant(!0 << 32);
                    value = self.b.ins().bor(value, boxing);
                }
                self.b
                    .ins()
                    .store(TRUSTED, value, self.hart, at_float(op.rd));
            }
            Move::Store => {
                let mut value = self.x(op.rs2);
                if ty != types::I64 {
                    value = self.b.ins().ireduce(ty, value);
                }
                self.b.ins().store(flags, value, at, 0);
            }
            Move::StoreFloat => {
                let value = self.b.ins().load(ty, TRUSTED, self.hart, at_float(op.rs2));
                self.b.ins().store(flags, value, at, 0);
            }
        }
        Vec::new()
    }
}
