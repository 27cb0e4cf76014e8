//! Prefix caches: which leading blocks of a prompt a backend holds.
//!
//! A prompt is a list of block hashes, each of which stands for its block and all before it, as
//! vLLM, Mooncake and the gateway inference extension hash them. The simulator uses one cache
//! for each backend; a gateway can keep one for each to guess what its backends hold.

use std::collections::HashMap;

/// A set of block hashes of bounded size that forgets the least recently used.
#[derive(Debug, Clone)]
pub struct PrefixCache {
    /// Slot of each hash. Never iterated, so its order does not matter.
    slots: HashMap<u64, u32>,
    /// A doubly linked list through `links`, most recent first.
    links: Vec<Link>,
    newest: u32,
    oldest: u32,
    blocks_max: usize,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    hash: u64,
    newer: u32,
    older: u32,
}

/// No slot.
const NONE: u32 = u32::MAX;

impl PrefixCache {
    /// An empty cache of at most `blocks_max` blocks; at most 2^32 - 2 of them are used.
    #[must_use]
    pub fn new(blocks_max: usize) -> Self {
        Self {
            slots: HashMap::new(),
            links: Vec::new(),
            newest: NONE,
            oldest: NONE,
            blocks_max: blocks_max.min(NONE as usize - 1),
        }
    }

    /// How many leading blocks of `prompt` are held.
    #[must_use]
    pub fn held(&self, prompt: &[u64]) -> usize {
        prompt
            .iter()
            .take_while(|hash| self.slots.contains_key(hash))
            .count()
    }

    /// Notes that the blocks of `prompt` were used, and holds them from now on.
    pub fn insert(&mut self, prompt: &[u64]) {
        // From the end, so that the first blocks are the most recent: a block is of no use
        // without those before it.
        for hash in prompt.iter().take(self.blocks_max).rev() {
            self.touch(*hash);
        }
    }

    /// Blocks that are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Forgets everything, as a backend that restarts does.
    pub fn clear(&mut self) {
        *self = Self::new(self.blocks_max);
    }

    fn touch(&mut self, hash: u64) {
        if let Some(slot) = self.slots.get(&hash).copied() {
            self.unlink(slot);
            self.link_newest(slot);
            return;
        }
        let slot = if self.slots.len() < self.blocks_max {
            let slot = u32::try_from(self.links.len()).unwrap_or(NONE);
            self.links.push(Link {
                hash,
                newer: NONE,
                older: NONE,
            });
            slot
        } else {
            let slot = self.oldest;
            self.unlink(slot);
            let link = &mut self.links[slot as usize];
            self.slots.remove(&link.hash);
            link.hash = hash;
            slot
        };
        self.slots.insert(hash, slot);
        self.link_newest(slot);
    }

    fn unlink(&mut self, slot: u32) {
        let Link { newer, older, .. } = self.links[slot as usize];
        match newer {
            NONE => self.newest = older,
            newer => self.links[newer as usize].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => self.links[older as usize].newer = newer,
        }
    }

    fn link_newest(&mut self, slot: u32) {
        let before = self.newest;
        let link = &mut self.links[slot as usize];
        link.newer = NONE;
        link.older = before;
        match before {
            NONE => self.oldest = slot,
            before => self.links[before as usize].newer = slot,
        }
        self.newest = slot;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_leading_part_counts() {
        let mut cache = PrefixCache::new(10);
        cache.insert(&[1, 2, 3]);
        assert_eq!(cache.held(&[1, 2, 9, 3]), 2);
        assert_eq!(cache.held(&[2, 3]), 2);
        assert_eq!(cache.held(&[9, 1]), 0);
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut cache = PrefixCache::new(3);
        cache.insert(&[1]);
        cache.insert(&[2]);
        cache.insert(&[3]);
        cache.insert(&[1]);
        cache.insert(&[4]);
        assert_eq!([1, 2, 3, 4].map(|hash| cache.held(&[hash])), [1, 0, 1, 1]);
        assert_eq!(cache.len(), 3);
    }

    #[test]
    fn a_prompt_larger_than_the_cache_keeps_its_beginning() {
        let mut cache = PrefixCache::new(2);
        cache.insert(&[1, 2, 3, 4]);
        assert_eq!(cache.held(&[1, 2, 3, 4]), 2);
    }

    #[test]
    fn a_cache_of_nothing_holds_nothing() {
        let mut cache = PrefixCache::new(0);
        cache.insert(&[1, 2]);
        assert!(cache.is_empty());
    }

    /// Against a list that is searched from end to end.
    #[test]
    fn agrees_with_a_naive_list() {
        let mut cache = PrefixCache::new(7);
        let mut list: Vec<u64> = Vec::new(); // Most recent last.
        let mut state = 12345_u64;
        for _ in 0..5000 {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let start = (state >> 33) % 12;
            let prompt: Vec<u64> = (start..start + (state >> 50) % 5).collect();
            let held = prompt.iter().take_while(|hash| list.contains(hash)).count();
            assert_eq!(cache.held(&prompt), held);
            for hash in prompt.iter().rev() {
                list.retain(|other| other != hash);
                list.push(*hash);
                if list.len() > 7 {
                    list.remove(0);
                }
            }
            cache.insert(&prompt);
        }
    }
}
