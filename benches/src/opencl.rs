//! The same kernels on the host's own processor through OpenCL, as PoCL offers it: what compiled
//! code of the same programming model reaches without a chip in between.

use anyhow::{Context as _, Result};
use opencl3::command_queue::CommandQueue;
use opencl3::context::Context;
use opencl3::device::{CL_DEVICE_TYPE_CPU, Device, get_all_devices};
use opencl3::kernel::{ExecuteKernel, Kernel};
use opencl3::memory::{Buffer, CL_MEM_READ_WRITE};
use opencl3::program::Program;
use opencl3::types::CL_BLOCKING;

use crate::first_light::Workload;

/// The host's processor as an OpenCL device.
pub(crate) struct Cpu {
    context: Context,
    queue: CommandQueue,
    /// Host threads that the device uses.
    pub(crate) threads: u32,
}

/// A kernel with its arguments.
pub(crate) struct Prepared<'cpu> {
    queue: &'cpu CommandQueue,
    kernel: Kernel,
    arrays: Vec<Buffer<[u8; 4]>>,
    /// Which of the arrays is the result, and its words.
    result: (usize, usize),
    scalars: Vec<[u8; 4]>,
    global: [usize; 2],
    local: [usize; 2],
}

impl Cpu {
    /// The first processor that an installed OpenCL implementation offers; none where there is no
    /// implementation.
    pub(crate) fn find() -> Result<Option<Self>> {
        let devices = get_all_devices(CL_DEVICE_TYPE_CPU).unwrap_or_default();
        let Some(&id) = devices.first() else {
            return Ok(None);
        };
        let device = Device::new(id);
        let threads = device
            .max_compute_units()
            .context("failed to ask the OpenCL device")?;
        let context = Context::from_device(&device).context("failed to make an OpenCL context")?;
        let queue = CommandQueue::create_default(&context, 0)
            .context("failed to make an OpenCL command queue")?;
        Ok(Some(Self {
            context,
            queue,
            threads,
        }))
    }

    /// Builds the workload's kernel and uploads its arrays.
    pub(crate) fn prepare(&self, workload: &Workload) -> Result<Prepared<'_>> {
        let program = Program::create_and_build_from_source(&self.context, workload.opencl, "")
            .map_err(anyhow::Error::msg)
            .context("failed to build the OpenCL kernel")?;
        // Each source has one kernel.
        let kernel = Kernel::create(&program, program.kernel_names())
            .context("failed to make the OpenCL kernel")?;

        let mut arrays = Vec::new();
        let mut result = (0, workload.result_count);
        for (index, array) in workload.arrays.iter().enumerate() {
            let count = array.as_ref().map_or(workload.result_count, Vec::len);
            // SAFETY: no host pointer is given, so the implementation allocates.
            let buffer = unsafe {
                Buffer::create(
                    &self.context,
                    CL_MEM_READ_WRITE,
                    count,
                    std::ptr::null_mut(),
                )
            };
            let mut buffer = buffer.context("failed to allocate an OpenCL buffer")?;
            match array {
                // SAFETY: the buffer has as many words as are written, and the write blocks.
                Some(words) => unsafe {
                    self.queue
                        .enqueue_write_buffer(&mut buffer, CL_BLOCKING, 0, words, &[])
                }
                .map(drop)
                .context("failed to write an OpenCL buffer")?,
                None => result.0 = index,
            }
            arrays.push(buffer);
        }
        let (words, _) = workload.scalars.as_chunks();
        let local = workload.block.map(|extent| extent as usize);
        let grid = workload.grid.map(|extent| extent as usize);
        Ok(Prepared {
            queue: &self.queue,
            kernel,
            arrays,
            result,
            scalars: words.to_vec(),
            global: [grid[0] * local[0], grid[1] * local[1]],
            local,
        })
    }
}

impl Prepared<'_> {
    /// Runs the kernel to its end.
    pub(crate) fn launch(&self) -> Result<()> {
        let mut execution = ExecuteKernel::new(&self.kernel);
        for array in &self.arrays {
            // SAFETY: the kernel's parameters are these arrays first, then four-byte scalars.
            unsafe { execution.set_arg(array) };
        }
        for scalar in &self.scalars {
            // SAFETY: as above.
            unsafe { execution.set_arg(scalar) };
        }
        execution
            .set_global_work_sizes(&self.global)
            .set_local_work_sizes(&self.local);
        // SAFETY: the kernels check their indices against the sizes that they are given.
        unsafe { execution.enqueue_nd_range(self.queue) }
            .context("failed to launch the OpenCL kernel")?;
        self.queue
            .finish()
            .context("failed to wait for the OpenCL kernel")
    }

    /// The result's words.
    pub(crate) fn download(&self) -> Result<Vec<[u8; 4]>> {
        let (index, count) = self.result;
        let mut words = vec![[0; 4]; count];
        // SAFETY: the buffer has as many words as are read, and the read blocks.
        unsafe {
            self.queue
                .enqueue_read_buffer(&self.arrays[index], CL_BLOCKING, 0, &mut words, &[])
        }
        .context("failed to read an OpenCL buffer")?;
        Ok(words)
    }
}
