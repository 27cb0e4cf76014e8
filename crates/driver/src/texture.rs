//! Texture and surface objects: descriptors in device memory, as `weft_isa::texture` lays them out.

use crate::array::{Array, ArrayShape, MipmappedArray, TexelFormat, array_flag};
use crate::context::Context;
use crate::error::{Error, invalid};
use crate::memory::AllocationKind;
use std::sync::Arc;
use weft_isa::texture::{
    AddressMode, ChannelType, DESCRIPTOR_BYTES, Kind, LEVEL_BYTES, Shape, flag, offset,
};

/// Alignment of texels in linear memory, in bytes.
pub(crate) const TEXTURE_ALIGNMENT: u64 = 256;
/// Alignment of rows in linear memory, in bytes.
pub(crate) const PITCH_ALIGNMENT: u64 = 32;
/// Most texels of a texture in linear memory.
pub(crate) const LINEAR_MAX: u64 = 1 << 28;

/// What a texture or surface reads.
#[derive(Clone, Debug)]
pub enum Resource {
    /// An array.
    Array(Arc<Array>),
    /// A mipmapped array.
    Mipmapped(Arc<MipmappedArray>),
    /// Texels one after the other in memory.
    Linear {
        /// First texel.
        address: u64,
        /// Texels.
        format: TexelFormat,
        /// Bytes.
        bytes: u64,
    },
    /// Rows of texels in memory.
    Pitched {
        /// First texel.
        address: u64,
        /// Texels.
        format: TexelFormat,
        /// Texels of a row.
        width: u64,
        /// Rows.
        height: u64,
        /// Bytes from row to row.
        pitch: u64,
    },
}

/// How a texture is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// What coordinates outside mean, along x, y, z.
    pub address_modes: [AddressMode; 3],
    /// [`flag`] bits; [`flag::READ_NORMALIZED`] has no effect on texels that are not integers of 8 or 16
    /// bits.
    pub flags: u32,
    /// Most anisotropy.
    pub max_anisotropy: u32,
    /// Added to the level asked for.
    pub level_bias: f32,
    /// Least and greatest level used.
    pub level_range: [f32; 2],
    /// What lies outside, with [`AddressMode::Border`].
    pub border: [f32; 4],
}

impl Default for Sampler {
    fn default() -> Self {
        Self {
            address_modes: [AddressMode::Clamp; 3],
            flags: flag::READ_NORMALIZED,
            max_anisotropy: 0,
            level_bias: 0.0,
            level_range: [0.0; 2],
            border: [0.0; 4],
        }
    }
}

/// A part of an array, and what its texels are taken as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Texels of the same size as those of the array; `None`: those of the array.
    pub format: Option<TexelFormat>,
    /// First and last level.
    pub levels: [u32; 2],
    /// First and last layer.
    pub layers: [u32; 2],
}

/// A texture object.
#[derive(Debug)]
pub struct Texture {
    context: Arc<Context>,
    /// Addresses of the descriptor and, if it is mipmapped, of the records of levels.
    memory: Vec<u64>,
}

/// Texels in memory.
#[derive(Clone, Copy)]
struct Level {
    address: u64,
    extent: [u64; 3],
    element_bytes: u32,
    row_pitch: u64,
    slice_pitch: u64,
}

impl Level {
    fn of(array: &Array) -> Self {
        let shape = array.shape();
        let (row_pitch, slice_pitch) = array.pitches();
        Self {
            address: array.address(),
            extent: [shape.width, shape.height.max(1), shape.depth.max(1)],
            element_bytes: shape.format.bytes(),
            row_pitch,
            slice_pitch,
        }
    }

    /// The record, which is also the part of a descriptor from [`offset::ADDRESS`] on.
    fn record(&self) -> [u8; LEVEL_BYTES] {
        let mut bytes = [0; LEVEL_BYTES];
        let mut put = |field: u32, value: &[u8]| {
            let at = (field - offset::ADDRESS) as usize;
            bytes[at..at + value.len()].copy_from_slice(value);
        };
        let extent = self
            .extent
            .map(|extent| u32::try_from(extent).unwrap_or(u32::MAX));
        put(offset::ADDRESS, &self.address.to_le_bytes());
        put(offset::WIDTH, &extent[0].to_le_bytes());
        put(offset::HEIGHT, &extent[1].to_le_bytes());
        put(offset::DEPTH, &extent[2].to_le_bytes());
        put(offset::ELEMENT_BYTES, &self.element_bytes.to_le_bytes());
        put(offset::ROW_PITCH, &self.row_pitch.to_le_bytes());
        put(offset::SLICE_PITCH, &self.slice_pitch.to_le_bytes());
        bytes
    }
}

