//! Launching kernels.

use crate::context::Limit;
use crate::environment::LaunchEnvironment;
use crate::error::{Error, FaultClass, invalid};
use crate::kernel::{Code, Kernel};
use crate::timing::KernelTiming;
use std::sync::Arc;
use weft_chip::{Environment, Fault, FaultKind, Launch, LaunchReport};
use weft_isa::abi::{GRID_WORKSPACE_BYTES, LANES, grid_workspace_offset};

/// Shape of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaunchConfig {
    /// CTAs along x, y, z.
    pub grid: [u32; 3],
    /// Threads of a CTA along x, y, z.
    pub block: [u32; 3],
    /// Dynamic shared memory of a CTA in bytes.
    pub shared_bytes: u32,
    /// All CTAs must be on the device at once (`cuLaunchCooperativeKernel`).
    pub cooperative: bool,
}

/// Most CTAs along each axis, as the device attributes say.
const GRID_LIMITS: [u32; 3] = [i32::MAX as u32, 65_535, 65_535];
/// Most threads of a CTA along each axis.
const BLOCK_LIMITS: [u32; 3] = [1024, 1024, 64];

impl Kernel {
    /// Runs the kernel to its end. `parameters` is the parameter block, laid out as
    /// [`Kernel::parameters`] says.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidValue`] for a shape or parameter block that the device or the kernel
    /// does not allow; [`Error::Fault`] if the kernel faults, from then on the answer of its
    /// context.
    pub fn launch(&self, config: &LaunchConfig, parameters: &[u8]) -> Result<(), Error> {
        self.launch_reported(config, parameters).map(|_| ())
    }

    /// [`Kernel::launch`], and what the launch did: instructions and bytes, and, while launches
    /// are timed ([`crate::Device::set_timing`]), cycles and joules.
    ///
    /// # Errors
    ///
    /// As [`Kernel::launch`].
    pub fn launch_reported(
        &self,
        config: &LaunchConfig,
        parameters: &[u8],
    ) -> Result<LaunchReport, Error> {
        self.check_launch(config, parameters)?;
        let device = self.context().device();
        let code = self.code_for(config)?;
        let block = self.take_block()?;
        let content = self.parameter_block(block, config, parameters);
        if let Err(error) = device.put(block, &content) {
            self.give_back_block(block);
            return Err(error);
        }
        let (local, stack) = self.memory_of_a_thread(&code);
        let launch = Launch {
            program: code.program.clone(),
            entry: code.program.base() + code.image.entry,
            grid: config.grid,
            block: config.block,
            // Dynamic shared memory begins where the compiler put `extern` arrays.
            shared_static_bytes: code
                .image
                .shared_dynamic_offset
                .max(code.image.shared_static_bytes),
            shared_dynamic_bytes: config.shared_bytes,
            local_bytes_per_lane: local,
            stack_bytes_per_hart: stack,
            params: block,
            symbols: self.symbols,
            grid_id: device.report_mut().begin_launch(),
        };
        let environment = Arc::new(LaunchEnvironment::new(self.context()));
        let serves: Arc<dyn Environment> = Arc::clone(&environment) as _;
        let outcome = device.chip.launch_in(&launch, Some(&serves));
        self.give_back_block(block);
        environment.show(outcome.as_ref().err().map(|fault| {
            let [x, y, z] = fault.cta.map(u64::from);
            let [width, height, _] = config.grid.map(u64::from);
            (z * height + y) * width + x
        }));
        match outcome {
            Ok(report) => {
                let timing = report.timing.as_deref().map(|timing| {
                    device.note_kernel(self.name(), timing);
                    KernelTiming::of_launch(&code, timing, device.config.chip.cores)
                });
                device.report_mut().add(self.name(), &report, timing);
                Ok(report)
            }
            Err(fault) => {
                let error = Error::Fault {
                    class: FaultClass::of(&fault.kind),
                    message: self.describe(&code, &fault, config.block),
                };
                if let FaultKind::InvalidLaunch(reason) = &fault.kind {
                    return Err(invalid(reason.to_string()));
                }
                self.context().fail(&error);
                Err(error)
            }
        }
    }

    /// The parameters, the address of the grid's workspace if the launch is cooperative, and the
    /// workspace (see `weft_isa::abi`).
    fn parameter_block(&self, block: u64, config: &LaunchConfig, parameters: &[u8]) -> Vec<u8> {
        let offset = grid_workspace_offset(self.image().param_bytes);
        let address = if config.cooperative {
            block + u64::from(offset) + 8
        } else {
            0
        };
        let mut content = parameters.to_vec();
        content.resize(offset as usize, 0);
        content.extend(address.to_le_bytes());
        content.extend(u64::from(GRID_WORKSPACE_BYTES).to_le_bytes());
        content
    }

