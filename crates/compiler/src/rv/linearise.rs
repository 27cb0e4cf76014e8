//! Control flow: blocks in layout order, edges, masks and block parameters.
//!
//! See [`plan`](super::plan) for how masks move. A block parameter is one register, written by
//! the edges. Where lanes can come along different edges in one sweep, an edge writes it only
//! for its own lanes. Pure operations need no mask: SSA values are defined before use in the
//! sweep, and lanes that left a loop keep what they took with them in parameters.

use super::machine::{Kind, Label, Machine, Reg, RegClass};
use super::plan::{Plan, Split, Waiting, is_end};
use super::select::{Selector, UnitFacts, Unsupported};
use crate::analysis::divergence::{Divergence, PostDominators};
use crate::analysis::graph::{Dominators, Graph};
use crate::analysis::loops::Loops;
use crate::ir::{Block, Edge, Function, IntCompare, Op, Special, Terminator, Type, Value};
use weft_isa::{Inst, abi};

/// Machine code of a function in the form that `normalise` makes.
pub(crate) fn linearise(function: &Function, facts: UnitFacts) -> Result<Machine, Unsupported> {
    let graph = Graph::new(function);
    let dominators = Dominators::new(&graph);
    let loops = Loops::new(&graph, &dominators);
    let is_fault = |block: Block| matches!(function.block(block).terminator, Terminator::Fault(_));
    let layout = loops.layout(&graph, is_fault);
    let post_dominators = PostDominators::new(function, &graph, &loops, &layout);
    let divergence = Divergence::new(
        function,
        &graph,
        &loops,
        &layout,
        &post_dominators,
        facts.rows,
    );
    let has_calls = function
        .insts
        .iter()
        .any(|inst| matches!(inst.op, Op::Call(_) | Op::CallIndirect(_)));
    let plan = Plan::new(
        function,
        &graph,
        (&dominators, &post_dominators),
        &loops,
        layout,
        &divergence,
        facts.callees_exit && has_calls,
    );
    let whole = plan.split.iter().all(Option::is_none);
    let facts = UnitFacts {
        full_warps: facts.full_warps && whole && facts.is_kernel,
        ..facts
    };
    let mut responsible = vec![Vec::new(); function.blocks.len()];
    for block in function.block_ids() {
        match plan.waiting[block.index()] {
            Some(Waiting::Saved(above) | Waiting::ClearedIn(above)) => {
                responsible[above.index()].push(block);
            }
            Some(Waiting::AlwaysClear) | None => {}
        }
    }
    let selector = Selector::new(function, &divergence, facts);
    let mut emitter = Emitter {
        graph: &graph,
        loops: &loops,
        labels: Vec::new(),
        masks: vec![None; function.blocks.len()],
        end: Label(0),
        alive: None,
        loop_closed: false,
        responsible,
        plan,
        s: selector,
    };
    emitter.function()?;
    Ok(emitter.s.m)
}

struct Emitter<'a> {
    s: Selector<'a>,
    graph: &'a Graph,
    loops: &'a Loops,
    plan: Plan,
    /// Label of each block; of a masked one, of its dispatch.
    labels: Vec<Label>,
    /// Mask of waiting lanes of each masked block.
    masks: Vec<Option<Reg>>,
    /// Where the function ends.
    end: Label,
    /// Device functions: lanes of the call that have not exited.
    alive: Option<Reg>,
    /// The end of the loop of which the current block is the latch has been marked.
    loop_closed: bool,
    /// Masked blocks whose masks each block clears or saves.
    responsible: Vec<Vec<Block>>,
}

