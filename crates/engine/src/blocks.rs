//! The pool of KV cache blocks: which are free, which are shared, which hold a known prefix.
//!
//! Pure book-keeping; the cache itself is device memory. A block holds the keys and values of a
//! fixed number of consecutive positions. A full block is *published* under its content: the
//! block before it and its tokens. Blocks nobody refers to stay published until they are needed
//! for something else, least recently used first.

use std::collections::{BTreeMap, HashMap};

/// Index of a block in the cache.
pub(crate) type BlockIndex = u32;

/// Name of a published block's content, never reused. 0 is the empty prefix.
pub(crate) type PrefixId = u64;

/// The empty prefix.
pub(crate) const EMPTY_PREFIX: PrefixId = 0;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct BlockPool {
    blocks: Vec<Block>,
    /// Unreferenced blocks by the time they became so.
    free: BTreeMap<u64, BlockIndex>,
    /// Published blocks by the prefix before them and their tokens. Exact keys: two prompts can
    /// never be taken for each other.
    published: HashMap<(PrefixId, Box<[u32]>), BlockIndex>,
    clock: u64,
    last_prefix: PrefixId,
}

#[derive(Debug, Default)]
struct Block {
    references: u32,
    /// Key in `free` while unreferenced.
    freed_at: u64,
    prefix: PrefixId,
    key: Option<(PrefixId, Box<[u32]>)>,
}

impl BlockPool {
    pub(crate) fn new(blocks: u32) -> Self {
        let mut pool = Self {
            blocks: (0..blocks).map(|_| Block::default()).collect(),
            free: BTreeMap::new(),
            published: HashMap::new(),
            clock: 0,
            last_prefix: EMPTY_PREFIX,
        };
        for block in 0..blocks {
            pool.put_to_free(block);
        }
        pool
    }

    /// Blocks in all.
    pub(crate) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Blocks that can be taken.
    pub(crate) fn free(&self) -> usize {
        self.free.len()
    }

    /// Takes a block of no known content.
    pub(crate) fn take(&mut self) -> Option<BlockIndex> {
        let (_, index) = self.free.pop_first()?;
        let block = &mut self.blocks[index as usize];
        if let Some(key) = block.key.take() {
            self.published.remove(&key);
        }
        block.references = 1;
        Some(index)
    }

    /// The published block that follows `prefix` with these tokens, with its name. It is not
    /// taken yet.
    pub(crate) fn find(&self, prefix: PrefixId, tokens: &[u32]) -> Option<(BlockIndex, PrefixId)> {
        let index = *self.published.get(&(prefix, tokens.into()))?;
        Some((index, self.blocks[index as usize].prefix))
    }

    /// Whether taking this published block would take it from the free ones.
    pub(crate) fn is_free(&self, index: BlockIndex) -> bool {
        self.blocks[index as usize].references == 0
    }

    /// Refers once more to a published block.
    pub(crate) fn share(&mut self, index: BlockIndex) {
        let block = &mut self.blocks[index as usize];
        if block.references == 0 {
            self.free.remove(&block.freed_at);
        }
        block.references += 1;
    }

    /// Publishes a full block after `prefix`; gives the name of what it ends. If the content is
    /// published already, the older block stays the one that is found.
    pub(crate) fn publish(
        &mut self,
        index: BlockIndex,
        prefix: PrefixId,
        tokens: &[u32],
    ) -> PrefixId {
        if let Some((_, name)) = self.find(prefix, tokens) {
            return name;
        }
        self.last_prefix += 1;
        let name = self.last_prefix;
        let key = (prefix, Box::from(tokens));
        self.published.insert(key.clone(), index);
        let block = &mut self.blocks[index as usize];
        block.prefix = name;
        block.key = Some(key);
        name
    }

    /// Gives up one reference to each block of a sequence, in its order. Its last block is the
    /// first to be reused: a prefix is worth more the shorter it is.
    pub(crate) fn release(&mut self, blocks: &[BlockIndex]) {
        for &index in blocks.iter().rev() {
            let block = &mut self.blocks[index as usize];
            assert!(block.references > 0, "block {index} released twice");
            block.references -= 1;
            if block.references == 0 {
                self.put_to_free(index);
            }
        }
    }

    fn put_to_free(&mut self, index: BlockIndex) {
        self.clock += 1;
        self.blocks[index as usize].freed_at = self.clock;
        self.free.insert(self.clock, index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_block_is_found_until_it_is_reused() {
        let mut pool = BlockPool::new(2);
        let first = pool.take().expect("two are free");
        let name = pool.publish(first, EMPTY_PREFIX, &[1, 2]);
        pool.release(&[first]);
        assert_eq!(pool.find(EMPTY_PREFIX, &[1, 2]), Some((first, name)));
        assert_eq!(pool.find(EMPTY_PREFIX, &[1, 3]), None);
        assert_eq!(pool.find(name, &[1, 2]), None);
        pool.share(first);
        assert_eq!(pool.free(), 1);
        let second = pool.take().expect("one is free");
        assert_ne!(first, second);
        assert_eq!(pool.take(), None);
        pool.release(&[second]);
        pool.release(&[first]);
        assert_eq!(pool.take(), Some(second), "least recently used");
        assert_eq!(pool.take(), Some(first));
        assert_eq!(pool.find(EMPTY_PREFIX, &[1, 2]), None);
    }

    #[test]
    fn the_end_of_a_prefix_is_reused_before_its_beginning() {
        let mut pool = BlockPool::new(2);
        let blocks = [pool.take().expect("free"), pool.take().expect("free")];
        pool.release(&blocks);
        assert_eq!(pool.take(), Some(blocks[1]));
    }

    #[test]
    fn the_same_content_is_published_once() {
        let mut pool = BlockPool::new(2);
        let (a, b) = (pool.take().expect("free"), pool.take().expect("free"));
        let name = pool.publish(a, EMPTY_PREFIX, &[7]);
        assert_eq!(pool.publish(b, EMPTY_PREFIX, &[7]), name);
        assert_eq!(pool.find(EMPTY_PREFIX, &[7]), Some((a, name)));
    }
}
