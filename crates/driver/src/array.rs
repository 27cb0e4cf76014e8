//! Arrays: texels that textures and surfaces read. They are linear in device memory, laid out as
//! `weft_isa::texture` says.

use crate::context::Context;
use crate::error::{Error, invalid};
use crate::memory::AllocationKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use weft_isa::texture::ChannelType;

/// Rows begin at multiples of this many bytes.
const ROW_ALIGNMENT: u64 = 32;
/// Most texels along an axis of a volume.
const VOLUME_MAX: u64 = 16_384;
/// Most texels along x, and along y, of other arrays.
const WIDTH_MAX: u64 = 131_072;
const HEIGHT_MAX: u64 = 65_536;
/// Most texels along an axis of layered and cube arrays.
const LAYERED_MAX: u64 = 32_768;
/// Most layers.
const LAYERS_MAX: u64 = 2_048;
/// Faces of a cube.
const FACES: u64 = 6;

/// Flags of arrays (`CUDA_ARRAY3D_*`).
pub mod array_flag {
    /// Depth is the number of layers.
    pub const LAYERED: u32 = 0x01;
    /// Surfaces may be bound to it.
    pub const SURFACE: u32 = 0x02;
    /// Six layers are the faces of a cube.
    pub const CUBEMAP: u32 = 0x04;
    /// Texture gather may be used on it.
    pub const TEXTURE_GATHER: u32 = 0x08;
    /// All that this device has.
    pub const ALL: u32 = LAYERED | SURFACE | CUBEMAP | TEXTURE_GATHER;
}

/// What a texel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TexelFormat {
    /// Type of the numbers.
    pub channel: ChannelType,
    /// How many: 1, 2 or 4.
    pub channels: u32,
    /// Integers that always stand for numbers from 0 (or -1) to 1.
    pub normalized: bool,
}

impl TexelFormat {
    /// Bytes of a texel.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        self.channel.bytes() * self.channels
    }
}

/// Extents and texels of an array. An extent of 0 is an axis that the array does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrayShape {
    /// Texels along x.
    pub width: u64,
    /// Texels along y, 0 for one dimension.
    pub height: u64,
    /// Texels along z, layers, or faces; 0 for none of these.
    pub depth: u64,
    /// Its texels.
    pub format: TexelFormat,
    /// [`array_flag`] bits.
    pub flags: u32,
}

impl ArrayShape {
    /// Whether the device can have such an array.
    fn check(&self) -> Result<(), Error> {
        let flagged = |flag| self.flags & flag != 0;
        if self.flags & !array_flag::ALL != 0 {
            return Err(Error::NotSupported(format!(
                "an array with the flags {:#x}: neither sparse arrays nor depth textures exist here",
                self.flags
            )));
        }
        if self.width == 0 || !matches!(self.format.channels, 1 | 2 | 4) {
            return Err(invalid("an array without texels"));
        }
        let (layered, cube) = (flagged(array_flag::LAYERED), flagged(array_flag::CUBEMAP));
        let fits = if cube {
            self.width == self.height
                && self.width <= LAYERED_MAX
                && if layered {
                    self.depth != 0 && self.depth.is_multiple_of(FACES) && self.depth < LAYERS_MAX
                } else {
                    self.depth == FACES
                }
        } else if layered {
            self.width <= LAYERED_MAX
                && self.height <= LAYERED_MAX
                && (1..=LAYERS_MAX).contains(&self.depth)
        } else if self.depth != 0 {
            self.height != 0
                && [self.width, self.height, self.depth]
                    .iter()
                    .all(|&extent| extent <= VOLUME_MAX)
        } else {
            self.width <= WIDTH_MAX && self.height <= HEIGHT_MAX
        };
        if fits {
            Ok(())
        } else {
            Err(invalid(format!(
                "an array of {} x {} x {} texels with flags {:#x}",
                self.width, self.height, self.depth, self.flags
            )))
        }
    }

    /// The shape of a level, each next one half as large.
    fn level(&self, level: u32) -> Self {
        let halved = |extent: u64| {
            if extent == 0 {
                0
            } else {
                (extent >> level).max(1)
            }
        };
        let is_volume = self.flags & (array_flag::LAYERED | array_flag::CUBEMAP) == 0;
        Self {
            width: halved(self.width),
            height: halved(self.height),
            depth: if is_volume {
                halved(self.depth)
            } else {
                self.depth
            },
            ..*self
        }
    }

    fn row_pitch(&self) -> u64 {
        (self.width * u64::from(self.format.bytes())).next_multiple_of(ROW_ALIGNMENT)
    }

    fn slice_pitch(&self) -> u64 {
        self.row_pitch() * self.height.max(1)
    }

    /// Bytes that the texels take in device memory.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.slice_pitch() * self.depth.max(1)
    }
}

/// An array, or a level of a mipmapped one.
#[derive(Debug)]
pub struct Array {
    id: u64,
    context: Arc<Context>,
    resets: u64,
    shape: ArrayShape,
    address: u64,
    /// Frees the memory at the end; a level leaves that to the mipmapped array.
    owns: bool,
    destroyed: Arc<AtomicBool>,
}

