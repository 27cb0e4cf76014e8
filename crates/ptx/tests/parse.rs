//! Snippets in, trees out.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use weft_ptx::{ast::*, parse, source::render_all};

/// Parses statements inside a kernel.
#[track_caller]
fn statements(text: &str, check: impl FnOnce(&[Statement<'_>])) {
    let source = format!(".version 8.0\n.target sm_80\n.entry k() {{\n{text}\n}}");
    match parse(source.as_bytes()) {
        Ok(module) => match &module.directives[..] {
            [Directive::Function(function)] => check(function.body.as_deref().unwrap()),
            other => panic!("{other:?}"),
        },
        Err(errors) => panic!("{}", render_all("test.ptx", source.as_bytes(), &errors)),
    }
}

/// Parses one instruction and checks its operands.
#[track_caller]
fn operands(text: &str, expected: &[Operand<'_>]) {
    statements(text, |statements| match statements {
        [Statement::Instruction(instruction)] => {
            assert_eq!(instruction.operands, expected, "{text}")
        }
        other => panic!("{text}: {other:?}"),
    });
}

const fn signed(value: i64) -> Operand<'static> {
    Operand::Immediate(Immediate::Integer(value.cast_unsigned(), false))
}

const fn unsigned(value: u64) -> Operand<'static> {
    Operand::Immediate(Immediate::Integer(value, true))
}

const fn address(base: &str, offset: i64) -> Operand<'_> {
    Operand::Address(Address {
        base: Some(base),
        offset,
    })
}

use Operand::{Discard, Element, Member, Name, NameOffset, Selector};

#[test]
fn instruction_words_are_kept_apart() {
    let text = "@!%p1 ld.global.L2::128B .v4.b32 {%r1, %r2, _, %r4}, [%rd1+-16];";
    statements(text, |statements| {
        let [Statement::Instruction(instruction)] = statements else {
            panic!("{statements:?}")
        };
        assert_eq!(
            instruction.guard,
            Some(Guard {
                predicate: "%p1",
                negated: true
            })
        );
        assert_eq!(instruction.opcode, "ld");
        assert_eq!(instruction.modifiers, ["global", "L2::128B", "v4", "b32"]);
        assert_eq!(
            instruction.operands,
            [
                Operand::Vector(vec![Name("%r1"), Name("%r2"), Discard, Name("%r4")]),
                address("%rd1", -16)
            ]
        );
        let start = u32::try_from(".version 8.0\n.target sm_80\n.entry k() {\n".len()).unwrap();
        let length = u32::try_from(text.len()).unwrap();
        assert_eq!(
            instruction.span,
            Span {
                start,
                end: start + length - 1
            }
        );
    });
}

#[test]
fn names_and_members() {
    operands("mov.u32 %r1, %tid.x;", &[Name("%r1"), Name("%tid.x")]);
    operands("mov.u32 %r1, %ctaid .z;", &[Name("%r1"), Name("%ctaid.z")]);
    operands(
        "mov.u32 %r1, %cluster_nctaid.w;",
        &[Name("%r1"), Name("%cluster_nctaid.w")],
    );
    operands("mov.v4.u32 %v, %tid;", &[Name("%v"), Name("%tid")]);
    operands("mov.f32 %f1, %v.w;", &[Name("%f1"), Member("%v", 3)]);
    operands("mov.f32 %f1, v.g;", &[Name("%f1"), Member("v", 1)]);
    operands(
        "mov.u64 %rd1, table+4-8;",
        &[Name("%rd1"), NameOffset("table", -4)],
    );
    operands(
        "vadd.s32.u32.s32 d, a.b0, -b.h1;",
        &[
            Name("d"),
            Selector("a", "b0"),
            Operand::Negated(Box::new(Selector("b", "h1"))),
        ],
    );
    operands(
        "vadd4.s32.s32.s32 d.b3210, a.b7654, b, c;",
        &[
            Selector("d", "b3210"),
            Selector("a", "b7654"),
            Name("b"),
            Name("c"),
        ],
    );
}

#[test]
fn predicates() {
    let pair = |a, b| Operand::Pair(Box::new(a), Box::new(b));
    operands(
        "setp.lt.and.s32 p|q, a, b, !r;",
        &[
            pair(Name("p"), Name("q")),
            Name("a"),
            Name("b"),
            Operand::Not(Box::new(Name("r"))),
        ],
    );
    operands(
        "elect.sync _|p, -1;",
        &[pair(Discard, Name("p")), signed(-1)],
    );
    operands(
        "and.pred p, !1, !q;",
        &[Name("p"), signed(0), Operand::Not(Box::new(Name("q")))],
    );
}

