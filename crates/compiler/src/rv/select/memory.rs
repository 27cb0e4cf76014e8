//! Loads, stores and addresses.
//!
//! A uniform address outside lane-local memory is a scalar access: what one lane reads all
//! read, and of several stores to one place one remains. An affine one ([`Op::Affine`]) is a
//! unit-stride or strided access; if it may have wrapped around, that is a branch past the
//! indexed access that is right in any case. Every other access is a masked gather or scatter.

use super::forms::{r, ri, rs, vi, vu, vv, vx};
use super::{Local, Selected, Selector, immediate, sign_extend, vector_class};
use crate::ir::{BinaryOp, Op, Space, SymbolId, Type, Value, Width, Wrap};
use crate::rv::machine::{Kind, Reg, RegClass};
use weft_isa::abi::{LANES, LOCAL_LANE_STRIDE, LOCAL_WINDOW, SHARED_WINDOW};
use weft_isa::{Inst, Sew};

/// Base-2 logarithm of [`LOCAL_LANE_STRIDE`].
const LANE_SHIFT: u8 = 24;
const _: () = assert!(LOCAL_LANE_STRIDE == 1 << LANE_SHIFT);

/// Where an access goes.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// One address for all lanes.
    Scalar { base: Reg, offset: i32 },
    /// One address per lane: the base plus an element of the index, zero-extended.
    Indexed { base: Reg, index: Reg, ty: Type },
    /// The base plus a multiple of the lane.
    Strided { base: Reg, stride: i64 },
}

/// From the local memory of one lane to that of the next.
const LOCAL_STRIDE: i64 = LOCAL_LANE_STRIDE.cast_signed();

const fn width_sew(width: Width) -> Sew {
    match width {
        Width::W8 => Sew::E8,
        Width::W16 => Sew::E16,
        Width::W32 => Sew::E32,
        Width::W64 => Sew::E64,
    }
}

/// The type of loaded elements before extension; 8 bits are held like 16.
const fn width_type(width: Width) -> Type {
    match width {
        Width::W8 | Width::W16 => Type::B16,
        Width::W32 => Type::B32,
        Width::W64 => Type::B64,
    }
}

