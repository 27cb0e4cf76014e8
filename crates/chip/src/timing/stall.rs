//! Why a hart did not issue.

macro_rules! stalls {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $label:literal;)*) => {
        /// What a hart-cycle was spent on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Stall {
            $($(#[$doc])* $variant,)*
        }

        impl Stall {
            /// Every reason: `ALL[s as usize] == s`.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// Name in reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// For people.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)*
                }
            }
        }
    };
}

stalls! {
    /// It issued.
    Issued = "issued", "issuing";
    /// Waited for a scalar result.
    Scalar = "scalar_result", "scalar result";
    /// Waited for a vector result.
    Vector = "vector_result", "vector result";
    /// Waited for a special function or a division.
    Special = "special_result", "special function result";
    /// Waited for a matrix result.
    Matrix = "matrix_result", "matrix result";
    /// Waited for the scratchpad.
    Scratchpad = "scratchpad", "scratchpad data";
    /// Waited for the first-level cache.
    L1 = "l1", "L1 data";
    /// Waited for the second-level cache.
    L2 = "l2", "L2 data";
    /// Waited for device memory.
    Dram = "dram", "DRAM data";
    /// Waited for memory of the host.
    HostMemory = "host_memory", "host memory";
    /// The scalar issue port or divider was taken.
    ScalarBusy = "scalar_busy", "scalar pipe busy";
    /// The vector unit or issue port was taken.
    VectorBusy = "vector_busy", "vector unit busy";
    /// The special-function unit was taken.
    SpecialBusy = "special_busy", "special function unit busy";
    /// The matrix unit was taken.
    MatrixBusy = "matrix_busy", "matrix unit busy";
    /// The memory unit was taken.
    MemoryBusy = "memory_busy", "memory unit busy";
    /// As many lines as allowed were under way.
    MemoryQueue = "memory_queue", "memory queue full";
    /// Waited at a barrier.
    Barrier = "barrier", "barrier";
    /// Waited for a branch to be resolved.
    Branch = "branch", "branch";
    /// Waited for the CTA to start.
    Start = "start", "CTA start";
}
