//! Layout of the descriptor of a texture or surface in device memory.
//!
//! A texture or surface object of CUDA is the generic address of such a descriptor, and so is the
//! address of a `.texref` or `.surfref` variable of PTX: the variable is the descriptor. The driver
//! writes descriptors, compiled kernels read them; a kernel that is given anything else as an object
//! reads memory that is not a descriptor, which [`offset::KIND`] tells.
//!
//! # Texels
//!
//! Texels are linear in device memory. Texel (x, y, z) of a level lies at `address + z * slice_pitch
//! + y * row_pitch + x * element_bytes`, where z is the plane of a volume, or the layer of a layered
//! texture, or `layer * 6 + face` of a cube map. Extents are in texels; an extent that the shape
//! lacks is 1. Channels of a texel are [`offset::CHANNELS`] (1, 2 or 4) numbers of one
//! [`ChannelType`], the first at the lowest address; channels that are absent read as 0, the fourth
//! as 1. A coordinate of `sust`/`suld` along x is in bytes.
//!
//! # Levels
//!
//! Level 0 is in the descriptor itself. A mipmapped texture has [`offset::LEVELS`] records of
//! [`LEVEL_BYTES`] at [`offset::LEVEL_TABLE`], the first equal to the descriptor's bytes from
//! [`offset::ADDRESS`] on.
//!
//! Fields are little-endian; every one is naturally aligned. Addressing, filtering and conversion
//! are those of the CUDA C++ Programming Guide, "Texture Fetching".

/// Size and alignment of a descriptor in bytes.
pub const DESCRIPTOR_BYTES: usize = 128;

/// Byte offsets of the fields of a descriptor.
pub mod offset {
    /// `u32`: [`super::Kind`]; 0 after the object was destroyed.
    pub const KIND: u32 = 0;
    /// `u32`: [`super::Shape`].
    pub const SHAPE: u32 = 4;
    /// `u64`: generic address of texel (0, 0, 0).
    pub const ADDRESS: u32 = 8;
    /// `u32`: texels along x.
    pub const WIDTH: u32 = 16;
    /// `u32`: texels along y.
    pub const HEIGHT: u32 = 20;
    /// `u32`: planes of a volume, layers, or faces of all cubes.
    pub const DEPTH: u32 = 24;
    /// `u32`: bytes of a texel.
    pub const ELEMENT_BYTES: u32 = 28;
    /// `u64`: bytes from row to row.
    pub const ROW_PITCH: u32 = 32;
    /// `u64`: bytes from plane to plane.
    pub const SLICE_PITCH: u32 = 40;
    /// `u32`: numbers in a texel, 1, 2 or 4.
    pub const CHANNELS: u32 = 48;
    /// `u32`: [`super::ChannelType`] of them.
    pub const CHANNEL_TYPE: u32 = 52;
    /// `u32`: [`super::flag`] bits.
    pub const FLAGS: u32 = 56;
    /// `u32`: levels, 1 if it is not mipmapped.
    pub const LEVELS: u32 = 60;
    /// 3 `u32`: [`super::AddressMode`] along x, y, z.
    pub const ADDRESS_MODES: u32 = 64;
    /// `u32`: most anisotropy, as the program asked; filtering here is isotropic.
    pub const MAX_ANISOTROPY: u32 = 76;
    /// 4 `f32` (or integers of 32 bits, for integer texels): what lies outside with
    /// [`super::AddressMode::Border`].
    pub const BORDER: u32 = 80;
    /// `f32`: added to the level asked for.
    pub const LEVEL_BIAS: u32 = 96;
    /// `f32`: least level used.
    pub const LEVEL_MIN: u32 = 100;
    /// `f32`: greatest level used.
    pub const LEVEL_MAX: u32 = 104;
    /// `u64`: generic address of the records of the levels, 0 if there is one level.
    pub const LEVEL_TABLE: u32 = 112;
}

/// Bytes of the record of a level: the descriptor's fields from [`offset::ADDRESS`] (at record
/// offset 0) to [`offset::SLICE_PITCH`].
pub const LEVEL_BYTES: usize = 40;

/// What a descriptor is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Kind {
    /// A texture with its sampler: the bytes `WTEX`.
    Texture = u32::from_le_bytes(*b"WTEX"),
    /// A surface: the bytes `WSRF`.
    Surface = u32::from_le_bytes(*b"WSRF"),
}

/// How coordinates name a texel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Shape {
    /// By an integer index into linear memory; always unfiltered and not normalized.
    Linear = 0,
    /// x.
    D1 = 1,
    /// x, y.
    D2 = 2,
    /// x, y, z.
    D3 = 3,
    /// Layer, x.
    Layered1 = 4,
    /// Layer, x, y.
    Layered2 = 5,
    /// A direction x, y, z.
    Cube = 6,
    /// Layer, and a direction x, y, z.
    LayeredCube = 7,
}

/// What the numbers of a texel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum ChannelType {
    /// 8 bits without a sign.
    U8 = 0,
    /// 16 bits without a sign.
    U16 = 1,
    /// 32 bits without a sign.
    U32 = 2,
    /// 8 bits with a sign.
    S8 = 3,
    /// 16 bits with a sign.
    S16 = 4,
    /// 32 bits with a sign.
    S32 = 5,
    /// Half precision.
    F16 = 6,
    /// Single precision.
    F32 = 7,
}

impl ChannelType {
    /// Bytes of one number.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Self::U8 | Self::S8 => 1,
            Self::U16 | Self::S16 | Self::F16 => 2,
            Self::U32 | Self::S32 | Self::F32 => 4,
        }
    }

    /// Whether it is a whole number.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        !matches!(self, Self::F16 | Self::F32)
    }
}

/// What a coordinate outside the texture means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum AddressMode {
    /// The texture repeats. Normalized coordinates only; else as [`Self::Clamp`].
    Wrap = 0,
    /// The texel at the edge.
    Clamp = 1,
    /// The texture repeats, every other time mirrored. Normalized coordinates only; else as
    /// [`Self::Clamp`].
    Mirror = 2,
    /// [`offset::BORDER`].
    Border = 3,
}

/// Bits of [`offset::FLAGS`].
pub mod flag {
    /// Coordinates along x, y and z go from 0 to 1 over the extent.
    pub const NORMALIZED_COORDINATES: u32 = 1 << 0;
    /// Integer texels of 8 or 16 bits are read as numbers of single precision from 0 to 1, or -1 to
    /// 1 if they have a sign.
    pub const READ_NORMALIZED: u32 = 1 << 1;
    /// The nearest texels are interpolated; else the nearest is taken.
    pub const LINEAR_FILTER: u32 = 1 << 2;
    /// The nearest levels are interpolated; else the nearest is taken.
    pub const LINEAR_LEVEL_FILTER: u32 = 1 << 3;
    /// The first three channels are sRGB, converted to linear when read.
    pub const SRGB: u32 = 1 << 4;
    /// Linear filtering crosses the faces of a cube.
    pub const SEAMLESS_CUBE: u32 = 1 << 5;
}
