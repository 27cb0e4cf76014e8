//! `vtype` against the tables of V 3.4.

use weft_isa::{Lmul, Sew, VType};

#[test]
fn decoding_inverts_encoding() {
    for bits in 0..1 << 11 {
        let vtype = VType::decode(bits);
        if vtype.vill {
            assert_eq!(vtype, VType::ILL, "{bits:#x}");
            assert_eq!(vtype.encode(), 1 << 63);
        } else {
            assert_eq!(vtype.encode(), bits);
            assert_eq!(u64::from(vtype.immediate()), bits);
        }
    }
    assert_eq!(VType::decode(1 << 63), VType::ILL);
    assert_eq!(VType::decode(1 << 63 | 0xd0), VType::ILL);
}

/// Supported settings: SEW / LMUL is at most ELEN = 64 (V 3.4.2).
#[test]
fn fractions_hold_an_element() {
    let supported = |sew, lmul| VType::new(sew, lmul).is_supported();
    let fractions = |sew| [Lmul::Mf8, Lmul::Mf4, Lmul::Mf2, Lmul::M1].map(|l| supported(sew, l));
    assert_eq!(fractions(Sew::E8), [true, true, true, true]);
    assert_eq!(fractions(Sew::E16), [false, true, true, true]);
    assert_eq!(fractions(Sew::E32), [false, false, true, true]);
    assert_eq!(fractions(Sew::E64), [false, false, false, true]);
    assert!(Sew::ALL.into_iter().all(|sew| supported(sew, Lmul::M8)));
}

#[test]
fn vlmax_at_vlen_1024() {
    let cases = [
        (Sew::E8, Lmul::Mf8, 16),
        (Sew::E16, Lmul::Mf2, 32),
        (Sew::E32, Lmul::M1, 32),
        (Sew::E64, Lmul::M2, 32),
        (Sew::E8, Lmul::M8, 1024),
    ];
    for (sew, lmul, vlmax) in cases {
        assert_eq!(VType::new(sew, lmul).vlmax(), vlmax, "{sew} {lmul}");
    }
    assert_eq!(VType::ILL.vlmax(), 0);
}

#[test]
fn text_is_that_of_vsetvli() {
    let vtype = VType::new(Sew::E32, Lmul::Mf2).mask_undisturbed();
    assert_eq!(vtype.to_string(), "e32, mf2, ta, mu");
    assert_eq!(vtype.tail_undisturbed().immediate(), 0b00_010_111);
}
