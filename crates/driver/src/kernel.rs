//! Kernels: compiled code with what a launch needs.

use crate::attributes::MAX_SHARED_BYTES_PER_BLOCK;
use crate::context::Context;
use crate::device::lock;
use crate::error::{Error, invalid};
use crate::launch::LaunchConfig;
use crate::memory::AllocationKind;
use crate::module::Source;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use weft_chip::Program;
use weft_compiler::image::Image;
use weft_compiler::ir::LaunchShape;
use weft_isa::abi::{GRID_WORKSPACE_BYTES, grid_workspace_offset};

/// The code of a kernel for a class of launches.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) image: Image,
    pub(crate) program: Program,
}

/// A compiled kernel of a loaded module.
#[derive(Debug)]
pub struct Kernel {
    context: Arc<Context>,
    /// Resets of the context before its module was loaded.
    resets: u64,
    name: String,
    /// What was compiled first: what is told of the kernel is told of it.
    code: Arc<Code>,
    /// Code for each class of launches that there has been.
    codes: Mutex<BTreeMap<LaunchShape, Arc<Code>>>,
    /// What to compile for other classes from.
    source: Option<Arc<Source>>,
    code_base: u64,
    /// Device address of the table of symbol addresses.
    pub(crate) symbols: u64,
    /// Parameter blocks not in use.
    blocks: Mutex<Vec<u64>>,
    settings: Mutex<Settings>,
    ptx_version: i32,
    unloaded: Arc<AtomicBool>,
}

/// What a program can set on a kernel.
#[derive(Clone, Copy, Debug)]
struct Settings {
    max_dynamic_shared_bytes: u32,
    shared_carveout: i32,
}