impl Selector<'_> {
    /// Start of a space's window, `x0` if its addresses are generic.
    fn window(&mut self, space: Space) -> Reg {
        match space {
            Space::Generic | Space::Global | Space::Const => Reg::ZERO,
            Space::Param => self.param_base,
            Space::Shared => self.constant_x(SHARED_WINDOW.cast_signed()),
            Space::Local => self.constant_x(LOCAL_WINDOW.cast_signed()),
        }
    }

    /// An `x` register plus a constant.
    fn offset_base(&mut self, base: Reg, offset: i64) -> Reg {
        if offset == 0 {
            return base;
        }
        if let Some(imm) = immediate(offset) {
            return self.op_imm(base, imm, ri!(Addi));
        }
        // Offsets nearby share all but the low bits.
        let low = ((offset & 0xfff) ^ 0x800) - 0x800;
        let high = self.constant_x(offset.wrapping_sub(low));
        let near = self.sum_once(base, high);
        self.offset_base(near, low)
    }

    /// The sum of two `x` registers that do not change within the block, made once.
    fn sum_once(&mut self, a: Reg, b: Reg) -> Reg {
        self.cached(Local::Sum(a, b), |this| this.sum(a, b))
    }

    /// Base and offset of an access to one address by all lanes.
    fn scalar_access(&mut self, space: Space, address: Value, offset: i32) -> Option<(Reg, i32)> {
        let is_scalar = !self.is_divergent(address) && space != Space::Local;
        is_scalar.then(|| self.scalar_place(space, address, offset))
    }

    fn place(&mut self, space: Space, address: Value, offset: i32) -> Place {
        if !self.is_divergent(address) {
            let (base, offset) = self.scalar_place(space, address, offset);
            if space == Space::Local {
                let base = self.offset_base(base, i64::from(offset));
                return Place::Strided {
                    base,
                    stride: LOCAL_STRIDE,
                };
            }
            return Place::Scalar { base, offset };
        }
        if space == Space::Local {
            // lane * stride + offset is below 2^29.
            let index = self.v(address);
            let index = self.truncate_v(self.ty(address), Type::B32, index);
            let lanes = self.lanes(Type::B32);
            let starts = self.vector_imm(Type::B32, lanes, LANE_SHIFT, vu!(VsllVi));
            let index = self.vector2(Type::B32, starts, index, vv!(VaddVv));
            let base = self.window(space);
            let base = self.offset_base(base, i64::from(offset));
            return Place::Indexed {
                base,
                index,
                ty: Type::B32,
            };
        }
        if let Some(&Op::Affine {
            base,
            stride,
            wrap: None,
        }) = self.definition(address)
            && self.ty(address) == Type::B64
            && !self.is_divergent(base)
        {
            let window = self.window(space);
            let base = self.x(base);
            let base = self.sum_once(window, base);
            let base = self.offset_base(base, i64::from(offset));
            return Place::Strided { base, stride };
        }
        if let Some((uniform, index)) = self.base_and_index(address) {
            let window = self.window(space);
            let base = self.x(uniform);
            let base = self.sum_once(window, base);
            let base = self.offset_base(base, i64::from(offset));
            let index = self.v(index);
            return Place::Indexed {
                base,
                index,
                ty: Type::B32,
            };
        }
        let base = self.window(space);
        let base = self.offset_base(base, i64::from(offset));
        let index = self.v(address);
        // Offsets in the shared window have 32 bits.
        let (index, ty) = match (space, self.ty(address)) {
            (Space::Shared, Type::B64) => (self.narrow(Type::B32, index), Type::B32),
            (_, ty) => (index, ty),
        };
        Place::Indexed { base, index, ty }
    }

    fn scalar_place(&mut self, space: Space, address: Value, offset: i32) -> (Reg, i32) {
        let window = match space {
            Space::Generic | Space::Global | Space::Const | Space::Param => 0,
            Space::Shared => SHARED_WINDOW,
            Space::Local => LOCAL_WINDOW,
        };
        if let Some(constant) = self.constant(address) {
            let whole = window
                .wrapping_add(constant)
                .cast_signed()
                .wrapping_add(i64::from(offset));
            if space == Space::Param {
                if let Some(imm) = immediate(whole) {
                    return (self.param_base, imm);
                }
                let base = self.offset_base(self.param_base, whole);
                return (base, 0);
            }
            // One base serves all constant addresses nearby.
            let low = whole & 0x7ff;
            let base = self.constant_x(whole - low);
            return (base, i32::try_from(low).expect("11 bits"));
        }
        let mut base = self.x(address);
        if self.ty(address) == Type::B32 {
            let window = self.window(space);
            base = self.op2(base, window, r!(AddUw));
        } else {
            let window = self.window(space);
            base = self.sum(base, window);
        }
        match immediate(i64::from(offset)) {
            Some(offset) => (base, offset),
            None => (self.offset_base(base, i64::from(offset)), 0),
        }
    }

    /// A 64-bit address that is a uniform value plus a zero-extended 32-bit one.
    fn base_and_index(&self, address: Value) -> Option<(Value, Value)> {
        let Some(&Op::Binary(BinaryOp::Add, a, b)) = self.definition(address) else {
            return None;
        };
        if self.ty(address) != Type::B64 {
            return None;
        }
        let (uniform, other) = match (self.is_divergent(a), self.is_divergent(b)) {
            (false, true) => (a, b),
            (true, false) => (b, a),
            _ => return None,
        };
        match self.definition(other) {
            Some(&Op::Extend {
                signed: false,
                from: 32,
                value,
                ..
            }) if self.ty(value) == Type::B32 && self.is_divergent(value) => Some((uniform, value)),
            _ => None,
        }
    }

    pub(super) fn load(
        &mut self,
        space: Space,
        (width, signed, ty): (Width, bool, Type),
        address: Value,
        offset: i32,
        to: Value,
    ) -> Selected {
        if let Some((base, offset)) = self.scalar_access(space, address, offset) {
            self.load_scalar(base, offset, (width, signed, ty), to);
            return Ok(());
        }
        let held = width_type(width);
        let reg = self.m.reg(vector_class(held));
        self.access_vector((space, address, offset), width, |this, place| {
            this.load_vector(place, width, reg);
        });
        let reg = match (width, ty) {
            (Width::W8, Type::B16) => self.extend_loaded(reg, ty, 2, signed),
            (Width::W8, Type::B32) => self.extend_loaded(reg, ty, 4, signed),
            (Width::W8, Type::B64) => self.extend_loaded(reg, ty, 8, signed),
            (Width::W16, Type::B32) | (Width::W32, Type::B64) => {
                self.extend_loaded(reg, ty, 2, signed)
            }
            (Width::W16, Type::B64) => self.extend_loaded(reg, ty, 4, signed),
            _ => self.truncate_v(held, ty, reg),
        };
        self.set_v(to, reg);
        Ok(())
    }

    fn load_vector(&mut self, place: Place, width: Width, reg: Reg) {
        let mask = self.effect_mask();
        let vm = mask.is_none();
        let sew = width_sew(width);
        let (inst, early) = match place {
            Place::Indexed { base, index, ty } => {
                let (vd, rs1, vs2) = (self.m.v(reg), self.m.x(base), self.m.v(index));
                let same = ty == width_type(width) && width != Width::W8;
                let inst = if ty == Type::B64 {
                    Inst::Vluxei64V { vd, rs1, vs2, vm }
                } else {
                    Inst::Vluxei32V { vd, rs1, vs2, vm }
                };
                (inst, !same)
            }
            Place::Strided { base, stride } if stride == i64::from(width.bytes()) => {
                let (vd, rs1) = (self.m.v(reg), self.m.x(base));
                let inst = match width {
                    Width::W8 => Inst::Vle8V { vd, rs1, vm },
                    Width::W16 => Inst::Vle16V { vd, rs1, vm },
                    Width::W32 => Inst::Vle32V { vd, rs1, vm },
                    Width::W64 => Inst::Vle64V { vd, rs1, vm },
                };
                (inst, false)
            }
            Place::Strided { base, stride } => {
                let stride = self.constant_x(stride);
                let (vd, rs1, rs2) = (self.m.v(reg), self.m.x(base), self.m.x(stride));
                let inst = match width {
                    Width::W8 => Inst::Vlse8V { vd, rs1, rs2, vm },
                    Width::W16 => Inst::Vlse16V { vd, rs1, rs2, vm },
                    Width::W32 => Inst::Vlse32V { vd, rs1, rs2, vm },
                    Width::W64 => Inst::Vlse64V { vd, rs1, rs2, vm },
                };
                (inst, false)
            }
            Place::Scalar { .. } => unreachable!("scalar places are loaded from as scalars"),
        };
        self.m.masked(sew, mask, early, inst);
    }

    /// Accesses an address of each lane. If it may have wrapped around, a branch decides between
    /// a strided access and an indexed one.
    fn access_vector(
        &mut self,
        (space, address, offset): (Space, Value, i32),
        width: Width,
        access: impl Fn(&mut Self, Place),
    ) {
        let Some(&Op::Affine {
            base,
            stride,
            wrap: Some(Wrap { from, .. }),
        }) = self.definition(address)
        else {
            let place = self.place(space, address, offset);
            return access(self, place);
        };
        let window = self.window(space);
        let base = self.x(base);
        let base = self.sum_once(window, base);
        let base = self.offset_base(base, i64::from(offset));
        let from = self.x(from);
        let lanes = self.constant_x(i64::try_from(LANES).expect("32"));
        if stride != i64::from(width.bytes()) {
            self.constant_x(stride);
        }
        let (straight, done) = (self.m.label(), self.m.label());
        let (rs1, rs2) = (self.m.x(from), self.m.x(lanes));
        let branch = Inst::Bgeu {
            rs1,
            rs2,
            offset: 0,
        };
        self.m.branch(branch, straight);
        // What is computed on one way only is of no use later.
        let local = self.keep_local();
        let place = self.place(space, address, offset);
        access(self, place);
        self.restore_local(local.clone());
        self.m.pseudo(Kind::Jump(done), &[]);
        self.m.pseudo(Kind::Label(straight), &[]);
        access(self, Place::Strided { base, stride });
        self.restore_local(local);
        self.m.pseudo(Kind::Label(done), &[]);
    }

    fn extend_loaded(&mut self, reg: Reg, ty: Type, times: u8, signed: bool) -> Reg {
        self.resize(ty, ty, reg, |vd, vs2| {
            let vm = true;
            match (times, signed) {
                (2, false) => Inst::VzextVf2 { vd, vs2, vm },
                (2, true) => Inst::VsextVf2 { vd, vs2, vm },
                (4, false) => Inst::VzextVf4 { vd, vs2, vm },
                (4, true) => Inst::VsextVf4 { vd, vs2, vm },
                (_, false) => Inst::VzextVf8 { vd, vs2, vm },
                (_, true) => Inst::VsextVf8 { vd, vs2, vm },
            }
        })
    }

    fn load_scalar(
        &mut self,
        base: Reg,
        imm: i32,
        (width, signed, ty): (Width, bool, Type),
        to: Value,
    ) {
        let whole = width.bytes() * 8 == ty.bits();
        if whole && self.wants_float_home(to) {
            let reg = self.m.reg(RegClass::F);
            let (rd, rs1) = (self.m.f(reg), self.m.x(base));
            self.m.scalar(match width {
                Width::W64 => Inst::Fld { rd, imm, rs1 },
                Width::W32 => Inst::Flw { rd, imm, rs1 },
                Width::W8 | Width::W16 => Inst::Flh { rd, imm, rs1 },
            });
            self.set_f(to, reg);
            return;
        }
        let reg = self.m.reg(RegClass::X);
        let (rd, rs1) = (self.m.x(reg), self.m.x(base));
        // Registers hold values sign-extended from their type's width.
        self.m.scalar(match (width, signed || whole) {
            (Width::W8, true) => Inst::Lb { rd, imm, rs1 },
            (Width::W8, false) => Inst::Lbu { rd, imm, rs1 },
            (Width::W16, true) => Inst::Lh { rd, imm, rs1 },
            (Width::W16, false) => Inst::Lhu { rd, imm, rs1 },
            (Width::W32, true) => Inst::Lw { rd, imm, rs1 },
            (Width::W32, false) => Inst::Lwu { rd, imm, rs1 },
            (Width::W64, _) => Inst::Ld { rd, imm, rs1 },
        });
        let reg = if width.bytes() * 8 > ty.bits() {
            self.canonical(ty, reg)
        } else {
            reg
        };
        self.set_x(to, reg);
    }

    pub(super) fn store(
        &mut self,
        space: Space,
        width: Width,
        address: Value,
        offset: i32,
        value: Value,
    ) -> Selected {
        let scalar = self.scalar_access(space, address, offset);
        if let Some((base, offset)) = scalar
            && !self.is_divergent(value)
        {
            self.store_scalar(base, offset, width, value);
            return Ok(());
        }
        let ty = self.ty(value);
        let mut data = self.v(value);
        data = match width {
            Width::W8 => {
                let half = self.truncate_v(ty, Type::B16, data);
                let byte = self.m.reg(RegClass::V);
                let (vd, vs2) = (self.m.v(byte), self.m.v(half));
                self.m.early(
                    Sew::E8,
                    Inst::VnsrlWi {
                        vd,
                        vs2,
                        uimm: 0,
                        vm: true,
                    },
                );
                byte
            }
            Width::W16 => self.truncate_v(ty, Type::B16, data),
            Width::W32 => self.truncate_v(ty, Type::B32, data),
            Width::W64 => data,
        };
        if let Some((base, offset)) = scalar {
            // Lanes store different values to one place: a scatter, in which one wins.
            let base = self.offset_base(base, i64::from(offset));
            let index = self.constant_v(Type::B32, 0);
            let ty = Type::B32;
            self.store_vector(Place::Indexed { base, index, ty }, width, data);
            return Ok(());
        }
        self.access_vector((space, address, offset), width, |this, place| {
            this.store_vector(place, width, data);
        });
        Ok(())
    }

    fn store_vector(&mut self, place: Place, width: Width, data: Reg) {
        let mask = self.effect_mask();
        let vm = mask.is_none();
        let sew = width_sew(width);
        let inst = match place {
            Place::Indexed { base, index, ty } => {
                let (vs3, rs1, vs2) = (self.m.v(data), self.m.x(base), self.m.v(index));
                if ty == Type::B64 {
                    Inst::Vsuxei64V { vs3, rs1, vs2, vm }
                } else {
                    Inst::Vsuxei32V { vs3, rs1, vs2, vm }
                }
            }
            Place::Strided { base, stride } if stride == i64::from(width.bytes()) => {
                let (vs3, rs1) = (self.m.v(data), self.m.x(base));
                match width {
                    Width::W8 => Inst::Vse8V { vs3, rs1, vm },
                    Width::W16 => Inst::Vse16V { vs3, rs1, vm },
                    Width::W32 => Inst::Vse32V { vs3, rs1, vm },
                    Width::W64 => Inst::Vse64V { vs3, rs1, vm },
                }
            }
            Place::Strided { base, stride } => {
                let stride = self.constant_x(stride);
                let (vs3, rs1, rs2) = (self.m.v(data), self.m.x(base), self.m.x(stride));
                match width {
                    Width::W8 => Inst::Vsse8V { vs3, rs1, rs2, vm },
                    Width::W16 => Inst::Vsse16V { vs3, rs1, rs2, vm },
                    Width::W32 => Inst::Vsse32V { vs3, rs1, rs2, vm },
                    Width::W64 => Inst::Vsse64V { vs3, rs1, rs2, vm },
                }
            }
            Place::Scalar { .. } => unreachable!("scalar places are stored to by scalars"),
        };
        self.m.masked(sew, mask, false, inst);
    }

    fn store_scalar(&mut self, base: Reg, imm: i32, width: Width, value: Value) {
        let whole = width.bytes() * 8 == self.ty(value).bits();
        if whole && self.homes[value.index()].f.is_some() && self.homes[value.index()].x.is_none() {
            let f = self.f(value);
            let (rs2, rs1) = (self.m.f(f), self.m.x(base));
            self.m.scalar(match width {
                Width::W64 => Inst::Fsd { rs2, imm, rs1 },
                Width::W32 => Inst::Fsw { rs2, imm, rs1 },
                Width::W8 | Width::W16 => Inst::Fsh { rs2, imm, rs1 },
            });
            return;
        }
        let x = self.x(value);
        let (rs2, rs1) = (self.m.x(x), self.m.x(base));
        self.m.scalar(match width {
            Width::W8 => Inst::Sb { rs2, imm, rs1 },
            Width::W16 => Inst::Sh { rs2, imm, rs1 },
            Width::W32 => Inst::Sw { rs2, imm, rs1 },
            Width::W64 => Inst::Sd { rs2, imm, rs1 },
        });
    }

    /// The generic 64-bit address of every lane.
    pub(super) fn generic_address(&mut self, space: Space, address: Value, offset: i32) -> Reg {
        match self.place(space, address, offset) {
            Place::Scalar { base, offset } => {
                let base = self.offset_base(base, i64::from(offset));
                self.splat(Type::B64, base)
            }
            Place::Indexed { base, index, ty } => {
                let index = self.extend_v(ty, Type::B64, false, index);
                if base == Reg::ZERO {
                    index
                } else {
                    self.vector_x(Type::B64, index, base, vx!(VaddVx))
                }
            }
            Place::Strided { base, stride } => self.affine(Type::B64, base, stride, None),
        }
    }

    /// The value of an [`Op::Affine`] whose base is in an `x` register.
    fn affine(&mut self, ty: Type, base: Reg, stride: i64, wrap: Option<Wrap>) -> Reg {
        let lanes = self.lanes(ty);
        let step = sign_extend(stride.cast_unsigned(), ty.bits());
        let steps = if step == 1 {
            lanes
        } else if step > 0 && step.cast_unsigned().is_power_of_two() && step < 1 << 32 {
            let by = u8::try_from(step.trailing_zeros()).expect("below 32");
            self.vector_imm(ty, lanes, by, vu!(VsllVi))
        } else {
            let step = self.constant_x(step);
            self.vector_x(ty, lanes, step, vx!(VmulVx))
        };
        let sums = if base == Reg::ZERO {
            steps
        } else {
            self.vector_x(ty, steps, base, vx!(VaddVx))
        };
        let Some(Wrap { from, amount }) = wrap else {
            return sums;
        };
        let lanes = self.lanes(ty);
        let from = self.x(from);
        let amount = self.constant_x(amount);
        let wrapped = self.vector_x(ty, sums, amount, vx!(VaddVx));
        self.compare_x(ty, lanes, from, vx!(VmsltuVx));
        self.merge(ty, None, sums, wrapped)
    }

    /// The value of an [`Op::Affine`] in vector registers.
    pub(super) fn affine_value(
        &mut self,
        ty: Type,
        base: Value,
        stride: i64,
        wrap: Option<Wrap>,
    ) -> Reg {
        if !self.is_divergent(base) {
            let base = self.x(base);
            return self.affine(ty, base, stride, wrap);
        }
        let base = self.v(base);
        let sums = self.affine(ty, Reg::ZERO, stride, wrap);
        self.vector2(ty, sums, base, vv!(VaddVv))
    }

    /// Offset of each lane's part of the local window.
    fn lane_starts(&mut self) -> Reg {
        let lanes = self.lanes(Type::B64);
        self.vector_imm(Type::B64, lanes, LANE_SHIFT, vu!(VsllVi))
    }

    /// The generic address of an address in a space.
    pub(super) fn generic_of(&mut self, space: Space, a: Value, to: Value) -> Selected {
        match space {
            Space::Local => {
                let starts = self.lane_starts();
                let window = self.window(space);
                let starts = self.vector_x(Type::B64, starts, window, vx!(VaddVx));
                let reg = if self.is_divergent(a) {
                    let offset = self.v(a);
                    self.vector2(Type::B64, starts, offset, vv!(VaddVv))
                } else {
                    let offset = self.x(a);
                    self.vector_x(Type::B64, starts, offset, vx!(VaddVx))
                };
                self.set_v(to, reg);
            }
            Space::Generic | Space::Global | Space::Const | Space::Shared | Space::Param => {
                let window = self.window(space);
                self.add_to_address(a, window, to);
            }
        }
        Ok(())
    }

    fn add_to_address(&mut self, a: Value, amount: Reg, to: Value) {
        if self.is_divergent(to) {
            let x = self.v(a);
            let reg = if amount == Reg::ZERO {
                x
            } else {
                self.vector_x(Type::B64, x, amount, vx!(VaddVx))
            };
            self.set_v(to, reg);
        } else {
            let x = self.x(a);
            let reg = self.sum(x, amount);
            self.set_x(to, reg);
        }
    }

    /// The address in a space of a generic address.
    pub(super) fn offset_in(&mut self, space: Space, a: Value, to: Value) -> Selected {
        match space {
            Space::Local => {
                let starts = self.lane_starts();
                let window = self.window(space);
                let starts = self.vector_x(Type::B64, starts, window, vx!(VaddVx));
                let address = self.v(a);
                let reg = self.vector2(Type::B64, address, starts, vv!(VsubVv));
                self.set_v(to, reg);
            }
            Space::Generic | Space::Global | Space::Const => self.add_to_address(a, Reg::ZERO, to),
            Space::Shared | Space::Param => {
                let window = self.window(space);
                let negated = self.op2(Reg::ZERO, window, r!(Sub));
                self.add_to_address(a, negated, to);
            }
        }
        Ok(())
    }

    pub(super) fn is_space(
        &mut self,
        space: Space,
        a: Value,
        to: Value,
        divergent: bool,
    ) -> Selected {
        let window: i32 = match space {
            Space::Global => 0,
            Space::Shared => 1,
            Space::Local => 2,
            Space::Generic | Space::Const | Space::Param => {
                return self.unsupported(format!("isspacep.{space:?}").to_lowercase());
            }
        };
        if divergent {
            let x = self.v(a);
            let by = self.constant_x(56);
            let top = self.vector_x(Type::B64, x, by, vx!(VsrlVx));
            self.compare_imm(Type::B64, top, window, vi!(VmseqVi));
            self.set_mask_v0(to);
        } else {
            let x = self.x(a);
            let top = self.op_imm(x, 56, rs!(Srli));
            let difference = self.op_imm(top, window, ri!(Xori));
            let reg = self.is_zero(difference);
            self.set_x(to, reg);
        }
        Ok(())
    }

    pub(super) fn symbol_address(&mut self, symbol: SymbolId, to: Value) -> Selected {
        let (base, imm) = match immediate(i64::from(symbol.0) * 8) {
            Some(imm) => (self.symbol_table, imm),
            None => (
                self.offset_base(self.symbol_table, i64::from(symbol.0) * 8),
                0,
            ),
        };
        let reg = self.m.reg(RegClass::X);
        let (rd, rs1) = (self.m.x(reg), self.m.x(base));
        self.m.scalar(Inst::Ld { rd, imm, rs1 });
        self.set_x(to, reg);
        Ok(())
    }

    pub(super) fn frame_address(&mut self, offset: u64, to: Value) -> Selected {
        let offset = i64::try_from(offset).expect("frames are below 4 GiB");
        let reg = if self.facts.is_kernel {
            // The kernel's frame begins at 0.
            self.constant_x(offset)
        } else {
            let frame = self.copy_x(Reg::TP);
            self.offset_base(frame, offset)
        };
        self.set_x(to, reg);
        Ok(())
    }
}
