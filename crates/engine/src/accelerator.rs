//! What the engine needs of a device: memory, PTX kernels, launches.
//!
//! Two devices implement it: the chip in this process ([`ChipAccelerator`]), and any CUDA
//! driver opened at run time ([`CudaAccelerator`]). Both get the same PTX.

mod arguments;
mod chip;
mod cuda;

use crate::error::Error;
pub use arguments::Arguments;
pub use chip::ChipAccelerator;
pub use cuda::CudaAccelerator;

/// Address of a byte in device memory.
pub type DeviceAddress = u64;

/// A kernel of an accelerator, by the order in which it was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelId(pub(crate) usize);

/// Shape of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// CTAs along x, y and z.
    pub ctas: [u32; 3],
    /// Threads of a CTA, along x only.
    pub threads: u32,
}

/// What a device did since it was opened, for metrics and benchmarks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DeviceCounters {
    /// Kernel launches.
    pub launches: u64,
    /// Modelled cycles of the chip's cores in which kernels ran; `None` if launches are not timed.
    pub cycles: Option<f64>,
    /// Modelled seconds of the chip, with copies and waiting; `None` if launches are not timed.
    pub seconds: Option<f64>,
    /// Modelled seconds in which kernels ran; `None` if launches are not timed.
    pub kernel_seconds: Option<f64>,
    /// Modelled energy in joules; `None` if launches are not timed.
    pub joules: Option<f64>,
}

/// A device that runs PTX. Calls are complete, or ordered as on one CUDA stream: a read sees
/// every launch before it.
pub trait Accelerator: Send {
    /// Name for people.
    fn name(&self) -> String;

    /// Bytes of memory that can be allocated now.
    ///
    /// # Errors
    ///
    /// If the device does not answer.
    fn free_memory(&self) -> Result<u64, Error>;

    /// Compiles kernel `name` of a PTX text. The same text need not be parsed twice.
    ///
    /// # Errors
    ///
    /// If the device refuses the PTX, or it has no such kernel.
    fn load(&mut self, ptx: &'static str, name: &str) -> Result<KernelId, Error>;

    /// Allocates device memory, aligned to 256 bytes.
    ///
    /// # Errors
    ///
    /// If there is not enough.
    fn allocate(&mut self, bytes: u64) -> Result<DeviceAddress, Error>;

    /// Frees an allocation.
    ///
    /// # Errors
    ///
    /// If nothing was allocated there.
    fn free(&mut self, address: DeviceAddress) -> Result<(), Error>;

    /// Copies to the device.
    ///
    /// # Errors
    ///
    /// If the range is not allocated.
    fn write(&mut self, to: DeviceAddress, bytes: &[u8]) -> Result<(), Error>;

    /// Copies from the device, after all launches.
    ///
    /// # Errors
    ///
    /// If the range is not allocated, or an earlier launch failed.
    fn read(&mut self, from: DeviceAddress, bytes: &mut [u8]) -> Result<(), Error>;

    /// Copies on the device.
    ///
    /// # Errors
    ///
    /// If a range is not allocated.
    fn copy(&mut self, to: DeviceAddress, from: DeviceAddress, bytes: u64) -> Result<(), Error>;

    /// Runs a kernel.
    ///
    /// # Errors
    ///
    /// If the shape or the arguments are not the kernel's, or it faults.
    fn launch(&mut self, kernel: KernelId, grid: Grid, arguments: &Arguments) -> Result<(), Error>;

    /// What was done so far.
    fn counters(&self) -> DeviceCounters;
}