impl Kernel {
    #[expect(
        clippy::too_many_arguments,
        reason = "what a module knows of its kernel"
    )]
    pub(crate) fn new(
        context: &Arc<Context>,
        name: &str,
        source: Option<Arc<Source>>,
        image: Image,
        symbol_addresses: &[u64],
        code_base: u64,
        ptx_version: i32,
        unloaded: Arc<AtomicBool>,
    ) -> Result<Arc<Self>, Error> {
        let table: Vec<u8> = symbol_addresses
            .iter()
            .flat_map(|address| address.to_le_bytes())
            .collect();
        let symbols = context.allocate((table.len() as u64).max(8), AllocationKind::Internal, 0)?;
        context.device().put(symbols, &table)?;
        let launch = image.launch;
        let code = Arc::new(Code {
            program: Program::new(&image.code, code_base),
            image,
        });
        let image = &code.image;
        let dynamic = MAX_SHARED_BYTES_PER_BLOCK.saturating_sub(image.shared_dynamic_offset);
        Ok(Arc::new(Self {
            resets: context.resets(),
            context: Arc::clone(context),
            name: name.to_owned(),
            codes: Mutex::new(BTreeMap::from([(launch, Arc::clone(&code))])),
            code,
            source,
            code_base,
            symbols,
            blocks: Mutex::default(),
            settings: Mutex::new(Settings {
                max_dynamic_shared_bytes: dynamic,
                shared_carveout: -1,
            }),
            ptx_version,
            unloaded,
        }))
    }

    /// What was compiled first.
    pub(crate) fn image(&self) -> &Image {
        &self.code.image
    }

    /// The code for a launch, compiled at the first launch of its class.
    ///
    /// # Errors
    ///
    /// Those of compilation.
    pub(crate) fn code_for(&self, config: &LaunchConfig) -> Result<Arc<Code>, Error> {
        let launch = LaunchShape::of(Some(config.grid), config.block);
        let mut codes = lock(&self.codes);
        if let Some(code) = codes.get(&launch) {
            return Ok(Arc::clone(code));
        }
        let code = match &self.source {
            Some(source) => {
                let image = source.compile(self.context.device(), &self.name, launch)?;
                debug_assert_eq!(image.symbols, self.code.image.symbols);
                Arc::new(Code {
                    program: Program::new(&image.code, self.code_base),
                    image,
                })
            }
            None if self.code.image.launch.includes(launch) => Arc::clone(&self.code),
            None => {
                return Err(invalid(format!(
                    "a launch of another class ({launch}) than the code of kernel `{}` is for ({})",
                    self.name, self.code.image.launch
                )));
            }
        };
        codes.insert(launch, Arc::clone(&code));
        Ok(code)
    }

    /// PTX name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Context of its module.
    #[must_use]
    pub const fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Offset and size in bytes of each parameter in the parameter block.
    #[must_use]
    pub fn parameters(&self) -> &[(u32, u32)] {
        &self.image().params
    }

    /// Size of the parameter block in bytes.
    #[must_use]
    pub fn parameter_bytes(&self) -> u32 {
        self.image().param_bytes
    }

    /// Value of a `CU_FUNC_ATTRIBUTE_*` number (CUDA Driver API reference,
    /// `CUfunction_attribute`).
    #[must_use]
    pub fn attribute(&self, number: i32) -> Option<i32> {
        let settings = *lock(&self.settings);
        let signed = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
        let (major, minor) = self.context.device().config.compute_capability;
        Some(match number {
            0 => signed(self.max_threads()),
            1 => signed(self.image().shared_static_bytes),
            2 | 7 | 10..=16 => 0,
            3 => signed(self.image().local_bytes_per_lane),
            4 => signed(self.registers()),
            5 => self.ptx_version,
            6 => signed(major * 10 + minor),
            8 => signed(settings.max_dynamic_shared_bytes),
            9 => settings.shared_carveout,
            _ => return None,
        })
    }

    /// Sets the attribute 8 (most dynamic shared memory, in bytes) or 9 (carveout, a hint).
    ///
    /// # Errors
    ///
    /// If the attribute cannot be set, or the device has less shared memory.
    pub fn set_attribute(&self, number: i32, value: i32) -> Result<(), Error> {
        let mut settings = lock(&self.settings);
        match number {
            8 => {
                let limit = self.context.device().max_shared_bytes_optin();
                let room = limit.saturating_sub(self.image().shared_dynamic_offset);
                let bytes = u32::try_from(value).ok().filter(|&bytes| bytes <= room);
                settings.max_dynamic_shared_bytes = bytes.ok_or_else(|| {
                    invalid(format!(
                        "{value} bytes of dynamic shared memory; at most {room}"
                    ))
                })?;
                Ok(())
            }
            9 => {
                if !(-1..=100).contains(&value) {
                    return Err(invalid(format!("a carveout of {value} percent")));
                }
                settings.shared_carveout = value;
                Ok(())
            }
            _ => Err(invalid(format!(
                "function attribute {number} cannot be set"
            ))),
        }
    }

    /// Whether it is of the module that has this mark of being unloaded.
    pub(crate) fn is_of(&self, unloaded: &Arc<AtomicBool>) -> bool {
        Arc::ptr_eq(&self.unloaded, unloaded)
    }

    /// Dynamic shared memory that a CTA can have when so many share a core, in bytes.
    ///
    /// # Errors
    ///
    /// If such a CTA cannot be launched.
    pub fn available_shared_bytes(&self, ctas: u32, threads: u32) -> Result<u64, Error> {
        if ctas == 0 || threads == 0 || threads > self.max_threads() {
            return Err(invalid(format!("{ctas} blocks of {threads} threads")));
        }
        // A core runs one CTA at a time.
        let all = self.context.device().max_shared_bytes_optin();
        let room = all.saturating_sub(self.image().shared_dynamic_offset);
        Ok(if ctas == 1 { u64::from(room) } else { 0 })
    }

    /// Whether its module was unloaded.
    #[must_use]
    pub fn is_unloaded(&self) -> bool {
        self.unloaded.load(Ordering::Acquire)
    }

    /// Most threads of a CTA.
    #[must_use]
    pub fn max_threads(&self) -> u32 {
        self.image().max_threads_per_cta.unwrap_or(1024).min(1024)
    }

    /// Most dynamic shared memory of a launch in bytes.
    pub(crate) fn max_dynamic_shared_bytes(&self) -> u32 {
        lock(&self.settings).max_dynamic_shared_bytes
    }

    /// 32-bit registers of a thread as a CUDA programmer would count them: vector registers.
    fn registers(&self) -> u32 {
        let vectors = self.image().functions.iter().map(|each| each.registers[2]);
        vectors.max().unwrap_or(0).max(1)
    }

    /// CTAs that a core holds at once: the chip runs one CTA per core.
    ///
    /// # Errors
    ///
    /// If a CTA of this shape cannot be launched at all, 0 is the answer, not an error; an
    /// error is a CTA of no threads.
    pub fn ctas_per_core(&self, threads: u32, dynamic_shared_bytes: u64) -> Result<u32, Error> {
        if threads == 0 {
            return Err(invalid("a block of no threads"));
        }
        let fits = threads <= self.max_threads()
            && dynamic_shared_bytes <= u64::from(self.max_dynamic_shared_bytes());
        Ok(u32::from(fits))
    }

    pub(crate) fn usable(&self) -> Result<(), Error> {
        self.context.usable_since(self.resets, "kernel")?;
        if self.is_unloaded() {
            return Err(Error::InvalidHandle(format!(
                "the module of kernel `{}` is unloaded",
                self.name
            )));
        }
        Ok(())
    }

    /// A parameter block for one launch.
    pub(crate) fn take_block(&self) -> Result<u64, Error> {
        if let Some(block) = lock(&self.blocks).pop() {
            return Ok(block);
        }
        let workspace = grid_workspace_offset(self.image().param_bytes) + 8;
        let bytes = u64::from(workspace + GRID_WORKSPACE_BYTES);
        self.context.allocate(bytes, AllocationKind::Internal, 0)
    }

    pub(crate) fn give_back_block(&self, block: u64) {
        lock(&self.blocks).push(block);
    }

    /// Frees what the kernel has in device memory, at the unloading of its module.
    pub(crate) fn release(&self) {
        if self.context.resets() != self.resets {
            return; // The reset freed it, and the addresses may have new owners.
        }
        let blocks = std::mem::take(&mut *lock(&self.blocks));
        for address in blocks.into_iter().chain([self.symbols]) {
            // After a fault the context frees its memory itself.
            let _ = self.context.free(address, |_| true);
        }
    }
}
