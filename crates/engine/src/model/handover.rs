//! Blocks of the KV cache as bytes, for another engine with the same model.

use super::{Model, WORD};
use crate::accelerator::DeviceAddress;
use crate::blocks::BlockIndex;
use crate::error::Error;
use crate::kernels::{BLOCK_TOKENS, LayerCache};
use crate::matrix::Matrix;
use crate::quantization::KvCacheFormat;

/// Bytes of a matrix that its fingerprint looks at.
const SAMPLE_BYTES: u64 = 4096;

/// Where a block's part of one buffer is.
struct Piece {
    address: DeviceAddress,
    bytes: usize,
}

impl Model {
    /// Bytes of one block over all layers.
    pub(crate) fn block_bytes(&self) -> usize {
        let layers = self.layers.iter();
        let pieces = layers.flat_map(|layer| self.pieces(&layer.cache, 0));
        pieces.map(|piece| piece.bytes).sum()
    }

    /// Appends the content of a block: for every layer keys, values, and their scales where the
    /// cache is int8.
    pub(crate) fn read_block(
        &mut self,
        block: BlockIndex,
        into: &mut Vec<u8>,
    ) -> Result<(), Error> {
        for index in 0..self.layers.len() {
            for piece in self.pieces(&self.layers[index].cache, block) {
                let at = into.len();
                into.resize(at + piece.bytes, 0);
                self.device.read(piece.address, &mut into[at..])?;
            }
        }
        Ok(())
    }

    /// Sets the content of a block.
    ///
    /// # Panics
    ///
    /// If `bytes` is not [`Self::block_bytes`] long.
    pub(crate) fn write_block(&mut self, block: BlockIndex, bytes: &[u8]) -> Result<(), Error> {
        assert_eq!(bytes.len(), self.block_bytes());
        let mut rest = bytes;
        for index in 0..self.layers.len() {
            for piece in self.pieces(&self.layers[index].cache, block) {
                let (own, others) = rest.split_at(piece.bytes);
                self.device.write(piece.address, own)?;
                rest = others;
            }
        }
        Ok(())
    }

    /// The parts of a block in the buffers of a layer.
    fn pieces(&self, cache: &LayerCache, block: BlockIndex) -> Vec<Piece> {
        let positions = u64::from(BLOCK_TOKENS);
        let values = positions * u64::from(self.config.kv_width());
        let scales = positions * u64::from(self.config.num_key_value_heads) * WORD;
        let piece = |base: DeviceAddress, bytes: u64| Piece {
            address: base + u64::from(block) * bytes,
            bytes: usize::try_from(bytes).expect("a block is in memory"),
        };
        match cache.format {
            KvCacheFormat::F32 => [cache.keys, cache.values]
                .map(|base| piece(base, values * WORD))
                .into(),
            KvCacheFormat::Int8 => [
                piece(cache.keys, values),
                piece(cache.values, values),
                piece(cache.scales[0], scales),
                piece(cache.scales[1], scales),
            ]
            .into(),
        }
    }

    /// A number that differs, all but surely, between models whose keys and values differ: of
    /// shape, formats, and the beginning of every layer's first matrix.
    pub(crate) fn fingerprint(&mut self) -> Result<u64, Error> {
        let mut hash = Fnv::default();
        hash.add(format!("{:?}", self.config).as_bytes());
        let layers = self.layers.iter();
        let matrices: Vec<Matrix> = std::iter::once(self.embed_tokens)
            .chain(layers.map(|layer| layer.qkv_proj))
            .collect();
        hash.add(format!("{:?}", self.limits.kv_cache).as_bytes());
        for matrix in matrices {
            hash.add(format!("{:?}", matrix.format).as_bytes());
            let bytes = (matrix.word_count() * WORD).min(SAMPLE_BYTES);
            let mut sample = vec![0; usize::try_from(bytes).expect("it is small")];
            self.device.read(matrix.words, &mut sample)?;
            hash.add(&sample);
        }
        Ok(hash.0)
    }
}

/// FNV-1a of 64 bits: the same in every process, unlike the standard library's hashes.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
