//! The chip as a benchmark sees it: memory, one kernel, launches.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use weft_driver::{
    AllocationKind, ChipConfig, ChipFile, Config, Context, Device, Kernel, LaunchConfig, Module,
    ModuleImage,
};

/// A chip whose cores are executed by a fixed number of host threads.
pub(crate) struct Chip {
    context: Arc<Context>,
}

impl Chip {
    /// A chip without a compile cache.
    pub(crate) fn new(host_threads: usize) -> Result<Self> {
        let mut config = Config::default();
        let mut chip = ChipConfig::default();
        chip.host_threads = Some(host_threads);
        config.chip = chip;
        let device = Device::new(config).context("failed to set up the chip")?;
        Ok(Self {
            context: device.retain_primary(),
        })
    }

    /// Times launches on the model of the W1 from now on, or stops doing so.
    pub(crate) fn time_launches(&self, on: bool) -> Result<()> {
        let file = on.then(|| Arc::new(ChipFile::w1()));
        let device = self.context.device();
        device.set_timing(file).context("failed to switch timing")
    }

    /// The only kernel of a PTX text, compiled.
    pub(crate) fn kernel(&self, ptx: &str) -> Result<Arc<Kernel>> {
        let module = Module::load(&self.context, ModuleImage::Ptx(ptx.as_bytes()))
            .context("failed to load the PTX")?;
        let names = module.kernel_names();
        ensure!(
            names.len() == 1,
            "one kernel expected, found {}",
            names.len()
        );
        module
            .kernel(names[0])
            .context("failed to compile the kernel")
    }

    /// An array of 32-bit words in device memory.
    pub(crate) fn upload(&self, words: &[[u8; 4]]) -> Result<u64> {
        let bytes = words.as_flattened();
        let address = self
            .context
            .allocate(bytes.len() as u64, AllocationKind::Device, 0)
            .context("failed to allocate device memory")?;
        self.context
            .device()
            .write(address, bytes)
            .context("failed to write device memory")?;
        Ok(address)
    }

    /// `count` words of device memory.
    pub(crate) fn download(&self, address: u64, count: usize) -> Result<Vec<[u8; 4]>> {
        let mut words = vec![[0; 4]; count];
        self.context
            .device()
            .read(address, words.as_flattened_mut())
            .context("failed to read device memory")?;
        Ok(words)
    }
}

/// Launches `kernel` and waits for its end.
pub(crate) fn launch(
    kernel: &Kernel,
    grid: [u32; 2],
    block: [u32; 2],
    parameters: &[u8],
) -> Result<()> {
    let config = LaunchConfig {
        grid: [grid[0], grid[1], 1],
        block: [block[0], block[1], 1],
        shared_bytes: 0,
        cooperative: false,
    };
    kernel
        .launch(&config, parameters)
        .context("failed to launch")
}
