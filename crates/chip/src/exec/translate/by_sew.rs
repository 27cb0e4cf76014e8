//! Choosing the instance of a kernel by the element width. Where a width is reserved, the macros
//! return from the function that they stand in.

/// The handler of a kernel in which `T` stands for the integer of SEW.
macro_rules! by_sew {
    ($choice:ident, $kernel:ty) => {
        by_type!($choice, $kernel, warm, E8 u8, E16 u16, E32 u32, E64 u64)
    };
}

/// The same for bodies that are not worth an instance for each host.
macro_rules! by_sew_cold {
    ($choice:ident, $kernel:ty) => {
        by_type!($choice, $kernel, cold, E8 u8, E16 u16, E32 u32, E64 u64)
    };
}

/// The same for instructions whose SEW has a double width.
macro_rules! by_narrow_sew {
    ($choice:ident, $kernel:ty) => {
        by_type!($choice, $kernel, warm, E8 u8, E16 u16, E32 u32)
    };
}

/// The same for floating-point elements.
macro_rules! by_float_sew {
    ($choice:ident, $kernel:ty) => {
        by_type!($choice, $kernel, warm, E16 Half, E32 f32, E64 f64)
    };
}

/// The same for bodies that are not worth an instance for each host.
macro_rules! by_float_sew_cold {
    ($choice:ident, $kernel:ty) => {
        by_type!($choice, $kernel, cold, E16 Half, E32 f32, E64 f64)
    };
}

/// The same for floating-point elements whose SEW has a double width.
macro_rules! by_narrow_float_sew {
    ($choice:ident, $kernel:ty) => {
        by_type!($choice, $kernel, warm, E16 Half, E32 f32)
    };
}

/// The handler of a kernel in which `T` stands for the type listed for SEW: an instance for each
/// host (`warm`), or one for all (`cold`).
macro_rules! by_type {
    ($choice:ident, $kernel:ty, $instances:ident, $($sew:ident $element:ty),+) => {
        match $choice.vtype.sew {
            $(Sew::$sew => {
                type T = $element;
                by_type!(@$instances $choice, $kernel)
            })+
            #[allow(unreachable_patterns, reason = "some exist at every width")]
            _ => return $choice.width(),
        }
    };
    (@warm $choice:ident, $kernel:ty) => {
        select::<$kernel>($choice.level)
    };
    (@cold $choice:ident, $kernel:ty) => {
        select_cold::<$kernel>()
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
