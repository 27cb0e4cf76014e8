//! Code placed in the code window, shareable between launches and threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use weft_isa::abi::CODE_WINDOW;
use weft_isa::csr;

/// Code at an address. Cloning is cheap and gives the same program.
#[derive(Clone, Debug)]
pub struct Program {
    image: Arc<Image>,
}

/// The bytes of a program. Its decoded form belongs to the host threads that run it.
#[derive(Debug)]
pub(crate) struct Image {
    /// Distinguishes programs within this process.
    id: u64,
    base: u64,
    code: Arc<[u8]>,
    executable: Executable,
    tracks_flags: bool,
}

/// Where instructions may be fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Executable {
    /// Everywhere.
    #[default]
    All,
    /// In these ranges: first byte, and address after the last.
    Ranges(Arc<[(u64, u64)]>),
}

impl Executable {
    /// Whether the two bytes there, which are aligned, may be fetched.
    pub(crate) fn contains(&self, address: u64) -> bool {
        match self {
            Self::All => true,
            Self::Ranges(ranges) => ranges
                .iter()
                .any(|&(begin, end)| begin <= address && address < end),
        }
    }
}

impl Program {
    /// A program of these bytes at `base`, which is in the code window for kernels.
    /// Instructions are decoded when they are first reached.
    ///
    /// # Panics
    ///
    /// If `base` is odd or `base + code.len()` overflows.
    #[must_use]
    pub fn new(code: &[u8], base: u64) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        assert!(base.is_multiple_of(2), "code at an odd address");
        assert!(
            base.checked_add(code.len() as u64).is_some(),
            "code wraps around"
        );
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            image: Arc::new(Image {
                id,
                base,
                code: code.into(),
                executable: Executable::All,
                tracks_flags: reads_flags(code),
            }),
        }
    }

    /// The same code, of which only these parts may be fetched.
    pub(crate) fn within(&self, executable: &Executable) -> Self {
        let image = &self.image;
        if image.executable == *executable {
            return self.clone();
        }
        Self {
            image: Arc::new(Image {
                id: image.id,
                base: image.base,
                code: Arc::clone(&image.code),
                executable: executable.clone(),
                tracks_flags: image.tracks_flags,
            }),
        }
    }

    /// A program at the start of the code window.
    #[must_use]
    pub fn at_window(code: &[u8]) -> Self {
        Self::new(code, CODE_WINDOW)
    }

    /// Address of the first byte.
    #[must_use]
    pub fn base(&self) -> u64 {
        self.image.base
    }

    /// Size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.image.code.len() as u64
    }

    /// Whether an instruction could begin at this address.
    #[must_use]
    pub fn contains(&self, pc: u64) -> bool {
        pc.is_multiple_of(2)
            && pc
                .checked_sub(self.base())
                .is_some_and(|offset| offset + 2 <= self.bytes())
    }

    /// Whether the code is these bytes.
    pub(crate) fn is(&self, code: &[u8]) -> bool {
        *self.image.code == *code
    }

    pub(crate) fn image(&self) -> &Arc<Image> {
        &self.image
    }
}

/// Whether code has an instruction that accesses `fflags` or `fcsr`. Data that looks like one
/// costs speed, not correctness.
fn reads_flags(code: &[u8]) -> bool {
    let halves = code.len() / 2;
    (0..halves.saturating_sub(1)).any(|half| {
        let bytes = &code[half * 2..half * 2 + 4];
        let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let csr = (word >> 20) as u16;
        word & 0x7f == 0x73 && word >> 12 & 3 != 0 && matches!(csr, csr::FFLAGS | csr::FCSR)
    })
}

impl Image {
    /// Whether accrued floating-point exceptions can be observed.
    pub(crate) fn tracks_flags(&self) -> bool {
        self.tracks_flags
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The instruction word at `pc`: 4 bytes, or 2 at the end of the code.
    pub(crate) fn word(&self, pc: u64) -> Option<u32> {
        if !pc.is_multiple_of(2) {
            return None;
        }
        let offset = usize::try_from(pc.checked_sub(self.base)?).ok()?;
        let low = self.code.get(offset..offset.checked_add(2)?)?;
        let low = u32::from(u16::from_le_bytes([low[0], low[1]]));
        if !self.executable.contains(pc) {
            return None;
        }
        let high = self.code.get(offset + 2..offset + 4);
        match high.filter(|_| self.executable.contains(pc + 2)) {
            Some(high) => Some(low | u32::from(u16::from_le_bytes([high[0], high[1]])) << 16),
            // Only a 16-bit instruction fits here.
            None => (low & 3 != 3).then_some(low),
        }
    }
}
