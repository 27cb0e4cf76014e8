//! Kernel arguments as the parameter block of PTX: values in order, each aligned to its size.

/// Arguments of one launch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    bytes: Vec<u8>,
    offsets: Vec<usize>,
}

impl Arguments {
    /// No arguments.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a device pointer or another 64-bit value.
    #[must_use]
    pub fn pointer(self, value: u64) -> Self {
        self.push(&value.to_ne_bytes())
    }

    /// Adds an unsigned 32-bit value.
    #[must_use]
    pub fn number(self, value: u32) -> Self {
        self.push(&value.to_ne_bytes())
    }

    /// Adds a 32-bit float.
    #[must_use]
    pub fn float(self, value: f32) -> Self {
        self.push(&value.to_ne_bytes())
    }

    fn push(mut self, value: &[u8]) -> Self {
        let offset = self.bytes.len().next_multiple_of(value.len());
        self.bytes.resize(offset, 0);
        self.bytes.extend_from_slice(value);
        self.offsets.push(offset);
        self
    }

    /// The parameter block.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where each argument begins in the block.
    #[must_use]
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;

    #[test]
    fn every_argument_is_aligned_to_its_size() {
        let arguments = Arguments::new().number(1).pointer(2).float(0.0).number(3);
        assert_eq!(arguments.offsets(), [0, 8, 16, 20]);
        assert_eq!(arguments.bytes().len(), 24);
    }
}
