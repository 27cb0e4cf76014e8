//! The chip in this process, through the device runtime.

use super::{Accelerator, Arguments, DeviceAddress, DeviceCounters, Grid, KernelId};
use crate::error::Error;
use std::sync::Arc;
use weft_driver::{
    AllocationKind, Config, Context, Device, Kernel, LaunchConfig, Module, ModuleImage,
};

/// See the module documentation.
#[derive(Debug)]
pub struct ChipAccelerator {
    device: Arc<Device>,
    context: Arc<Context>,
    /// Loaded PTX by the address of its text.
    modules: Vec<(&'static str, Arc<Module>)>,
    kernels: Vec<Arc<Kernel>>,
    launches: u64,
}

impl ChipAccelerator {
    /// Sets up a chip of its own.
    ///
    /// # Errors
    ///
    /// If the host cannot reserve the device's memory region.
    pub fn new(config: Config) -> Result<Self, Error> {
        let device = Device::new(config).map_err(failed)?;
        Ok(Self {
            context: device.retain_primary(),
            device,
            modules: Vec::new(),
            kernels: Vec::new(),
            launches: 0,
        })
    }

    /// The device, for its report.
    #[must_use]
    pub const fn device(&self) -> &Arc<Device> {
        &self.device
    }
}

fn failed(error: weft_driver::Error) -> Error {
    Error::Accelerator(error.to_string())
}

impl Accelerator for ChipAccelerator {
    fn name(&self) -> String {
        self.device.name()
    }

    fn free_memory(&self) -> Result<u64, Error> {
        Ok(self.device.free_memory())
    }

    fn load(&mut self, ptx: &'static str, name: &str) -> Result<KernelId, Error> {
        let loaded = self
            .modules
            .iter()
            .find(|(text, _)| std::ptr::eq(*text, ptx));
        let module = if let Some((_, module)) = loaded {
            Arc::clone(module)
        } else {
            let module =
                Module::load(&self.context, ModuleImage::Ptx(ptx.as_bytes())).map_err(failed)?;
            self.modules.push((ptx, Arc::clone(&module)));
            module
        };
        self.kernels.push(module.kernel(name).map_err(failed)?);
        Ok(KernelId(self.kernels.len() - 1))
    }

    fn allocate(&mut self, bytes: u64) -> Result<DeviceAddress, Error> {
        self.context
            .allocate(bytes.max(1), AllocationKind::Device, 0)
            .map_err(failed)
    }

    fn free(&mut self, address: DeviceAddress) -> Result<(), Error> {
        self.context
            .free(address, |kind| kind.is_freed_as_device_memory())
            .map(drop)
            .map_err(failed)
    }

    fn write(&mut self, to: DeviceAddress, bytes: &[u8]) -> Result<(), Error> {
        self.device.write(to, bytes).map_err(failed)
    }

    fn read(&mut self, from: DeviceAddress, bytes: &mut [u8]) -> Result<(), Error> {
        self.device.read(from, bytes).map_err(failed)
    }

    fn copy(&mut self, to: DeviceAddress, from: DeviceAddress, bytes: u64) -> Result<(), Error> {
        self.device.copy(to, from, bytes).map_err(failed)
    }

    fn launch(&mut self, kernel: KernelId, grid: Grid, arguments: &Arguments) -> Result<(), Error> {
        let config = LaunchConfig {
            grid: grid.ctas,
            block: [grid.threads, 1, 1],
            shared_bytes: 0,
            cooperative: false,
        };
        self.launches += 1;
        self.kernels[kernel.0]
            .launch(&config, arguments.bytes())
            .map_err(failed)
    }

    fn counters(&self) -> DeviceCounters {
        let counters = DeviceCounters {
            launches: self.launches,
            ..DeviceCounters::default()
        };
        let Some((elapsed, chip)) = self.device.elapsed().zip(self.device.timing()) else {
            return counters;
        };
        DeviceCounters {
            cycles: Some(elapsed.kernel_seconds * chip.clock_hz()),
            seconds: Some(elapsed.chip_seconds),
            kernel_seconds: Some(elapsed.kernel_seconds),
            joules: Some(elapsed.joules),
            ..counters
        }
    }
}