const fn shape_of(shape: &ArrayShape) -> Shape {
    let layered = shape.flags & array_flag::LAYERED != 0;
    if shape.flags & array_flag::CUBEMAP != 0 {
        if layered {
            Shape::LayeredCube
        } else {
            Shape::Cube
        }
    } else if layered {
        if shape.height == 0 {
            Shape::Layered1
        } else {
            Shape::Layered2
        }
    } else if shape.depth != 0 {
        Shape::D3
    } else if shape.height != 0 {
        Shape::D2
    } else {
        Shape::D1
    }
}

/// A resource as descriptors see it: shape, texels, levels.
fn levels(resource: &Resource) -> Result<(Shape, TexelFormat, Vec<Level>), Error> {
    match resource {
        Resource::Array(array) => {
            array.usable()?;
            let shape = array.shape();
            Ok((shape_of(shape), shape.format, vec![Level::of(array)]))
        }
        Resource::Mipmapped(array) => {
            array.levels()[0].usable()?;
            let shape = array.shape();
            let levels = array.levels().iter().map(|level| Level::of(level));
            Ok((shape_of(shape), shape.format, levels.collect()))
        }
        &Resource::Linear {
            address,
            format,
            bytes,
        } => {
            let element = u64::from(format.bytes());
            let texels = bytes / element;
            if !address.is_multiple_of(TEXTURE_ALIGNMENT) || !(1..=LINEAR_MAX).contains(&texels) {
                return Err(invalid(format!(
                    "a texture of {bytes} bytes at {address:#x}"
                )));
            }
            let level = Level {
                address,
                extent: [texels, 1, 1],
                element_bytes: format.bytes(),
                row_pitch: bytes,
                slice_pitch: bytes,
            };
            Ok((Shape::Linear, format, vec![level]))
        }
        &Resource::Pitched {
            address,
            format,
            width,
            height,
            pitch,
        } => {
            let row = width.checked_mul(u64::from(format.bytes()));
            let fits = row.is_some_and(|row| row <= pitch)
                && address.is_multiple_of(PITCH_ALIGNMENT)
                && pitch.is_multiple_of(PITCH_ALIGNMENT)
                && (1..=131_072).contains(&width)
                && (1..=65_536).contains(&height)
                && pitch <= 1 << 21;
            if !fits {
                return Err(invalid(format!(
                    "a texture of {width} x {height} texels at {address:#x}, rows {pitch} bytes apart"
                )));
            }
            let level = Level {
                address,
                extent: [width, height, 1],
                element_bytes: format.bytes(),
                row_pitch: pitch,
                slice_pitch: pitch * height,
            };
            Ok((Shape::D2, format, vec![level]))
        }
    }
}

/// Applies a view.
fn restrict(
    view: &View,
    shape: Shape,
    format: &mut TexelFormat,
    levels: &mut Vec<Level>,
) -> Result<(), Error> {
    if let Some(taken) = view.format {
        if taken.bytes() != format.bytes() {
            return Err(invalid("a view with texels of another size"));
        }
        *format = taken;
    }
    let [first, last] = view.levels.map(|level| level as usize);
    if first > last || last >= levels.len() {
        return Err(invalid(format!(
            "levels {first} to {last} of {}",
            levels.len()
        )));
    }
    *levels = levels[first..=last].to_vec();
    let layered = matches!(
        shape,
        Shape::Layered1 | Shape::Layered2 | Shape::LayeredCube
    );
    let [first, last] = view.layers.map(u64::from);
    if layered && (first, last) != (0, 0) {
        for level in levels {
            if first > last || last >= level.extent[2] {
                return Err(invalid(format!("layers {first} to {last}")));
            }
            level.address += first * level.slice_pitch;
            level.extent[2] = last - first + 1;
        }
    }
    Ok(())
}

