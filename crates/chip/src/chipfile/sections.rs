//! The sections of a chip file: every number that the timing and energy models use.

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Listed, Problem, section};

section! {
    /// Cores and their clock.
    Cores = "cores" {
        /// Number of cores.
        count: u32 = "cores" in 1.0..=256.0;
        /// Clock of cores, caches and network.
        clock: f64 = "MHz" in 10.0..=10_000.0;
        /// Harts of a core; kernels are compiled for 32.
        harts: u32 = "harts" in 32.0..=32.0;
        /// Harts that have tiles of the matrix extension Zvt: the first ones of a core.
        matrix_contexts: u32 = "harts" in 0.0..=32.0;
    }
}

section! {
    /// Cycles from the issue of an instruction to that of one that needs its result.
    Latency = "latency" {
        /// Integer arithmetic on scalar registers.
        scalar: u32 = "cycles" in 1.0..=100.0;
        /// Scalar integer multiplication.
        scalar_multiply: u32 = "cycles" in 1.0..=100.0;
        /// Scalar integer division; the divider is busy for as long.
        scalar_divide: u32 = "cycles" in 1.0..=200.0;
        /// Scalar floating point other than division and square root.
        scalar_float: u32 = "cycles" in 1.0..=100.0;
        /// Scalar floating-point division and square root.
        scalar_float_divide: u32 = "cycles" in 1.0..=200.0;
        /// From a jump or branch to the next instruction of its hart.
        branch: u32 = "cycles" in 1.0..=100.0;
        /// `vsetvli` and CSR reads.
        system: u32 = "cycles" in 1.0..=100.0;
        /// Vector integer arithmetic and moves.
        vector_int: u32 = "cycles" in 1.0..=100.0;
        /// Vector integer multiplication and dot products.
        vector_multiply: u32 = "cycles" in 1.0..=100.0;
        /// Vector floating point.
        vector_float: u32 = "cycles" in 1.0..=100.0;
        /// Special functions, vector division and square root.
        vector_special: u32 = "cycles" in 1.0..=200.0;
        /// Operations on masks.
        vector_mask: u32 = "cycles" in 1.0..=100.0;
        /// Moves between lanes and between vector and scalar registers.
        vector_permute: u32 = "cycles" in 1.0..=100.0;
        /// Reductions over the lanes.
        vector_reduce: u32 = "cycles" in 1.0..=100.0;
        /// Matrix instructions, after their last multiply-accumulate has begun.
        matrix: u32 = "cycles" in 1.0..=200.0;
    }
}

section! {
    /// What the vector unit of a core does in a cycle.
    Vector = "vector" {
        /// Lanes of 32 bits; narrower elements go at proportionally more.
        lanes: u32 = "lanes/cycle" in 1.0..=32.0;
        /// Elements of 64-bit floating point are this many times slower than those of 32.
        double_slowdown: u32 = "1" in 1.0..=64.0;
        /// Products of 64-bit integers are this many times slower than those of 32.
        long_multiply_slowdown: u32 = "1" in 1.0..=64.0;
        /// Lanes of special functions and floating-point division.
        special_lanes: u32 = "lanes/cycle" in 1.0..=32.0;
        /// Lanes of integer division.
        divide_lanes: u32 = "lanes/cycle" in 1.0..=32.0;
    }
}

section! {
    /// Multiply-accumulates of the matrix unit of a core in a cycle, by operand type.
    Matrix = "matrix" {
        /// 8-bit integers.
        int8: u32 = "MAC/cycle" in 1.0..=65536.0;
        /// 4-bit integers.
        int4: u32 = "MAC/cycle" in 1.0..=65536.0;
        /// Single bits.
        int1: u32 = "MAC/cycle" in 1.0..=65536.0;
        /// FP8, both formats.
        fp8: u32 = "MAC/cycle" in 1.0..=65536.0;
        /// FP16 and BF16.
        fp16: u32 = "MAC/cycle" in 1.0..=65536.0;
        /// TF32.
        tf32: u32 = "MAC/cycle" in 1.0..=65536.0;
        /// FP64.
        fp64: u32 = "MAC/cycle" in 1.0..=65536.0;
        /// Peak of the data sheet on 8-bit integers, all cores: checked against the others.
        peak_int8: f64 = "TOPS" in 0.001..=100_000.0;
    }
}

