//! `cudaGetDeviceProperties`, whose structure differs between the runtimes 12 and 13.
//!
//! Both begin with the same fields and then interleave numbers, nearly all of them device
//! attributes. The two tables below are the structures of the CUDA Runtime API reference,
//! field by field, as the attribute each is filled from.

use super::exports;
use crate::driver::{Driver, check, driver as load};
use crate::error::Error;
use std::ffi::c_int;

/// Where a field's value comes from.
enum Field {
    /// `char[n]` filled with the device's name.
    Name(usize),
    /// 16 bytes of UUID.
    Uuid,
    /// Zero bytes (`luid`, reserved, and features this device lacks).
    Zero(usize),
    /// `size_t` of total memory.
    TotalMemory,
    /// `int` of a device attribute.
    Int(c_int),
    /// `size_t` of a device attribute.
    Size(c_int),
}

use Field::{Int, Name, Size, TotalMemory, Uuid, Zero};

/// `cudaDeviceProp` of CUDA 13.
const PROPERTIES_13: &[Field] = &[
    Name(256),
    Uuid,
    Zero(8),
    Zero(4),
    TotalMemory,
    Size(8),
    Int(12),
    Int(10),
    Size(11),
    Int(1),
    Int(2),
    Int(3),
    Int(4),
    Int(5),
    Int(6),
    Int(7),
    Size(9),
    Int(75),
    Int(76),
    Size(14),
    Size(51),
    Int(16),
    Int(18),
    Int(19),
    Int(21),
    Int(77),
    Int(22),
    Int(23),
    Int(73),
    Int(74),
    Int(70),
    Int(71),
    Int(72),
    Int(45),
    Int(46),
    Int(24),
    Int(25),
    Int(26),
    Int(47),
    Int(48),
    Int(49),
    Int(52),
    Int(42),
    Int(43),
    Int(27),
    Int(28),
    Int(29),
    Int(53),
    Int(54),
    Int(55),
    Int(56),
    Int(57),
    Int(58),
    Int(59),
    Int(60),
    Int(61),
    Int(62),
    Int(63),
    Int(64),
    Int(65),
    Int(66),
    Int(67),
    Int(68),
    Size(30),
    Int(31),
    Int(32),
    Int(33),
    Int(34),
    Int(50),
    Int(35),
    Int(40),
    Int(41),
    Int(37),
    Int(38),
    Int(108),
    Int(39),
    Int(78),
    Int(79),
    Int(80),
    Size(81),
    Int(82),
    Int(83),
    Int(84),
    Int(85),
    Int(86),
    Int(88),
    Int(89),
    Int(90),
    Int(91),
    Int(95),
    Size(97),
    Int(100),
    Int(101),
    Int(106),
    Int(109),
    Size(111),
    Int(99),
    Int(112),
    Int(113),
    Int(114),
    Int(115),
    Int(116),
    Int(117),
    Int(118),
    Int(119),
    Int(121),
    Int(125),
    Int(120),
    Int(129),
    Int(130),
    Int(131),
    Int(133),
    Int(134),
    Int(139),
    Int(140),
    Int(143),
    Zero(56 * 4),
];

/// `cudaDeviceProp` of CUDA 12 (`cudaGetDeviceProperties_v2`).
const PROPERTIES_12: &[Field] = &[
    Name(256),
    Uuid,
    Zero(8),
    Zero(4),
    TotalMemory,
    Size(8),
    Int(12),
    Int(10),
    Size(11),
    Int(1),
    Int(2),
    Int(3),
    Int(4),
    Int(5),
    Int(6),
    Int(7),
    Int(13),
    Size(9),
    Int(75),
    Int(76),
    Size(14),
    Size(51),
    Int(15),
    Int(16),
    Int(17),
    Int(18),
    Int(19),
    Int(20),
    Int(21),
    Int(77),
    Int(69),
    Int(22),
    Int(23),
    Int(73),
    Int(74),
    Int(70),
    Int(71),
    Int(72),
    Int(45),
    Int(46),
    Int(24),
    Int(25),
    Int(26),
    Int(47),
    Int(48),
    Int(49),
    Int(52),
    Int(42),
    Int(43),
    Int(27),
    Int(28),
    Int(29),
    Int(53),
    Int(54),
    Int(55),
    Int(56),
    Int(57),
    Int(58),
    Int(59),
    Int(60),
    Int(61),
    Int(62),
    Int(63),
    Int(64),
    Int(65),
    Int(66),
    Int(67),
    Int(68),
    Size(30),
    Int(31),
    Int(32),
    Int(33),
    Int(34),
    Int(50),
    Int(35),
    Int(40),
    Int(41),
    Int(36),
    Int(37),
    Int(38),
    Int(108),
    Int(39),
    Int(78),
    Int(79),
    Int(80),
    Size(81),
    Int(82),
    Int(83),
    Int(84),
    Int(85),
    Int(86),
    Int(87),
    Int(88),
    Int(89),
    Int(90),
    Int(91),
    Int(95),
    Int(96),
    Size(97),
    Int(100),
    Int(101),
    Int(106),
    Int(109),
    Size(111),
    Int(99),
    Int(112),
    Int(113),
    Int(114),
    Int(115),
    Int(116),
    Int(117),
    Int(118),
    Int(119),
    Int(121),
    Int(125),
    Int(120),
    Int(129),
    Zero(63 * 4),
];