/// The bytes of a descriptor and of the records of its levels.
pub(crate) fn descriptor(
    kind: Kind,
    resource: &Resource,
    sampler: &Sampler,
    view: Option<&View>,
) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let (shape, mut format, mut levels) = levels(resource)?;
    if let Some(view) = view {
        restrict(view, shape, &mut format, &mut levels)?;
    }
    let small = matches!(
        format.channel,
        ChannelType::U8 | ChannelType::U16 | ChannelType::S8 | ChannelType::S16
    );
    let mut flags = sampler.flags;
    if format.normalized {
        flags |= flag::READ_NORMALIZED;
    }
    if !small {
        flags &= !flag::READ_NORMALIZED;
    }
    let filters = flags & (flag::LINEAR_FILTER | flag::LINEAR_LEVEL_FILTER) != 0;
    if kind == Kind::Texture
        && filters
        && shape != Shape::Linear
        && format.channel.is_integer()
        && flags & flag::READ_NORMALIZED == 0
    {
        return Err(invalid(
            "integers that are read as such cannot be interpolated",
        ));
    }
    let count = u32::try_from(levels.len()).unwrap_or(u32::MAX);
    let mut bytes = vec![0; DESCRIPTOR_BYTES];
    let mut put = |field: u32, value: &[u8]| {
        bytes[field as usize..field as usize + value.len()].copy_from_slice(value);
    };
    put(offset::KIND, &(kind as u32).to_le_bytes());
    put(offset::SHAPE, &(shape as u32).to_le_bytes());
    put(offset::ADDRESS, &levels[0].record());
    put(offset::CHANNELS, &format.channels.to_le_bytes());
    put(offset::CHANNEL_TYPE, &(format.channel as u32).to_le_bytes());
    put(offset::FLAGS, &flags.to_le_bytes());
    put(offset::LEVELS, &count.to_le_bytes());
    for (axis, &mode) in (0..).zip(&sampler.address_modes) {
        put(
            offset::ADDRESS_MODES + 4 * axis,
            &(mode as u32).to_le_bytes(),
        );
    }
    put(
        offset::MAX_ANISOTROPY,
        &sampler.max_anisotropy.to_le_bytes(),
    );
    for (channel, value) in (0..).zip(sampler.border) {
        put(offset::BORDER + 4 * channel, &value.to_le_bytes());
    }
    put(offset::LEVEL_BIAS, &sampler.level_bias.to_le_bytes());
    put(offset::LEVEL_MIN, &sampler.level_range[0].to_le_bytes());
    put(offset::LEVEL_MAX, &sampler.level_range[1].to_le_bytes());
    let table = if levels.len() > 1 {
        levels.iter().flat_map(Level::record).collect()
    } else {
        Vec::new()
    };
    Ok((bytes, table))
}

impl Texture {
    /// A texture object.
    ///
    /// # Errors
    ///
    /// If the device cannot read the resource like that.
    pub fn new(
        context: &Arc<Context>,
        resource: &Resource,
        sampler: &Sampler,
        view: Option<&View>,
    ) -> Result<Arc<Self>, Error> {
        Self::write(context, descriptor(Kind::Texture, resource, sampler, view)?)
    }

    /// A surface object.
    ///
    /// # Errors
    ///
    /// If the resource is no array that was made for surfaces.
    pub fn surface(context: &Arc<Context>, array: &Arc<Array>) -> Result<Arc<Self>, Error> {
        if array.shape().flags & array_flag::SURFACE == 0 {
            return Err(invalid("an array that was not made for surfaces"));
        }
        let resource = Resource::Array(Arc::clone(array));
        let bytes = descriptor(Kind::Surface, &resource, &Sampler::default(), None)?;
        Self::write(context, bytes)
    }

    /// Writes a descriptor where a module keeps it: at a variable that is a reference.
    ///
    /// # Errors
    ///
    /// If the device cannot read the resource like that; for mipmapped arrays, whose records of levels
    /// have no place in a variable.
    pub fn write_to(
        context: &Context,
        address: u64,
        kind: Kind,
        resource: &Resource,
        sampler: &Sampler,
    ) -> Result<(), Error> {
        let (descriptor, table) = descriptor(kind, resource, sampler, None)?;
        if !table.is_empty() {
            return Err(Error::NotSupported(
                "a mipmapped array bound to a texture reference".to_owned(),
            ));
        }
        context.device().put(address, &descriptor)
    }

    fn write(context: &Arc<Context>, bytes: (Vec<u8>, Vec<u8>)) -> Result<Arc<Self>, Error> {
        let (mut descriptor, table) = bytes;
        let mut new = Self {
            context: Arc::clone(context),
            memory: Vec::new(),
        };
        let allocate = |bytes: usize| context.allocate(bytes as u64, AllocationKind::Internal, 0);
        let address = allocate(DESCRIPTOR_BYTES)?;
        new.memory.push(address);
        if !table.is_empty() {
            let levels = allocate(table.len())?;
            new.memory.push(levels);
            context.device().put(levels, &table)?;
            let at = offset::LEVEL_TABLE as usize;
            descriptor[at..at + 8].copy_from_slice(&levels.to_le_bytes());
        }
        context.device().put(address, &descriptor)?;
        Ok(Arc::new(new))
    }

    /// What kernels name it by: the generic address of its descriptor.
    #[must_use]
    pub fn object(&self) -> u64 {
        self.memory[0]
    }

    /// Its context.
    #[must_use]
    pub const fn context(&self) -> &Arc<Context> {
        &self.context
    }
}

impl Drop for Texture {
    fn drop(&mut self) {
        for &address in &self.memory {
            // After a reset or a fault the context frees its memory itself.
            let _ = self
                .context
                .free(address, |kind| kind == AllocationKind::Internal);
        }
    }
}