impl Emitter<'_> {
    fn function(&mut self) -> Result<(), Unsupported> {
        let function = self.s.function;
        self.end = self.s.m.label();
        for block in function.block_ids() {
            let label = self.s.m.label();
            self.labels.push(label);
            if self.plan.is_masked(block) {
                self.masks[block.index()] = Some(self.s.m.reg(RegClass::X));
            }
            for &param in &function.block(block).params {
                self.s.param_home(param);
            }
        }
        self.entry();
        for at in 0..self.plan.layout.len() {
            self.block(self.plan.layout[at])?;
        }
        self.s.m.pseudo(Kind::Label(self.end), &[]);
        if self.s.facts.is_kernel {
            self.s.m.scalar(Inst::XwExit);
        } else {
            if let Some(alive) = self.alive {
                self.s.m.pseudo(Kind::Copy, &[Reg::A0, alive]);
            }
            self.s.m.pseudo(Kind::Return, &[]);
        }
        Ok(())
    }

    fn entry(&mut self) {
        let function = self.s.function;
        let (param_base, symbol_table, exec) =
            (self.s.param_base, self.s.symbol_table, self.s.exec);
        self.s.m.pseudo(Kind::Copy, &[param_base, Reg::A0]);
        self.s.m.pseudo(Kind::Copy, &[symbol_table, Reg::A1]);
        if self.s.facts.is_kernel {
            let (rd, rs1) = (self.s.m.x(exec), self.s.m.x(Reg::ZERO));
            self.s.m.scalar(Inst::Csrrs {
                rd,
                csr: abi::csr::LANES,
                rs1,
            });
        } else {
            self.s.m.pseudo(Kind::Copy, &[exec, Reg::A2]);
            if self.s.facts.callees_exit {
                self.alive = Some(self.s.copy_x(exec));
            }
        }
        let some_wait = self.plan.waiting.iter().any(Option::is_some);
        let ops = || function.insts.iter().map(|inst| &inst.op);
        if self.s.facts.is_kernel && some_wait && ops().any(|op| matches!(op, Op::Barrier { .. })) {
            self.s.live = Some(self.s.copy_x(exec));
        }
        for block in function.block_ids() {
            if self.plan.waiting[block.index()] == Some(Waiting::AlwaysClear)
                && let Some(mask) = self.masks[block.index()]
            {
                self.s.m.pseudo(Kind::Constant(0), &[mask]);
                self.begin_params(block);
            }
        }
        let (mut wanted, mut first) = ([false; 3], [false; 3]);
        for block in function.block_ids() {
            for &inst in &function.block(block).insts {
                match function.inst(inst).op {
                    Op::ReadSpecial(Special::ThreadId(axis)) => {
                        wanted[usize::from(axis.min(2))] = true;
                    }
                    Op::ReadSpecial(Special::FirstThreadId(axis)) => {
                        first[usize::from(axis.min(2))] = true;
                    }
                    _ => {}
                }
            }
        }
        self.s.thread_ids(wanted);
        self.s.first_thread_ids(first);
    }

    /// Label to go to when no lane is left to execute a block.
    fn elsewhere(&self, block: Block) -> Label {
        self.plan
            .next_dispatch(block)
            .map_or(self.end, |next| self.labels[next.index()])
    }

    fn is_next(&self, block: Block, target: Block) -> bool {
        let at = self.plan.position[block.index()];
        self.plan.layout.get(at + 1) == Some(&target)
    }

    fn block(&mut self, block: Block) -> Result<(), Unsupported> {
        let function = self.s.function;
        let is_header = self
            .loops
            .innermost(block)
            .is_some_and(|id| self.loops.get(id).header == block);
        if is_header {
            self.s.m.pseudo(Kind::LoopBegin, &[]);
        }
        self.s
            .m
            .pseudo(Kind::Label(self.labels[block.index()]), &[]);
        self.s.begin_block();
        if let (Some(waiting), Some(mask)) =
            (self.plan.waiting[block.index()], self.masks[block.index()])
        {
            let exec = self.s.exec;
            self.s.m.pseudo(Kind::Copy, &[exec, mask]);
            if !matches!(waiting, Waiting::Saved(_)) {
                let elsewhere = self.elsewhere(block);
                self.branch_if_empty(elsewhere);
            }
            if waiting == Waiting::AlwaysClear {
                self.s.m.pseudo(Kind::Constant(0), &[mask]);
            }
        }
        self.s.elsewhere = Some(self.elsewhere(block));
        self.loop_closed = false;
        // Lanes elsewhere can only matter to a barrier if there may be some.
        let live = self.s.live;
        if !self.plan.is_partial(block) {
            self.s.live = None;
        }
        let mut result = Ok(());
        for &inst in &function.block(block).insts {
            result = self.s.inst(inst);
            if result.is_err() {
                break;
            }
        }
        self.s.live = live;
        result?;
        self.prepare_waiting(block);
        self.terminator(block);
        let is_latch = self
            .loops
            .innermost(block)
            .is_some_and(|id| self.loops.get(id).latches.contains(&block));
        if is_latch && !self.loop_closed {
            self.close_loop();
        }
        Ok(())
    }

    /// Clears or saves the masks of the blocks that this one is responsible for, and marks
    /// where their parameters begin to be written.
    fn prepare_waiting(&mut self, block: Block) {
        for other in std::mem::take(&mut self.responsible[block.index()]) {
            let Some(mask) = self.masks[other.index()] else {
                continue;
            };
            if matches!(self.plan.waiting[other.index()], Some(Waiting::Saved(_))) {
                let exec = self.s.exec;
                self.s.m.pseudo(Kind::Copy, &[mask, exec]);
            } else {
                self.s.m.pseudo(Kind::Constant(0), &[mask]);
            }
            self.begin_params(other);
        }
    }

    /// Marks where the registers of a masked block's parameters begin to be in use, unless
    /// the first edge in the layout writes them in every lane.
    fn begin_params(&mut self, block: Block) {
        let first = self.graph.predecessors[block.index()]
            .iter()
            .min_by_key(|from| self.plan.position[from.index()]);
        if first.is_some_and(|&first| self.is_first_source(first, block)) {
            return;
        }
        for &param in &self.s.function.block(block).params {
            let reg = self.param_reg(param);
            self.s.m.pseudo(Kind::Undefined, &[reg]);
        }
    }

    // Ends of blocks.

    fn terminator(&mut self, block: Block) {
        let function = self.s.function;
        match &function.block(block).terminator {
            Terminator::Jump(edge) => {
                self.take_edge(block, edge);
            }
            Terminator::Branch {
                condition,
                then,
                otherwise,
            } => match self.plan.split[block.index()] {
                None => self.uniform_branch(block, *condition, then, otherwise),
                Some(split) => self.divergent_branch(block, split, *condition, then, otherwise),
            },
            Terminator::Return => self.end_lanes(block, false),
            Terminator::Exit => self.end_lanes(block, true),
            Terminator::Fault(code) => self.s.m.scalar(Inst::XwFault { code: *code as u16 }),
            Terminator::Switch { .. } => unreachable!("normalise turns switches into branches"),
        }
    }

    fn end_lanes(&mut self, block: Block, exit: bool) {
        let exec = self.s.exec;
        self.forget_lanes(exec, exit);
        if self.s.facts.is_kernel && self.plan.next_dispatch(block).is_none() {
            let at = self.plan.position[block.index()];
            if at + 1 < self.plan.layout.len() {
                self.s.m.scalar(Inst::XwExit);
            }
            return;
        }
        self.go_elsewhere(block);
    }

    /// Takes lanes that end out of the masks of those that live.
    fn forget_lanes(&mut self, lanes: Reg, exit: bool) {
        let alive = if exit { self.alive } else { None };
        for reg in [self.s.live, alive].into_iter().flatten() {
            let (rd, rs1, rs2) = (self.s.m.x(reg), self.s.m.x(reg), self.s.m.x(lanes));
            self.s.m.scalar(Inst::Andn { rd, rs1, rs2 });
        }
    }

    fn go_elsewhere(&mut self, block: Block) {
        match self.plan.next_dispatch(block) {
            Some(next) if self.is_next(block, next) => {}
            _ => {
                let label = self.elsewhere(block);
                self.s.m.pseudo(Kind::Jump(label), &[]);
            }
        }
    }

    fn branch_if_empty(&mut self, label: Label) {
        let (rs1, rs2) = (self.s.m.x(self.s.exec), self.s.m.x(Reg::ZERO));
        self.s.m.branch(
            Inst::Beq {
                rs1,
                rs2,
                offset: 0,
            },
            label,
        );
    }

    /// All executing lanes take the edge.
    fn take_edge(&mut self, block: Block, edge: &Edge) {
        self.edge_work(block, edge, None);
        self.go_along(block, edge);
    }

    /// Jumps along an edge whose work is done.
    fn go_along(&mut self, block: Block, edge: &Edge) {
        if self.hands_over(block, edge.block) {
            self.go_elsewhere(block);
        } else if !self.is_next(block, edge.block) {
            self.s
                .m
                .pseudo(Kind::Jump(self.labels[edge.block.index()]), &[]);
        }
    }

    /// Whether the edge adds to a mask instead of jumping.
    fn hands_over(&self, block: Block, target: Block) -> bool {
        self.plan.is_masked(target) && !self.loops.is_back_edge(block, target)
    }

    /// Label that control goes to along an edge.
    fn target_label(&self, block: Block, target: Block) -> Label {
        if self.hands_over(block, target) {
            self.elsewhere(block)
        } else {
            self.labels[target.index()]
        }
    }

    /// Whether control falls through along an edge whose work is done.
    fn falls_through(&self, block: Block, target: Block) -> bool {
        if self.hands_over(block, target) {
            self.plan
                .next_dispatch(block)
                .is_some_and(|next| self.is_next(block, next))
        } else {
            self.is_next(block, target)
        }
    }

    fn edge_has_work(&self, block: Block, edge: &Edge) -> bool {
        !edge.args.is_empty()
            || (self.hands_over(block, edge.block)
                && !matches!(
                    self.plan.waiting[edge.block.index()],
                    Some(Waiting::Saved(_))
                ))
    }

    /// Writes the parameters and adds to the mask of an edge for these lanes (all executing
    /// ones if `None`).
    fn edge_work(&mut self, block: Block, edge: &Edge, lanes: Option<Reg>) {
        let target = edge.block;
        if !self.hands_over(block, target) {
            self.copy_params(edge);
            return;
        }
        let lanes = lanes.unwrap_or(self.s.exec);
        if !matches!(self.plan.waiting[target.index()], Some(Waiting::Saved(_)))
            && let Some(mask) = self.masks[target.index()]
        {
            let (rd, rs1, rs2) = (self.s.m.x(mask), self.s.m.x(mask), self.s.m.x(lanes));
            self.s.m.scalar(Inst::Or { rd, rs1, rs2 });
        }
        if edge.args.is_empty() {
            return;
        }
        if self.is_first_source(block, target) {
            self.copy_params(edge);
        } else {
            self.merge_params(edge, lanes);
        }
    }

    /// Whether no other edge can have written the target's parameters in this sweep.
    fn is_first_source(&self, block: Block, target: Block) -> bool {
        if self.loops.innermost(block) != self.loops.innermost(target) {
            return false;
        }
        let at = self.plan.position[block.index()];
        self.graph.predecessors[target.index()]
            .iter()
            .all(|other| *other == block || self.plan.position[other.index()] > at)
    }

    fn param_reg(&self, param: Value) -> Reg {
        let home = self.s.homes[param.index()];
        home.v
            .or(home.x)
            .or(home.f)
            .expect("parameters have registers")
    }

    /// The argument in a register of the parameter's kind.
    fn argument(&mut self, arg: Value, param: Value) -> Reg {
        let home = self.s.homes[param.index()];
        if self.s.ty(param) == Type::Pred && self.s.is_divergent(param) {
            self.s.mask(arg)
        } else if home.v.is_some() {
            self.s.v(arg)
        } else if home.f.is_some() {
            self.s.f(arg)
        } else {
            self.s.x(arg)
        }
    }

    /// Writes all parameters at once, in every lane.
    fn copy_params(&mut self, edge: &Edge) {
        let params = &self.s.function.block(edge.block).params;
        let mut moves: Vec<(Reg, Reg)> = Vec::new();
        for (&arg, &param) in edge.args.iter().zip(params) {
            let from = self.argument(arg, param);
            let to = self.param_reg(param);
            if to != from {
                moves.push((to, from));
            }
        }
        while !moves.is_empty() {
            let ready = (0..moves.len()).find(|&at| {
                let to = moves[at].0;
                moves.iter().all(|&(_, from)| from != to)
            });
            if let Some(at) = ready {
                let (to, from) = moves.swap_remove(at);
                self.s.m.pseudo(Kind::Copy, &[to, from]);
            } else {
                // A cycle: keep one source aside.
                let from = moves[0].1;
                let class = self.s.m.class(from);
                let aside = self.s.m.reg(class);
                self.s.m.pseudo(Kind::Copy, &[aside, from]);
                for pending in &mut moves {
                    if pending.1 == from {
                        pending.1 = aside;
                    }
                }
            }
        }
    }

    /// Writes the parameters in some lanes.
    fn merge_params(&mut self, edge: &Edge, lanes: Reg) {
        let params = &self.s.function.block(edge.block).params;
        for (&arg, &param) in edge.args.iter().zip(params) {
            let to = self.param_reg(param);
            if !self.s.is_divergent(param) {
                let from = self.argument(arg, param);
                self.s.m.pseudo(Kind::Copy, &[to, from]);
                continue;
            }
            let ty = self.s.ty(param);
            if ty == Type::Pred {
                let from = self.s.mask(arg);
                let changed = self
                    .s
                    .op2(from, to, |rd, rs1, rs2| Inst::Xor { rd, rs1, rs2 });
                let changed = self
                    .s
                    .op2(changed, lanes, |rd, rs1, rs2| Inst::And { rd, rs1, rs2 });
                let (rd, rs1, rs2) = (self.s.m.x(to), self.s.m.x(to), self.s.m.x(changed));
                self.s.m.scalar(Inst::Xor { rd, rs1, rs2 });
                continue;
            }
            self.merge_param(ty, to, arg, lanes);
        }
    }

    fn merge_param(&mut self, ty: Type, to: Reg, arg: Value, lanes: Reg) {
        let sew = super::select::sew(ty);
        if let Some(imm) = self.s.small_constant(arg) {
            let (vd, vs2) = (self.s.m.v(to), self.s.m.v(to));
            let inst = Inst::VmergeVim { vd, vs2, imm };
            self.s.m.masked(sew, Some(lanes), false, inst);
        } else if !self.s.is_divergent(arg) && !self.s.wants_float_home(arg) {
            let x = self.s.x(arg);
            let (vd, vs2, rs1) = (self.s.m.v(to), self.s.m.v(to), self.s.m.x(x));
            let inst = Inst::VmergeVxm { vd, vs2, rs1 };
            self.s.m.masked(sew, Some(lanes), false, inst);
        } else {
            let v = self.s.v(arg);
            let (vd, vs2, vs1) = (self.s.m.v(to), self.s.m.v(to), self.s.m.v(v));
            let inst = Inst::VmergeVvm { vd, vs2, vs1 };
            self.s.m.masked(sew, Some(lanes), false, inst);
        }
    }

    // Branches.

    fn uniform_branch(&mut self, block: Block, condition: Value, then: &Edge, otherwise: &Edge) {
        let back = [then, otherwise].map(|edge| self.loops.is_back_edge(block, edge.block));
        if let [true, _] | [_, true] = back
            && self.rotated_latch(block, condition, then, otherwise, back[0])
        {
            return;
        }
        let test = self.test(condition, None);
        if !self.edge_has_work(block, then)
            && (self.edge_has_work(block, otherwise) || !self.falls_through(block, then.block))
        {
            let label = self.target_label(block, then.block);
            self.branch_on(test, true, label);
            self.take_edge(block, otherwise);
        } else if !self.edge_has_work(block, otherwise) {
            let label = self.target_label(block, otherwise.block);
            self.branch_on(test, false, label);
            self.take_edge(block, then);
        } else {
            let skip = self.s.m.label();
            self.branch_on(test, false, skip);
            // What the edge computes for itself must not be found on the other path.
            let kept = self.s.keep_local();
            self.edge_work(block, then, None);
            let label = self.target_label(block, then.block);
            self.s.m.pseudo(Kind::Jump(label), &[]);
            self.s.m.pseudo(Kind::Label(skip), &[]);
            self.s.restore_local(kept);
            self.take_edge(block, otherwise);
        }
    }

    /// The bottom of a loop with the jump back as the last thing: parameters of the header
    /// are written before it is known whether there is another round. Not possible if the way
    /// out needs their old values.
    fn rotated_latch(
        &mut self,
        block: Block,
        condition: Value,
        then: &Edge,
        otherwise: &Edge,
        back_is_then: bool,
    ) -> bool {
        let (back, out) = if back_is_then {
            (then, otherwise)
        } else {
            (otherwise, then)
        };
        let params = &self.s.function.block(back.block).params;
        if out.args.iter().any(|arg| params.contains(arg)) {
            return false;
        }
        let operands = self.fused_operands(condition);
        if operands.iter().any(|value| params.contains(value)) || params.contains(&condition) {
            return false;
        }
        // Registers of the comparison must be there before the parameters change.
        let test = self.test(condition, Some(back));
        self.copy_params(back);
        let label = self.labels[back.block.index()];
        self.branch_on(test, back_is_then, label);
        self.close_loop();
        self.take_edge(block, out);
        true
    }

    /// Marks the end of the code that repeats.
    fn close_loop(&mut self) {
        self.s.m.pseudo(Kind::LoopEnd, &[]);
        self.loop_closed = true;
    }

    /// Operands of the comparison that a branch on the condition would do itself.
    fn fused_operands(&self, condition: Value) -> Vec<Value> {
        match self.s.definition(condition) {
            Some(&Op::CompareInt(_, a, b)) if self.s.ty(a) != Type::Pred => vec![a, b],
            _ => Vec::new(),
        }
    }

    /// Registers and kind of test of a branch on a uniform condition. With the edge of a
    /// rotated loop, a value that becomes a parameter is read from that.
    fn test(&mut self, condition: Value, rotated: Option<&Edge>) -> Test {
        if let Some(&Op::CompareInt(op, a, b)) = self.s.definition(condition)
            && self.s.ty(a) != Type::Pred
            && !self.s.is_divergent(a)
            && !self.s.is_divergent(b)
        {
            let [a, b] = [a, b].map(|value| {
                if let Some(edge) = rotated
                    && let Some(at) = edge.args.iter().position(|&arg| arg == value)
                {
                    let param = self.s.function.block(edge.block).params[at];
                    if let Some(x) = self.s.homes[param.index()].x
                        && !self.s.is_divergent(param)
                    {
                        return x;
                    }
                }
                self.s.x(value)
            });
            return Test { op, a, b };
        }
        let a = self.s.x(condition);
        Test {
            op: IntCompare::NotEqual,
            a,
            b: Reg::ZERO,
        }
    }

    fn branch_on(&mut self, test: Test, when: bool, label: Label) {
        let Test { op, a, b } = test;
        let op = if when { op } else { negated(op) };
        let swap = matches!(
            op,
            IntCompare::GreaterSigned
                | IntCompare::GreaterUnsigned
                | IntCompare::LessEqualSigned
                | IntCompare::LessEqualUnsigned
        );
        let (a, b) = if swap { (b, a) } else { (a, b) };
        let (rs1, rs2, offset) = (self.s.m.x(a), self.s.m.x(b), 0);
        let inst = match op {
            IntCompare::Equal => Inst::Beq { rs1, rs2, offset },
            IntCompare::NotEqual => Inst::Bne { rs1, rs2, offset },
            IntCompare::LessSigned | IntCompare::GreaterSigned => Inst::Blt { rs1, rs2, offset },
            IntCompare::LessUnsigned | IntCompare::GreaterUnsigned => {
                Inst::Bltu { rs1, rs2, offset }
            }
            IntCompare::GreaterEqualSigned | IntCompare::LessEqualSigned => {
                Inst::Bge { rs1, rs2, offset }
            }
            IntCompare::GreaterEqualUnsigned | IntCompare::LessEqualUnsigned => {
                Inst::Bgeu { rs1, rs2, offset }
            }
        };
        self.s.m.branch(inst, label);
    }

    fn divergent_branch(
        &mut self,
        block: Block,
        split: Split,
        condition: Value,
        then: &Edge,
        otherwise: &Edge,
    ) {
        match split {
            Split::EndsAll => {
                let exits = matches!(
                    self.s.function.block(then.block).terminator,
                    Terminator::Exit
                );
                self.end_lanes(block, exits);
            }
            Split::Ends { ends } => {
                let (over, on) = if ends {
                    (then, otherwise)
                } else {
                    (otherwise, then)
                };
                debug_assert!(is_end(self.s.function, over.block));
                let p = self.s.mask(condition);
                if self.s.live.is_some() || self.alive.is_some() {
                    let exits = matches!(
                        self.s.function.block(over.block).terminator,
                        Terminator::Exit
                    );
                    let lanes = self.lanes_of(p, ends);
                    self.forget_lanes(lanes, exits);
                }
                self.narrow(p, !ends);
                let elsewhere = self.elsewhere(block);
                if self.loops.is_back_edge(block, on.block) {
                    self.copy_params(on);
                    self.branch_unless_empty(self.labels[on.block.index()]);
                    self.close_loop();
                    self.go_elsewhere(block);
                    return;
                }
                self.branch_if_empty(elsewhere);
                self.take_edge(block, on);
            }
            Split::Narrow { plain } => {
                let (on, waits) = if plain {
                    (then, otherwise)
                } else {
                    (otherwise, then)
                };
                let p = self.s.mask(condition);
                if self.edge_has_work(block, waits) {
                    let lanes = self.lanes_of(p, !plain);
                    self.edge_work(block, waits, Some(lanes));
                }
                self.narrow(p, plain);
                if self.loops.is_back_edge(block, on.block) {
                    self.copy_params(on);
                    self.branch_unless_empty(self.labels[on.block.index()]);
                    self.close_loop();
                    self.go_elsewhere(block);
                } else {
                    let elsewhere = self.elsewhere(block);
                    self.branch_if_empty(elsewhere);
                    self.take_edge(block, on);
                }
            }
            Split::Wait => {
                let p = self.s.mask(condition);
                for (edge, when) in [(then, true), (otherwise, false)] {
                    if self.edge_has_work(block, edge) {
                        let lanes = self.lanes_of(p, when);
                        self.edge_work(block, edge, Some(lanes));
                    }
                }
                self.go_elsewhere(block);
            }
        }
    }

    fn branch_unless_empty(&mut self, label: Label) {
        let (rs1, rs2) = (self.s.m.x(self.s.exec), self.s.m.x(Reg::ZERO));
        self.s.m.branch(
            Inst::Bne {
                rs1,
                rs2,
                offset: 0,
            },
            label,
        );
    }

    /// Executing lanes for which a predicate has a value.
    fn lanes_of(&mut self, p: Reg, when: bool) -> Reg {
        let exec = self.s.exec;
        if when {
            self.s
                .op2(exec, p, |rd, rs1, rs2| Inst::And { rd, rs1, rs2 })
        } else {
            self.s
                .op2(exec, p, |rd, rs1, rs2| Inst::Andn { rd, rs1, rs2 })
        }
    }

    /// Goes on with those lanes only.
    fn narrow(&mut self, p: Reg, when: bool) {
        let exec = self.s.exec;
        let (rd, rs1, rs2) = (self.s.m.x(exec), self.s.m.x(exec), self.s.m.x(p));
        self.s.m.scalar(if when {
            Inst::And { rd, rs1, rs2 }
        } else {
            Inst::Andn { rd, rs1, rs2 }
        });
    }
}

/// A comparison of two `x` registers.
#[derive(Clone, Copy, Debug)]
struct Test {
    op: IntCompare,
    a: Reg,
    b: Reg,
}

const fn negated(op: IntCompare) -> IntCompare {
    match op {
        IntCompare::Equal => IntCompare::NotEqual,
        IntCompare::NotEqual => IntCompare::Equal,
        IntCompare::LessSigned => IntCompare::GreaterEqualSigned,
        IntCompare::LessEqualSigned => IntCompare::GreaterSigned,
        IntCompare::GreaterSigned => IntCompare::LessEqualSigned,
        IntCompare::GreaterEqualSigned => IntCompare::LessSigned,
        IntCompare::LessUnsigned => IntCompare::GreaterEqualUnsigned,
        IntCompare::LessEqualUnsigned => IntCompare::GreaterUnsigned,
        IntCompare::GreaterUnsigned => IntCompare::LessEqualUnsigned,
        IntCompare::GreaterEqualUnsigned => IntCompare::LessUnsigned,
    }
}