fn properties(driver: &Driver, fields: &[Field], device: c_int) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for field in fields {
        if let Size(_) | TotalMemory = field {
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        match field {
            Name(length) => {
                let mut name = vec![0u8; *length];
                let length = c_int::try_from(*length).map_err(|_| Error::UNKNOWN)?;
                // SAFETY: `length` writable bytes.
                check(unsafe {
                    (driver.cuDeviceGetName)(name.as_mut_ptr().cast(), length, device)
                })?;
                bytes.extend(name);
            }
            Uuid => {
                let mut uuid = [0u8; 16];
                // SAFETY: 16 writable bytes.
                check(unsafe { (driver.cuDeviceGetUuid_v2)(uuid.as_mut_ptr().cast(), device) })?;
                bytes.extend(uuid);
            }
            Zero(length) => bytes.resize(bytes.len() + length, 0),
            TotalMemory => {
                let mut total = 0usize;
                // SAFETY: an out pointer to a local.
                check(unsafe { (driver.cuDeviceTotalMem_v2)(&raw mut total, device) })?;
                bytes.extend(total.to_le_bytes());
            }
            Int(number) => bytes.extend(attribute(driver, *number, device)?.to_le_bytes()),
            Size(number) => {
                let value = attribute(driver, *number, device)?;
                bytes.extend(u64::try_from(value).unwrap_or(0).to_le_bytes());
            }
        }
    }
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    Ok(bytes)
}

fn attribute(driver: &Driver, number: c_int, device: c_int) -> Result<c_int, Error> {
    let mut value = 0;
    // SAFETY: an out pointer to a local.
    check(unsafe { (driver.cuDeviceGetAttribute)(&raw mut value, number, device) })?;
    Ok(value)
}

fn fill(out: *mut u8, fields: &[Field], device: c_int) -> Result<(), Error> {
    if out.is_null() {
        return Err(Error::INVALID_VALUE);
    }
    let bytes = properties(load()?, fields, device)?;
    // SAFETY: the caller passes a structure of the size that the table adds up to.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), out, bytes.len()) };
    Ok(())
}

exports! {
    /// CUDA 13: `out` is a `cudaDeviceProp`.
    fn cudaGetDeviceProperties(out: *mut u8, device: c_int) {
        fill(out, PROPERTIES_13, device)
    }

    /// CUDA 12: `out` is the `cudaDeviceProp` of that release.
    fn cudaGetDeviceProperties_v2(out: *mut u8, device: c_int) {
        fill(out, PROPERTIES_12, device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(fields: &[Field]) -> usize {
        let end = fields.iter().fold(0usize, |end, field| match field {
            Name(length) | Zero(length) => end + length,
            Uuid => end + 16,
            TotalMemory | Size(_) => end.next_multiple_of(8) + 8,
            Int(_) => end + 4,
        });
        end.next_multiple_of(8)
    }

    /// Sizes as `sizeof(cudaDeviceProp)` gives them with the toolkits' headers.
    #[test]
    fn structures_have_the_size_of_the_headers() {
        assert_eq!(size(PROPERTIES_12), 1032);
        assert_eq!(size(PROPERTIES_13), 1008);
    }
}