section! {
    /// Scratchpad of a core: shared memory.
    Scratchpad = "scratchpad" {
        /// Size.
        size: u32 = "KiB" in 1.0..=4096.0;
        /// Banks, each 4 bytes wide and with one access a cycle.
        banks: u32 = "banks" in 1.0..=32.0;
        /// Load-to-use latency.
        latency: u32 = "cycles" in 1.0..=1000.0;
    }
}

section! {
    /// First-level cache of a core: 128-byte lines of four sectors, write-through.
    L1 = "l1" {
        /// Size.
        size: u32 = "KiB" in 1.0..=4096.0;
        /// Lines of a set.
        ways: u32 = "lines" in 1.0..=64.0;
        /// Load-to-use latency of a hit.
        latency: u32 = "cycles" in 1.0..=1000.0;
        /// Lines that may be under way between a core and the second level.
        outstanding: u32 = "lines" in 1.0..=4096.0;
    }
}

section! {
    /// Second-level cache, shared: 128-byte lines of four sectors, write-back.
    L2 = "l2" {
        /// Size of all slices.
        size: u32 = "KiB" in 16.0..=4_194_304.0;
        /// Lines of a set.
        ways: u32 = "lines" in 1.0..=64.0;
        /// Slices; lines are spread over them.
        slices: u32 = "slices" in 1.0..=256.0;
        /// Load-to-use latency of a hit.
        latency: u32 = "cycles" in 8.0..=5000.0;
        /// What a slice reads or writes in a cycle.
        slice_width: u32 = "B/cycle" in 1.0..=1024.0;
        /// Atomic operations on one word that a slice does in a cycle.
        atomics: u32 = "operations/cycle" in 1.0..=64.0;
    }
}

section! {
    /// Network between cores and second-level cache.
    Network = "network" {
        /// What a core sends, and besides receives, in a cycle.
        core_width: u32 = "B/cycle" in 1.0..=1024.0;
        /// From a core to a slice; a part of the latency of the second level.
        latency: u32 = "cycles" in 1.0..=2000.0;
    }
}

section! {
    /// Organisation of device memory.
    MemoryShape = "memory" {
        /// Capacity.
        capacity: u32 = "GiB" in 1.0..=64.0;
        /// Channels with buses of their own.
        channels: u32 = "channels" in 1.0..=512.0;
        /// Data bus of a channel.
        channel_width: u32 = "bit" in 8.0..=1024.0;
        /// Transfers of one data line.
        data_rate: f64 = "MT/s" in 100.0..=100_000.0;
        /// Transfers of a burst.
        burst: u32 = "transfers" in 1.0..=64.0;
        /// Bank groups of a channel.
        bank_groups: u32 = "groups" in 1.0..=16.0;
        /// Banks of a group.
        banks: u32 = "banks" in 1.0..=16.0;
        /// Row of a bank.
        page: u32 = "B" in 128.0..=16384.0;
        /// Bandwidth of the data sheet, all channels: checked against the others.
        bandwidth: f64 = "GB/s" in 0.1..=100_000.0;
        /// Controller and PHY, both ways together.
        controller: f64 = "ns" in 0.0..=1000.0;
        /// Requests that the controller of a channel reorders.
        queue: u32 = "requests" in 1.0..=1024.0;
    }
}

section! {
    /// Timing of the memory devices, as their standard names it.
    MemoryTiming = "memory_timing" {
        /// Read command to data.
        cl: f64 = "ns" in 0.1..=1000.0;
        /// Write command to data.
        cwl: f64 = "ns" in 0.1..=1000.0;
        /// Activate to read.
        rcd_read: f64 = "ns" in 0.1..=1000.0;
        /// Activate to write.
        rcd_write: f64 = "ns" in 0.1..=1000.0;
        /// Precharge.
        rp: f64 = "ns" in 0.1..=1000.0;
        /// Activate to precharge.
        ras: f64 = "ns" in 0.1..=1000.0;
        /// Bursts to one bank group.
        ccd_long: f64 = "ns" in 0.1..=1000.0;
        /// Activates to different banks.
        rrd: f64 = "ns" in 0.1..=1000.0;
        /// Window that holds at most four activates.
        faw: f64 = "ns" in 0.1..=1000.0;
        /// End of write data to a read.
        wtr: f64 = "ns" in 0.1..=1000.0;
        /// End of write data to precharge.
        wr: f64 = "ns" in 0.1..=1000.0;
        /// Read to precharge.
        rtp: f64 = "ns" in 0.1..=1000.0;
        /// Between refresh commands to a channel.
        refi: f64 = "ns" in 1.0..=100_000.0;
        /// Duration of a refresh.
        rfc: f64 = "ns" in 1.0..=100_000.0;
        /// Banks that a refresh makes unavailable: 1, or all of the channel.
        refresh_banks: u32 = "banks" in 1.0..=256.0;
    }
}

