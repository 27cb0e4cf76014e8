//! Text form of the IR, for people and tests.

use super::{Edge, Function, Terminator, Unit};
use std::fmt;

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "unit params={} shared={} dynamic_at={}",
            self.param_bytes, self.shared_static_bytes, self.shared_dynamic_offset
        )?;
        for (index, symbol) in self.symbols.iter().enumerate() {
            writeln!(f, "symbol s{index} = {symbol}")?;
        }
        for (entry, function) in self.addressable.iter().enumerate() {
            match function {
                Some(function) => writeln!(f, "addressable {entry} = {function}")?,
                None => writeln!(f, "addressable {entry} = none")?,
            }
        }
        for (index, function) in self.functions.iter().enumerate() {
            write!(f, "\nfunction f{index} {function}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} local={} {{", self.name, self.local_bytes)?;
        for block in self.block_ids() {
            let data = self.block(block);
            write!(f, "{block}")?;
            if !data.params.is_empty() {
                write!(f, "(")?;
                for (index, &param) in data.params.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{param}: {:?}", self.ty(param))?;
                }
                write!(f, ")")?;
            }
            writeln!(f, ":")?;
            for &inst in &data.insts {
                let data = self.inst(inst);
                write!(f, "    ")?;
                for (index, &result) in data.results.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{result}: {:?}", self.ty(result))?;
                }
                if !data.results.is_empty() {
                    write!(f, " = ")?;
                }
                writeln!(f, "{:?}", data.op)?;
            }
            writeln!(f, "    {}", data.terminator)?;
        }
        writeln!(f, "}}")
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.block)?;
        if !self.args.is_empty() {
            write!(f, "{:?}", self.args)?;
        }
        Ok(())
    }
}

impl fmt::Display for Terminator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jump(edge) => write!(f, "jump {edge}"),
            Self::Branch {
                condition,
                then,
                otherwise,
            } => write!(f, "branch {condition} {then} else {otherwise}"),
            Self::Switch { index, targets } => {
                write!(f, "switch {index}")?;
                for edge in targets {
                    write!(f, " {edge}")?;
                }
                Ok(())
            }
            Self::Return => write!(f, "return"),
            Self::Exit => write!(f, "exit"),
            Self::Fault(code) => write!(f, "fault {code:?}"),
        }
    }
}