impl Array {
    /// A new array; its texels are unspecified.
    ///
    /// # Errors
    ///
    /// If the device cannot have such an array, or there is no room.
    pub fn new(context: &Arc<Context>, shape: ArrayShape) -> Result<Arc<Self>, Error> {
        shape.check()?;
        let address = context.allocate_aligned(shape.bytes(), 512, AllocationKind::Internal, 0)?;
        Ok(Arc::new(Self {
            id: context.device().new_id(),
            context: Arc::clone(context),
            resets: context.resets(),
            shape,
            address,
            owns: true,
            destroyed: Arc::default(),
        }))
    }

    /// Serial number, unique in the process.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Extents, texels and flags.
    #[must_use]
    pub const fn shape(&self) -> &ArrayShape {
        &self.shape
    }

    /// Its context.
    #[must_use]
    pub const fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Generic address of the first texel.
    pub(crate) const fn address(&self) -> u64 {
        self.address
    }

    /// Bytes from row to row, and from plane to plane.
    pub(crate) fn pitches(&self) -> (u64, u64) {
        (self.shape.row_pitch(), self.shape.slice_pitch())
    }

    /// Whether it can be used.
    ///
    /// # Errors
    ///
    /// If it was destroyed, or its context cannot be used.
    pub fn usable(&self) -> Result<(), Error> {
        self.context.usable_since(self.resets, "array")?;
        if self.destroyed.load(Ordering::Acquire) {
            return Err(Error::InvalidHandle("the array is destroyed".to_owned()));
        }
        Ok(())
    }

    /// Frees its memory. A level of a mipmapped array cannot be destroyed on its own.
    ///
    /// # Errors
    ///
    /// If it is a level, or was destroyed before.
    pub fn destroy(&self) -> Result<(), Error> {
        if !self.owns {
            return Err(Error::InvalidHandle(
                "a level of a mipmapped array belongs to that array".to_owned(),
            ));
        }
        self.usable()?;
        if self.destroyed.swap(true, Ordering::AcqRel) {
            return Err(Error::InvalidHandle("the array is destroyed".to_owned()));
        }
        self.context
            .free(self.address, |kind| kind == AllocationKind::Internal)
    }
}

/// Arrays of falling size, as textures with levels of detail want them.
#[derive(Debug)]
pub struct MipmappedArray {
    id: u64,
    shape: ArrayShape,
    levels: Vec<Arc<Array>>,
}

impl MipmappedArray {
    /// A new mipmapped array. More levels than the extents allow are cut down to those.
    ///
    /// # Errors
    ///
    /// If the device cannot have such an array, or there is no room.
    pub fn new(context: &Arc<Context>, shape: ArrayShape, levels: u32) -> Result<Arc<Self>, Error> {
        shape.check()?;
        if levels == 0 {
            return Err(invalid("a mipmapped array of no levels"));
        }
        let is_volume = shape.flags & (array_flag::LAYERED | array_flag::CUBEMAP) == 0;
        let depth = if is_volume { shape.depth } else { 0 };
        let largest = shape.width.max(shape.height).max(depth);
        let levels = levels.min(largest.ilog2() + 1);
        let sizes = (0..levels).map(|level| shape.level(level).bytes().next_multiple_of(512));
        let bytes = sizes.sum();
        let start = context.allocate_aligned(bytes, 512, AllocationKind::Internal, 0)?;
        let destroyed = Arc::<AtomicBool>::default();
        let mut address = start;
        let levels = (0..levels).map(|level| {
            let shape = shape.level(level);
            let array = Array {
                id: context.device().new_id(),
                context: Arc::clone(context),
                resets: context.resets(),
                shape,
                address,
                owns: false,
                destroyed: Arc::clone(&destroyed),
            };
            address += shape.bytes().next_multiple_of(512);
            Arc::new(array)
        });
        Ok(Arc::new(Self {
            id: context.device().new_id(),
            shape,
            levels: levels.collect(),
        }))
    }

    /// Serial number, unique in the process.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Extents of the largest level, texels and flags.
    #[must_use]
    pub const fn shape(&self) -> &ArrayShape {
        &self.shape
    }

    /// Its levels, the largest first; never empty.
    #[must_use]
    pub fn levels(&self) -> &[Arc<Array>] {
        &self.levels
    }

    /// Bytes that all levels take in device memory.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let sizes = self
            .levels
            .iter()
            .map(|level| level.shape.bytes().next_multiple_of(512));
        sizes.sum()
    }

    /// Frees its memory; its levels can no longer be used.
    ///
    /// # Errors
    ///
    /// If it was destroyed before.
    pub fn destroy(&self) -> Result<(), Error> {
        let first = &self.levels[0];
        first.usable()?;
        if first.destroyed.swap(true, Ordering::AcqRel) {
            return Err(Error::InvalidHandle("the array is destroyed".to_owned()));
        }
        first
            .context
            .free(first.address, |kind| kind == AllocationKind::Internal)
    }
}