section! {
    /// Link to the host, and what a launch costs.
    Host = "host" {
        /// Bandwidth of a direction.
        link: f64 = "GB/s" in 0.01..=10_000.0;
        /// Start of a copy.
        copy_overhead: f64 = "us" in 0.0..=10_000.0;
        /// From the submission of a kernel to its first CTA.
        launch_overhead: f64 = "us" in 0.0..=10_000.0;
        /// From a core to memory of the host and back.
        access: f64 = "us" in 0.0..=10_000.0;
        /// From the assignment of a CTA to a core to the first instruction of its harts.
        cta_start: u32 = "cycles" in 1.0..=100_000.0;
    }
}

section! {
    /// Energy of events.
    Energy = "energy" {
        /// Fetch, decode, issue and execution of a scalar instruction.
        scalar: f64 = "pJ" in 0.0..=10_000.0;
        /// Fetch, decode, issue and control of a vector, matrix or memory instruction.
        vector: f64 = "pJ" in 0.0..=10_000.0;
        /// Integer operation of a 32-bit lane, with its operands.
        lane_int: f64 = "pJ" in 0.0..=10_000.0;
        /// Integer multiplication of a 32-bit lane, with its operands.
        lane_multiply: f64 = "pJ" in 0.0..=10_000.0;
        /// Floating-point operation (multiply-add) of a 32-bit lane, with its operands.
        lane_float: f64 = "pJ" in 0.0..=10_000.0;
        /// Special function of a 32-bit lane.
        lane_special: f64 = "pJ" in 0.0..=10_000.0;
        /// Multiply-accumulate of the matrix unit on 8-bit integers; 4 bits and 1 bit take a
        /// half and an eighth of it.
        mac_int8: f64 = "pJ" in 0.0..=10_000.0;
        /// The same on FP8.
        mac_fp8: f64 = "pJ" in 0.0..=10_000.0;
        /// The same on FP16 and BF16; TF32 takes twice as much.
        mac_fp16: f64 = "pJ" in 0.0..=10_000.0;
        /// The same on FP64.
        mac_fp64: f64 = "pJ" in 0.0..=10_000.0;
        /// Scratchpad access.
        scratchpad: f64 = "pJ/B" in 0.0..=10_000.0;
        /// First-level cache access.
        l1: f64 = "pJ/B" in 0.0..=10_000.0;
        /// Second-level cache access.
        l2: f64 = "pJ/B" in 0.0..=10_000.0;
        /// Network between core and second level.
        network: f64 = "pJ/B" in 0.0..=10_000.0;
        /// Memory devices: column access and their side of the interface.
        dram: f64 = "pJ/B" in 0.0..=10_000.0;
        /// Activation and precharge of a row.
        dram_activate: f64 = "pJ" in 0.0..=1_000_000.0;
        /// Memory controller and PHY of the chip.
        phy: f64 = "pJ/B" in 0.0..=10_000.0;
        /// Link to the host.
        link: f64 = "pJ/B" in 0.0..=10_000.0;
    }
}

section! {
    /// Power that does not depend on activity: leakage and clock.
    StaticPower = "static_power" {
        /// Cores with their vector units, all together.
        cores: f64 = "W" in 0.0..=10_000.0;
        /// Matrix units.
        matrix: f64 = "W" in 0.0..=10_000.0;
        /// Scratchpads and first-level caches.
        scratchpad: f64 = "W" in 0.0..=10_000.0;
        /// Second-level cache and network.
        l2: f64 = "W" in 0.0..=10_000.0;
        /// Memory devices: standby and refresh.
        dram: f64 = "W" in 0.0..=10_000.0;
        /// Memory controllers and PHY.
        phy: f64 = "W" in 0.0..=10_000.0;
        /// Link to the host.
        link: f64 = "W" in 0.0..=10_000.0;
    }
}
