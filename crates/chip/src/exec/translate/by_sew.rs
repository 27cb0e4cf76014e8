//! Choosing the instance of a kernel by the element width. Where a width is reserved, the macros
//! return from the function that they stand in.

/// The handler of a kernel in which `T` stands for the integer of SEW.
macro_rules! by_sew {
    ($choice:ident, $kernel:ty) => {
        match $choice.vtype.sew {
            Sew::E8 => {
                type T = u8;
                select::<$kernel>($choice.level)
            }
            Sew::E16 => {
                type T = u16;
                select::<$kernel>($choice.level)
            }
            Sew::E32 => {
                type T = u32;
                select::<$kernel>($choice.level)
            }
            Sew::E64 => {
                type T = u64;
                select::<$kernel>($choice.level)
            }
        }
    };
}

/// The same for bodies that are not worth an instance for each host.
macro_rules! by_sew_cold {
    ($choice:ident, $kernel:ty) => {
        match $choice.vtype.sew {
            Sew::E8 => {
                type T = u8;
                select_cold::<$kernel>()
            }
            Sew::E16 => {
                type T = u16;
                select_cold::<$kernel>()
            }
            Sew::E32 => {
                type T = u32;
                select_cold::<$kernel>()
            }
            Sew::E64 => {
                type T = u64;
                select_cold::<$kernel>()
            }
        }
    };
}

/// The same for instructions whose SEW has a double width.
macro_rules! by_narrow_sew {
    ($choice:ident, $kernel:ty) => {
        match $choice.vtype.sew {
            Sew::E8 => {
                type T = u8;
                select::<$kernel>($choice.level)
            }
            Sew::E16 => {
                type T = u16;
                select::<$kernel>($choice.level)
            }
            Sew::E32 => {
                type T = u32;
                select::<$kernel>($choice.level)
            }
            Sew::E64 => return $choice.width(),
        }
    };
}

/// The same for floating-point elements.
macro_rules! by_float_sew {
    ($choice:ident, $kernel:ty) => {
        match $choice.vtype.sew {
            Sew::E8 => return $choice.width(),
            Sew::E16 => {
                type T = Half;
                select::<$kernel>($choice.level)
            }
            Sew::E32 => {
                type T = f32;
                select::<$kernel>($choice.level)
            }
            Sew::E64 => {
                type T = f64;
                select::<$kernel>($choice.level)
            }
        }
    };
}

/// The same for bodies that are not worth an instance for each host.
macro_rules! by_float_sew_cold {
    ($choice:ident, $kernel:ty) => {
        match $choice.vtype.sew {
            Sew::E8 => return $choice.width(),
            Sew::E16 => {
                type T = Half;
                select_cold::<$kernel>()
            }
            Sew::E32 => {
                type T = f32;
                select_cold::<$kernel>()
            }
            Sew::E64 => {
                type T = f64;
                select_cold::<$kernel>()
            }
        }
    };
}

/// The same for floating-point elements whose SEW has a double width.
macro_rules! by_narrow_float_sew {
    ($choice:ident, $kernel:ty) => {
        match $choice.vtype.sew {
            Sew::E8 | Sew::E64 => return $choice.width(),
            Sew::E16 => {
                type T = Half;
                select::<$kernel>($choice.level)
            }
            Sew::E32 => {
                type T = f32;
                select::<$kernel>($choice.level)
            }
        }
    };
}

/// A kernel for each element width listed.
macro_rules! at_widths {
    ($choice:ident, $($sew:ident: $kernel:ty),+) => {
        match $choice.vtype.sew {
            $(Sew::$sew => select::<$kernel>($choice.level),)+
            #[allow(unreachable_patterns, reason = "some exist at every width")]
            _ => return $choice.width(),
        }
    };
}

/// Checks the operands' groups; then a kernel for two vectors, or for a vector and a scalar.
macro_rules! forms {
    ($choice:ident, ($vd:expr, $vs2:expr, $vs1:expr), $by:ident, $vv:ty, $vx:ty) => {{
        $choice.groups($vd, $vs2, $vs1);
        if $choice.is_vv() {
            $by!($choice, $vv)
        } else {
            $by!($choice, $vx)
        }
    }};
}