#[test]
fn addresses() {
    operands("ld.u32 r, [a];", &[Name("r"), address("a", 0)]);
    operands("ld.u32 r, [ a + 4 * 2 ];", &[Name("r"), address("a", 8)]);
    operands("ld.u32 r, [a-16];", &[Name("r"), address("a", -16)]);
    operands("ld.u32 r, [a+4+4];", &[Name("r"), address("a", 8)]);
    operands("ld.u32 r, [a+(4<<2)];", &[Name("r"), address("a", 16)]);
    operands(
        "ld.u32 r, [0x10];",
        &[
            Name("r"),
            Operand::Address(Address {
                base: None,
                offset: 16,
            }),
        ],
    );
    let index = |base, offset| Address { base, offset };
    operands(
        "ld.u32 r, a[3];",
        &[Name("r"), Element("a", index(None, 3))],
    );
    operands(
        "ld.u32 r, a[%r1+1];",
        &[Name("r"), Element("a", index(Some("%r1"), 1))],
    );
    let texture = |sampler, coordinates| Operand::TextureAddress {
        base: "t",
        sampler,
        coordinates: Box::new(coordinates),
    };
    let two = || Operand::Vector(vec![Name("x"), Name("y")]);
    operands("tex.2d v, [t, {x, y}];", &[Name("v"), texture(None, two())]);
    operands(
        "tex.2d v, [t, s, {x, y}];",
        &[Name("v"), texture(Some("s"), two())],
    );
    operands("tex.1d v, [t, x];", &[Name("v"), texture(None, Name("x"))]);
}

#[test]
fn numbers() {
    operands("mov a, 42;", &[Name("a"), signed(42)]);
    operands("mov a, 42U;", &[Name("a"), unsigned(42)]);
    operands("mov a, 0;", &[Name("a"), signed(0)]);
    operands("mov a, 0U;", &[Name("a"), unsigned(0)]);
    operands("mov a, 0x1F;", &[Name("a"), signed(31)]);
    operands("mov a, 0XffU;", &[Name("a"), unsigned(255)]);
    operands("mov a, 0b101;", &[Name("a"), signed(5)]);
    operands("mov a, 017;", &[Name("a"), signed(15)]);
    operands(
        "mov a, 18446744073709551615;",
        &[Name("a"), unsigned(u64::MAX)],
    );
    operands(
        "mov a, 0f3F800000;",
        &[Name("a"), Operand::Immediate(Immediate::F32(0x3f80_0000))],
    );
    operands(
        "mov a, -0F3f800000;",
        &[Name("a"), Operand::Immediate(Immediate::F32(0xbf80_0000))],
    );
    operands(
        "mov a, 0d3FF0000000000000;",
        &[
            Name("a"),
            Operand::Immediate(Immediate::F64(1.0_f64.to_bits())),
        ],
    );
    for (text, value) in [
        ("1.5", 1.5_f64),
        ("-1.5e-3", -1.5e-3),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1e3),
    ] {
        let float = Operand::Immediate(Immediate::F64(value.to_bits()));
        operands(&format!("mov a, {text};"), &[Name("a"), float]);
    }
}

#[test]
fn constant_expressions() {
    for (text, value) in [
        ("(1+2)*4", signed(12)),
        ("1+2*4", signed(9)),
        ("7 % 4", signed(3)),
        ("-5 / 2", signed(-2)),
        ("-5 / 2U", unsigned((u64::MAX - 4) / 2)),
        ("WARP_SZ - 1", signed(31)),
        ("-WARP_SZ", signed(-32)),
        ("~0", signed(-1)),
        ("!3", signed(0)),
        ("1 ? 2 : 3", signed(2)),
        ("0 ? 2 : 0 ? 3 : 4", signed(4)),
        ("1 << 4 | 1", signed(17)),
        ("6 & 3 ^ 1", signed(3)),
        ("1 == 1 && 2 > 3", signed(0)),
        ("(.u64) -1 >> 63", unsigned(1)),
        ("(.s64) -1 >> 63", signed(-1)),
        ("1 << 64", signed(0)),
        ("-1 >> 200", signed(-1)),
        ("+5", signed(5)),
        ("0x8000000000000000 / -1", unsigned(0)),
        (
            "1.5 + 2.0",
            Operand::Immediate(Immediate::F64(3.5_f64.to_bits())),
        ),
    ] {
        operands(&format!("mov a, {text};"), &[Name("a"), value]);
    }
}

