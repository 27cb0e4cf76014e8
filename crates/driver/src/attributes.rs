//! Device attributes by their `CU_DEVICE_ATTRIBUTE_*` number.
//!
//! Numbers are the interface of CUDA programs to a device, and every client asks for many, so
//! the table answers all of 1..=161. Source of numbers and meanings: CUDA Driver API
//! reference, `CUdevice_attribute`.

use crate::config::Config;
use crate::texture::{LINEAR_MAX, PITCH_ALIGNMENT, TEXTURE_ALIGNMENT};
use weft_isa::abi::HARTS_PER_CORE;

/// Shared memory of a CTA without opting in to more, in bytes.
pub const MAX_SHARED_BYTES_PER_BLOCK: u32 = 48 << 10;
/// Part of the scratchpad that CUDA reports as reserved for the system in each CTA, in bytes.
const RESERVED_SHARED_BYTES: u32 = 1 << 10;
/// Registers of 32 bits that a core's harts have for each lane: 32 vector registers.
const REGISTERS_PER_CORE: i32 = 32 * 32 * 32;

/// Shared memory of a CTA that opts in to all there is, in bytes.
#[must_use]
pub(crate) const fn max_shared_bytes_optin(per_core: u32) -> u32 {
    per_core.saturating_sub(RESERVED_SHARED_BYTES)
}

/// Highest attribute number answered.
const LAST: i32 = 161;

/// Value of an attribute, or `None` for a number that means nothing.
pub(crate) fn attribute(config: &Config, number: i32) -> Option<i32> {
    let chip = &config.chip;
    let clamp = |value: u64| i32::try_from(value).unwrap_or(i32::MAX);
    let shared = i32::try_from(chip.shared_bytes_per_core).unwrap_or(i32::MAX);
    let shared_optin =
        i32::try_from(max_shared_bytes_optin(chip.shared_bytes_per_core)).unwrap_or(i32::MAX);
    let cores = i32::try_from(chip.cores).unwrap_or(i32::MAX);
    let (major, minor) = config.compute_capability;
    let threads_per_core = 32 * clamp(HARTS_PER_CORE as u64);
    Some(match number {
        // Threads of a CTA, its axes, and those of the grid.
        1..=3 => 1024,
        4 => 64,
        5 => i32::MAX,
        6 | 7 => 65_535,
        8 => 48 << 10,
        // Constant memory: a promise to programs, not a size of ours.
        9 => 64 << 10,
        10 => 32,
        // Pitch.
        11 => i32::MAX,
        12 | 82 => REGISTERS_PER_CORE,
        13 => clamp(chip.clock_hz / 1_000),
        // Alignment of textures, pitch of textures, alignment of surfaces.
        14 => clamp(TEXTURE_ALIGNMENT),
        30 => 512,
        51 => clamp(PITCH_ALIGNMENT),
        // Copies overlap kernels; there is one copy engine.
        15 | 40 => 1,
        16 => cores,
        // No time limit, not integrated, compute mode default, no ECC, no TCC.
        17 | 18 | 20 | 32 | 35 => 0,
        // Host memory can be mapped; kernels of several streams may overlap.
        19 | 31 | 41 => 1,
        // PCI bus, device, domain.
        33 => 1,
        34 | 50 => 0,
        // LPDDR5X-8000 as 4000 MHz of double data rate, 512 bits wide.
        36 => 4_000_000,
        37 => 512,
        38 => 16 << 20,
        39 => threads_per_core,
        // Textures: width; width and height; of volumes; of layered ones.
        21 | 22 => 131_072,
        23 => 65_536,
        24..=26 => 16_384,
        27 | 28 | 42 | 45 | 46 => 32_768,
        29 | 43 => 2_048,
        // Gather is possible; another choice of volumes; cubes and layered cubes.
        44 => 1,
        47 | 48 => 8_192,
        49 | 52 | 53 => 32_768,
        54 => 2_046,
        // Surfaces: width; width and height; of volumes; of layered ones, of cubes.
        55 | 61 | 63 | 64 | 66 | 67 => 32_768,
        56 => 131_072,
        57 => 65_536,
        58..=60 => 16_384,
        62 | 65 => 2_048,
        68 => 2_046,
        // Textures in linear memory, pitched memory, and mipmapped ones.
        69 => clamp(LINEAR_MAX),
        70 => 131_072,
        71 => 65_536,
        72 => 1 << 21,
        73 | 74 | 77 => 32_768,
        75 => i32::try_from(major).unwrap_or(0),
        76 => i32::try_from(minor).unwrap_or(0),
        // Stream priorities, caching of globals and locals in L1.
        78..=80 => 1,
        81 => shared,
        // Managed memory; one device.
        83 => 1,
        84 | 85 => 0,
        86 => 1,
        // FP64 at 1/16.
        87 => 16,
        // Pageable host memory is not accessible to kernels; managed memory is, concurrently.
        88 | 100 => 0,
        89..=91 => 1,
        101 => 1,
        // Streams write words and wait for them; writes of other devices are not flushed.
        92..=94 | 122 | 123 => 1,
        98 => 0,
        // Cooperative launch on one device.
        95 => 1,
        96 => 0,
        97 => shared_optin,
        99 => 1,
        // Virtual memory management, shared by file descriptors and nothing else; no compression.
        102 | 103 => 1,
        104 | 105 | 107 => 0,
        106 => 32,
        108 | 109 => 0,
        110 | 112 | 114 | 116..=119 | 121 | 124 | 125 => 0,
        111 => 1 << 10,
        113 => 1,
        // Stream-ordered pools.
        115 => 1,
        // Clusters, tensor maps, fabric, multicast, MPS, interop, NUMA: none.
        120 | 126..=129 | 132 | 133 | 135..=138 | 141..=143 => 0,
        // CU_DEVICE_NUMA_CONFIG_NONE, and no NUMA node of its own.
        130 => 0,
        131 => -1,
        134 => 0,
        // Device and subsystem numbers of the bus, of no vendor.
        139 | 140 => 0,
        144..=LAST => 0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_value_and_the_key_ones_are_the_chip() {
        let config = Config::default();
        for number in 1..=LAST {
            assert!(attribute(&config, number).is_some(), "attribute {number}");
        }
        assert_eq!(attribute(&config, 0), None);
        assert_eq!(attribute(&config, LAST + 1), None);
        assert_eq!(attribute(&config, 10), Some(32));
        assert_eq!(attribute(&config, 16), Some(16));
        assert_eq!(attribute(&config, 39), Some(1024));
        assert_eq!(
            (attribute(&config, 75), attribute(&config, 76)),
            (Some(8), Some(9))
        );
    }
}