    /// Whether a launch with this shape and parameter block is possible.
    ///
    /// # Errors
    ///
    /// As [`Kernel::launch`], other than faults of the launch itself.
    pub fn check_launch(&self, config: &LaunchConfig, parameters: &[u8]) -> Result<(), Error> {
        self.usable()?;
        self.check(config)?;
        if parameters.len() as u64 != u64::from(self.image().param_bytes) {
            return Err(invalid(format!(
                "{} bytes of parameters for kernel `{}`, which takes {}",
                parameters.len(),
                self.name(),
                self.image().param_bytes
            )));
        }
        Ok(())
    }

    /// Whether a launch of this shape is allowed.
    fn check(&self, config: &LaunchConfig) -> Result<(), Error> {
        let axes = ["x", "y", "z"];
        for (index, axis) in axes.into_iter().enumerate() {
            for (what, value, limit) in [
                ("grid", config.grid[index], GRID_LIMITS[index]),
                ("block", config.block[index], BLOCK_LIMITS[index]),
            ] {
                if value == 0 || value > limit {
                    return Err(invalid(format!(
                        "{what} dimension {axis} is {value}, must be 1 to {limit}"
                    )));
                }
            }
        }
        let threads: u32 = config.block.iter().product();
        let limit = self.max_threads();
        if threads > limit {
            return Err(invalid(format!(
                "block of {threads} threads for kernel `{}`, which allows {limit}",
                self.name()
            )));
        }
        if let Some(required) = self.image().required_cta
            && required != config.block
        {
            return Err(invalid(format!(
                "block {:?} for kernel `{}`, which requires {required:?}",
                config.block,
                self.name()
            )));
        }
        let shared_limit = self.max_dynamic_shared_bytes();
        if config.shared_bytes > shared_limit {
            return Err(invalid(format!(
                "{} bytes of dynamic shared memory for kernel `{}`, which allows {shared_limit}\n\
                 hint: CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES raises the limit",
                config.shared_bytes,
                self.name()
            )));
        }
        if config.cooperative {
            let ctas = config
                .grid
                .iter()
                .map(|&extent| u64::from(extent))
                .product();
            let limit = u64::from(self.context().device().config.chip.cores);
            if ctas > limit {
                return Err(Error::CooperativeTooLarge { ctas, limit });
            }
        }
        Ok(())
    }

    /// Local memory of a lane and stack of a hart in bytes. Where the call graph does not bound
    /// them, the context's stack limit adds to what the compiler set aside.
    fn memory_of_a_thread(&self, code: &Code) -> (u32, u32) {
        let (local, stack) = (
            code.image.local_bytes_per_lane,
            code.image.stack_bytes_per_hart,
        );
        if !code.image.unbounded_calls {
            return (local, stack);
        }
        let more = self.context().limit(Limit::StackBytes).next_multiple_of(16);
        let more = u32::try_from(more).unwrap_or(0);
        // A frame on the stack holds whole vector registers: 32 lanes of it.
        let lanes = u32::try_from(LANES).unwrap_or(32);
        (
            local.saturating_add(more),
            stack.saturating_add(more.saturating_mul(lanes)),
        )
    }

    /// Kernel, thread, address and source line of a fault.
    fn describe(&self, code: &Code, fault: &Fault, block: [u32; 3]) -> String {
        let mut text = format!("kernel `{}`: {fault}", self.name());
        if let Some(lane) = fault.lane {
            let linear = u64::from(fault.warp) * LANES as u64 + u64::from(lane);
            let [x, y, _] = block.map(|extent| u64::from(extent.max(1)));
            text.push_str(&format!(
                "\n  thread ({}, {}, {}) of block ({}, {}, {})",
                linear % x,
                linear / x % y,
                linear / (x * y),
                fault.cta[0],
                fault.cta[1],
                fault.cta[2]
            ));
        }
        let offset = fault.pc.wrapping_sub(code.program.base());
        if let Some(location) = code.image.location_at(offset) {
            if location.ptx_line != 0 {
                text.push_str(&format!("\n  at line {} of the PTX", location.ptx_line));
            }
            let file = code.image.files.iter().find(|file| file.0 == location.file);
            if let Some((_, name)) = file
                && location.line != 0
            {
                text.push_str(&format!("\n  at {name}:{}", location.line));
            }
        }
        text
    }
}