#[test]
fn calls() {
    let list =
        |names: &[&'static str]| Operand::List(names.iter().map(|name| Name(name)).collect());
    operands(
        "call.uni (ret0), f, (a, b);",
        &[list(&["ret0"]), Name("f"), list(&["a", "b"])],
    );
    operands("call f;", &[Name("f")]);
    operands(
        "call (r), %rd1, (a), proto;",
        &[list(&["r"]), Name("%rd1"), list(&["a"]), Name("proto")],
    );
    operands(
        "call %rd1, (), proto;",
        &[Name("%rd1"), list(&[]), Name("proto")],
    );
}

#[test]
fn tables_labels_and_scopes() {
    let text = "$L_1: { .reg .b32 t; mov.b32 t, 0; }
        ts: .branchtargets L0, $L_1;
        cs: .calltargets f, g;
        p: .callprototype (.param .b32 _) _ (.param .b64 _, .param .align 8 .b8 _[12]) .abi_preserve 3;
        .loc 1 2 3, function_name $L_info+4, inlined_at 1 5 6
        .pragma \"nounroll\";
        ret;";
    statements(text, |statements| {
        let [
            Statement::Label { name: "$L_1", .. },
            Statement::Block(block),
            Statement::BranchTargets {
                name: "ts",
                targets,
                ..
            },
            Statement::CallTargets { name: "cs", .. },
            Statement::CallPrototype {
                name: "p",
                returns,
                params,
                tuning,
                ..
            },
            Statement::Location {
                file: 1,
                line: 2,
                column: 3,
                inlined_at: Some((1, 5, 6)),
            },
            Statement::Pragma {
                text: "nounroll", ..
            },
            Statement::Instruction(Instruction { opcode: "ret", .. }),
        ] = statements
        else {
            panic!("{statements:#?}")
        };
        assert_eq!(block.len(), 2);
        assert_eq!(targets, &["L0", "$L_1"]);
        assert_eq!((returns.len(), params.len()), (1, 2));
        assert_eq!(params[1].dims, [Some(12)]);
        assert_eq!(tuning, &[("abi_preserve", vec![3])]);
    });
}

#[test]
fn module_scope() {
    let source = br#"
        # 1 "kernel.cu"
        .version 9.5 // newest
        .target sm_90a, texmode_independent
        .address_size 64
        .file 1 "kernel.cu", 1700000000, 42
        .pragma "nounroll";
        .visible .global .align 16 .v4 .f32 table[2][2] = {{1.0, -0f3F800000}, {2, 3}};
        .global .attribute(.managed, .unified(1, 0x2)) .u32 a = 1, b = a, c;
        .global .u8 bytes[] = {0xFF(a), 0xFF00(generic(a)+4), generic(a)};
        .global .samplerref s = {filter_mode = linear};
        .extern .shared .align 16 .b8 dynamic[];
        .extern .func (.param .b32 r) vprintf (.param .b64 f, .param .b64 a);
        .weak .func f() .noreturn { trap; }
        .alias g, f;
        .entry k(.param .u64 .ptr .global .align 16 p, .param .u64 .ptr q, .param .b32 n)
            .maxntid 256, 1, 1 .pragma "x"; .minnctapersm 2
        { ret; }
        .section .debug_info { .b8 1, 2 L: .b64 L { .b32 .debug_str } }
    "#;
    let module = match parse(source) {
        Ok(module) => module,
        Err(errors) => panic!("{}", render_all("test.ptx", source, &errors)),
    };
    assert_eq!(module.version, (9, 5));
    assert_eq!(module.target, ["sm_90a", "texmode_independent"]);
    assert_eq!(module.files, [(1, "kernel.cu")]);
    let variables: Vec<_> = module
        .directives
        .iter()
        .filter_map(|directive| match directive {
            Directive::Variable(variable) => Some(variable),
            Directive::Function(_) | Directive::Alias { .. } | Directive::Pragma { .. } => None,
        })
        .collect();
    let table = variables[0];
    assert_eq!(
        (table.linkage, table.align, table.vector),
        (Linkage::Visible, Some(16), 4)
    );
    assert_eq!(table.dims, [Some(2), Some(2)]);
    assert_eq!(
        variables[2].init,
        Some(Initializer::Symbol {
            name: "a",
            offset: 0,
            generic: false
        })
    );
    assert_eq!(variables[2].attributes, ["managed", "unified(1, 0x2)"]);
    let bytes = Initializer::List(vec![
        Initializer::Mask {
            mask: 0xff,
            name: "a",
            offset: 0,
            generic: false,
        },
        Initializer::Mask {
            mask: 0xff00,
            name: "a",
            offset: 4,
            generic: true,
        },
        Initializer::Symbol {
            name: "a",
            offset: 0,
            generic: true,
        },
    ]);
    assert_eq!(variables[4].init, Some(bytes));
    assert_eq!(variables[6].dims, [None]);
    let functions: Vec<_> = module
        .directives
        .iter()
        .filter_map(|directive| match directive {
            Directive::Function(function) => Some(function),
            Directive::Variable(_) | Directive::Alias { .. } | Directive::Pragma { .. } => None,
        })
        .collect();
    let [vprintf, f, k] = functions[..] else {
        panic!("{functions:#?}")
    };
    assert_eq!(
        (
            vprintf.returns.len(),
            vprintf.params.len(),
            vprintf.body.is_none()
        ),
        (1, 2, true)
    );
    assert_eq!(f.tuning, [("noreturn", vec![])]);
    assert_eq!(
        k.params[0].pointer,
        Some((Some(StateSpace::Global), Some(16)))
    );
    assert_eq!(k.params[1].pointer, Some((None, None)));
    assert_eq!(k.params[2].pointer, None);
    assert_eq!(
        k.tuning,
        [("maxntid", vec![256, 1, 1]), ("minnctapersm", vec![2])]
    );
    assert_eq!(k.pragmas, ["x"]);
}

#[test]
fn trailing_nuls_end_the_text() {
    let module = parse(b".version 8.0 .target sm_80 .func f() { ret; }\0\0").unwrap();
    assert_eq!(module.directives.len(), 1);
}
