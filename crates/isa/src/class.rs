//! Classes of instructions: the rows of instruction-mix reports and the keys of timing and
//! energy models.

macro_rules! classes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What part of the chip an instruction keeps busy.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Class {
            $($(#[$doc])* $variant,)*
        }

        impl Class {
            /// Every class, in the order of reports: `ALL[c as usize] == c`.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// The name in reports and chip files: snake case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

classes! {
    /// Integer arithmetic, logic, shifts and bit manipulation on `x` registers.
    ScalarInt = "scalar_int",
    /// Integer multiplication, division and remainder on `x` registers.
    ScalarMuldiv = "scalar_muldiv",
    /// Arithmetic, comparison, conversion and moves on `f` registers.
    ScalarFp = "scalar_fp",
    /// Loads into an `x` or `f` register.
    ScalarLoad = "scalar_load",
    /// Stores from an `x` or `f` register.
    ScalarStore = "scalar_store",
    /// Atomic memory operations on one word, load-reserved and store-conditional.
    ScalarAtomic = "scalar_atomic",
    /// Jumps and conditional branches.
    Branch = "branch",
    /// CSR access, fences, traps, waits, hart exit and fault.
    CsrSystem = "csr_system",
    /// `vsetvli` and its forms.
    VectorConfig = "vector_config",
    /// Integer and fixed-point vector arithmetic other than multiplication and division.
    VectorInt = "vector_int",
    /// Integer and fixed-point vector multiplication, multiply-add, dot product and division.
    VectorMuldiv = "vector_muldiv",
    /// Floating-point vector arithmetic, comparison and conversion.
    VectorFp = "vector_fp",
    /// Approximations of transcendental functions, reciprocals, roots, and vector division and
    /// square root of floats.
    VectorSpecial = "vector_special",
    /// Operations whose operands and results are masks.
    VectorMask = "vector_mask",
    /// Moves between lanes and between vector and scalar registers.
    VectorPermute = "vector_permute",
    /// Reductions over the lanes of a vector.
    VectorReduce = "vector_reduce",
    /// Vector loads.
    VectorLoad = "vector_load",
    /// Vector stores.
    VectorStore = "vector_store",
    /// Vector atomic memory operations.
    VectorAtomic = "vector_atomic",
    /// Matrix multiply-accumulate.
    Matrix = "matrix",
    /// Barriers between the warps of a CTA.
    Barrier = "barrier",
}

impl core::fmt::Display for Class {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}
