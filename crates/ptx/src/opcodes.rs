//! Where the manual describes each instruction.
//!
//! The tree admits any word as an opcode; this table is for messages about instructions that a
//! consumer does not know or does not support. It has every instruction of the PTX ISA manual
//! of version [`MANUAL_VERSION`]. Section numbers move between versions (9.3 inserts chapters),
//! so a message should name the version with the number.

use crate::ast::Instruction;

/// Version of the PTX ISA manual whose section numbers these are.
pub const MANUAL_VERSION: &str = "9.1";

/// Sections of the manual that describe an instruction, separated by `, `: one for each family
/// of types, such as integer, floating-point and half-precision `add`. `None` if the manual has
/// no such instruction.
///
/// `opcode` is the first word, or more words joined by dots to tell the forms of one opcode
/// apart (`cp.async.bulk`); words behind those that tell forms apart are ignored.
#[must_use]
pub fn section(opcode: &str) -> Option<&'static str> {
    let mut mnemonic = opcode;
    loop {
        if let Ok(index) = SECTIONS.binary_search_by_key(&mnemonic, |&(name, _)| name) {
            return Some(SECTIONS[index].1);
        }
        mnemonic = mnemonic.rsplit_once(['.', ':'])?.0;
    }
}

/// [`section`] of an instruction, with its modifiers taken into account.
#[must_use]
pub fn section_of(instruction: &Instruction<'_>) -> Option<&'static str> {
    let mut mnemonic = instruction.opcode.to_owned();
    for word in &instruction.modifiers {
        mnemonic.push('.');
        mnemonic.push_str(word);
    }
    section(&mnemonic)
}

/// Every instruction and its sections, sorted by name.
pub const SECTIONS: &[(&str, &str)] = &[
    ("abs", "9.7.1.10, 9.7.3.9, 9.7.4.6"),
    ("activemask", "9.7.13.11"),
    ("add", "9.7.1.1, 9.7.3.3, 9.7.4.1, 9.7.5.1"),
    ("add.cc", "9.7.2.1"),
    ("addc", "9.7.2.2"),
    ("alloca", "9.7.17.3"),
    ("and", "9.7.8.1"),
    ("applypriority", "9.7.9.16"),
    ("atom", "9.7.13.5"),
    ("bar", "9.7.13.1"),
    ("bar.warp.sync", "9.7.13.2"),
    ("barrier", "9.7.13.1"),
    ("barrier.cluster", "9.7.13.3"),
    ("bfe", "9.7.1.19"),
    ("bfi", "9.7.1.20"),
    ("bfind", "9.7.1.16"),
    ("bmsk", "9.7.1.22"),
    ("bra", "9.7.12.3"),
    ("brev", "9.7.1.18"),
    ("brkpt", "9.7.19.1"),
    ("brx", "9.7.12.4"),
    ("call", "9.7.12.5"),
    ("clusterlaunchcontrol", "9.7.13.17"),
    ("clusterlaunchcontrol.query_cancel", "9.7.13.18"),
    ("clusterlaunchcontrol.try_cancel", "9.7.13.17"),
    ("clz", "9.7.1.15"),
    ("cnot", "9.7.8.5"),
    ("copysign", "9.7.3.2"),
    ("cos", "9.7.3.19"),
    ("cp", "9.7.9.25"),
    ("cp.async", "9.7.9.25.3.1"),
    ("cp.async.bulk", "9.7.9.25.4.1"),
    ("cp.async.bulk.commit_group", "9.7.9.27.2.1"),
    ("cp.async.bulk.prefetch", "9.7.9.25.4.3"),
    ("cp.async.bulk.prefetch.tensor", "9.7.9.27.1.4"),
    ("cp.async.bulk.tensor", "9.7.9.27.1.2"),
    ("cp.async.bulk.wait_group", "9.7.9.27.2.2"),
    ("cp.async.commit_group", "9.7.9.25.3.2"),
    ("cp.async.mbarrier.arrive", "9.7.13.15.15"),
    ("cp.async.wait_all", "9.7.9.25.3.3"),
    ("cp.async.wait_group", "9.7.9.25.3.3"),
    ("cp.reduce", "9.7.9.25.4.2"),
    ("cp.reduce.async.bulk", "9.7.9.25.4.2"),
    ("cp.reduce.async.bulk.tensor", "9.7.9.27.1.3"),
    ("createpolicy", "9.7.9.18"),
    ("cvt", "9.7.9.21"),
    ("cvt.pack", "9.7.9.22"),
    ("cvta", "9.7.9.20"),
    ("discard", "9.7.9.17"),
    ("div", "9.7.1.8, 9.7.3.8"),
    ("dp2a", "9.7.1.24"),
    ("dp4a", "9.7.1.23"),
    ("elect", "9.7.13.14"),
    ("ex2", "9.7.3.21, 9.7.4.10"),
    ("exit", "9.7.12.7"),
    ("fence", "9.7.13.4"),
    ("fma", "9.7.3.6, 9.7.4.4, 9.7.5.3"),
    ("fns", "9.7.1.17"),
    ("getctarank", "9.7.9.24"),
    ("griddepcontrol", "9.7.13.13"),
    ("isspacep", "9.7.9.19"),
    ("istypep", "9.7.10.6"),
    ("ld", "9.7.9.8"),
    ("ld.global.nc", "9.7.9.9"),
    ("ldmatrix", "9.7.14.5.15"),
    ("ldu", "9.7.9.10"),
    ("lg2", "9.7.3.20"),
    ("lop3", "9.7.8.6"),
    ("mad", "9.7.1.4, 9.7.3.7"),
    ("mad.cc", "9.7.2.5"),
    ("mad24", "9.7.1.6"),
    ("madc", "9.7.2.6"),
    ("mapa", "9.7.9.23"),
    ("match", "9.7.13.10"),
    ("max", "9.7.1.13, 9.7.3.12, 9.7.4.8"),
    ("mbarrier", "9.7.13.15"),
    ("mbarrier.arrive", "9.7.13.15.13"),
    ("mbarrier.arrive_drop", "9.7.13.15.14"),
    ("mbarrier.complete_tx", "9.7.13.15.12"),
    ("mbarrier.expect_tx", "9.7.13.15.11"),
    ("mbarrier.init", "9.7.13.15.9"),
    ("mbarrier.inval", "9.7.13.15.10"),
    ("mbarrier.pending_count", "9.7.13.15.17"),
    ("mbarrier.test_wait", "9.7.13.15.16"),
    ("mbarrier.try_wait", "9.7.13.15.16"),
    ("membar", "9.7.13.4"),
    ("min", "9.7.1.12, 9.7.3.11, 9.7.4.7"),
    ("mma", "9.7.14.5.14"),
    ("mma.sp", "9.7.14.6.3"),
    ("mov", "9.7.9.3, 9.7.9.4"),
    ("movmatrix", "9.7.14.5.17"),
    ("mul", "9.7.1.3, 9.7.3.5, 9.7.4.3"),
    ("mul24", "9.7.1.5"),
    ("multimem", "9.7.9.14"),
    ("multimem.cp.async.bulk", "9.7.9.26"),
    ("multimem.cp.reduce.async.bulk", "9.7.9.27"),
    ("multimem.ld_reduce", "9.7.9.14"),
    ("multimem.red", "9.7.9.14"),
    ("multimem.st", "9.7.9.14"),
    ("nanosleep", "9.7.19.2"),
    ("neg", "9.7.1.11, 9.7.3.10, 9.7.4.5"),
    ("not", "9.7.8.4"),
    ("or", "9.7.8.2"),
    ("pmevent", "9.7.19.3"),
    ("popc", "9.7.1.14"),
    ("prefetch", "9.7.9.15"),
    ("prefetchu", "9.7.9.15"),
    ("prmt", "9.7.9.7"),
    ("rcp", "9.7.3.13"),
    ("rcp.approx.ftz.f64", "9.7.3.14"),
    ("red", "9.7.13.6"),
    ("red.async", "9.7.13.7"),
    ("redux", "9.7.13.12"),
    ("rem", "9.7.1.9"),
    ("ret", "9.7.12.6"),
    ("rsqrt", "9.7.3.16"),
    ("rsqrt.approx.ftz.f64", "9.7.3.17"),
    ("sad", "9.7.1.7"),
    ("selp", "9.7.6.3"),
    ("set", "9.7.6.1, 9.7.7.1"),
    ("setmaxnreg", "9.7.19.5"),
    ("setp", "9.7.6.2, 9.7.7.2"),
    ("shf", "9.7.8.7"),
    ("shfl", "9.7.9.5"),
    ("shfl.sync", "9.7.9.6"),
    ("shl", "9.7.8.8"),
    ("shr", "9.7.8.9"),
    ("sin", "9.7.3.18"),
    ("slct", "9.7.6.4"),
    ("sqrt", "9.7.3.15"),
    ("st", "9.7.9.11"),
    ("st.async", "9.7.9.12"),
    ("st.bulk", "9.7.9.13"),
    ("stackrestore", "9.7.17.2"),
    ("stacksave", "9.7.17.1"),
    ("stmatrix", "9.7.14.5.16"),
    ("sub", "9.7.1.2, 9.7.3.4, 9.7.4.2, 9.7.5.2"),
    ("sub.cc", "9.7.2.3"),
    ("subc", "9.7.2.4"),
    ("suld", "9.7.11.1"),
    ("suq", "9.7.11.4"),
    ("sured", "9.7.11.3"),
    ("sust", "9.7.11.2"),
    ("szext", "9.7.1.21"),
    ("tanh", "9.7.3.22, 9.7.4.9"),
    ("tcgen05", "9.7.16"),
    ("tcgen05.alloc", "9.7.16.7.1"),
    ("tcgen05.commit", "9.7.16.12.1"),
    ("tcgen05.cp", "9.7.16.9.2"),
    ("tcgen05.dealloc", "9.7.16.7.1"),
    ("tcgen05.fence", "9.7.16.11.1"),
    ("tcgen05.ld", "9.7.16.8.3"),
    ("tcgen05.mma", "9.7.16.10.9.1"),
    ("tcgen05.mma.sp", "9.7.16.10.9.2"),
    ("tcgen05.mma.ws", "9.7.16.10.9.3"),
    ("tcgen05.mma.ws.sp", "9.7.16.10.9.4"),
    ("tcgen05.relinquish_alloc_permit", "9.7.16.7.1"),
    ("tcgen05.shift", "9.7.16.9.3"),
    ("tcgen05.st", "9.7.16.8.4"),
    ("tcgen05.wait", "9.7.16.8.5"),
    ("tensormap", "9.7.9.28"),
    ("tensormap.cp_fenceproxy", "9.7.13.16"),
    ("tensormap.replace", "9.7.9.28"),
    ("testp", "9.7.3.1"),
    ("tex", "9.7.10.3"),
    ("tld4", "9.7.10.4"),
    ("trap", "9.7.19.4"),
    ("txq", "9.7.10.5"),
    ("vabsdiff", "9.7.18.1.1"),
    ("vabsdiff2", "9.7.18.2.1"),
    ("vabsdiff4", "9.7.18.2.3"),
    ("vadd", "9.7.18.1.1"),
    ("vadd2", "9.7.18.2.1"),
    ("vadd4", "9.7.18.2.3"),
    ("vavrg2", "9.7.18.2.1"),
    ("vavrg4", "9.7.18.2.3"),
    ("vmad", "9.7.18.1.3"),
    ("vmax", "9.7.18.1.1"),
    ("vmax2", "9.7.18.2.1"),
    ("vmax4", "9.7.18.2.3"),
    ("vmin", "9.7.18.1.1"),
    ("vmin2", "9.7.18.2.1"),
    ("vmin4", "9.7.18.2.3"),
    ("vote", "9.7.13.8"),
    ("vote.sync", "9.7.13.9"),
    ("vset", "9.7.18.1.4"),
    ("vset2", "9.7.18.2.2"),
    ("vset4", "9.7.18.2.4"),
    ("vshl", "9.7.18.1.2"),
    ("vshr", "9.7.18.1.2"),
    ("vsub", "9.7.18.1.1"),
    ("vsub2", "9.7.18.2.1"),
    ("vsub4", "9.7.18.2.3"),
    ("wgmma", "9.7.15"),
    ("wgmma.commit_group", "9.7.15.7.2"),
    ("wgmma.fence", "9.7.15.7.1"),
    ("wgmma.mma_async", "9.7.15.5.2"),
    ("wgmma.mma_async.sp", "9.7.15.6.3"),
    ("wgmma.wait_group", "9.7.15.7.3"),
    ("wmma", "9.7.14.4"),
    ("wmma.load", "9.7.14.4.3"),
    ("wmma.mma", "9.7.14.4.5"),
    ("wmma.store", "9.7.14.4.4"),
    ("xor", "9.7.8.3"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_has_each_first_word() {
        assert!(SECTIONS.is_sorted_by(|a, b| a.0 < b.0));
        for (name, _) in SECTIONS {
            let first = name.split('.').next();
            assert!(
                SECTIONS.iter().any(|(other, _)| Some(*other) == first),
                "{name}"
            );
        }
    }

    #[test]
    fn sections_belong_to_the_instruction_chapter() {
        for (name, sections) in SECTIONS {
            for section in sections.split(", ") {
                let mut numbers = section.split('.').map(str::parse::<u8>);
                assert_eq!(numbers.next(), Some(Ok(9)), "{name}");
                assert_eq!(numbers.next(), Some(Ok(7)), "{name}");
                assert!(numbers.all(|number| number.is_ok_and(|n| n > 0)), "{name}");
            }
        }
    }

    #[test]
    fn the_longest_known_form_wins() {
        assert_eq!(section("add"), Some("9.7.1.1, 9.7.3.3, 9.7.4.1, 9.7.5.1"));
        assert_eq!(section("add.cc.u32"), Some("9.7.2.1"));
        assert_eq!(
            section("cp.async.bulk.tensor.2d.shared::cluster"),
            Some("9.7.9.27.1.2")
        );
        assert_eq!(
            section("cp.async.bulk.shared::cluster.global"),
            Some("9.7.9.25.4.1")
        );
        assert_eq!(section("mma.sp::ordered_metadata.sync"), Some("9.7.14.6.3"));
        assert_eq!(section("tcgen05.wait::ld.sync.aligned"), Some("9.7.16.8.5"));
        assert_eq!(section("frobnicate.u32"), None);
        assert_eq!(section(""), None);
    }
}
