//! Modules: PTX loaded into a context.

use crate::blob;
use crate::context::Context;
use crate::device::{Device, lock};
use crate::error::Error;
use crate::kernel::Kernel;
use crate::memory::AllocationKind;
use self_cell::self_cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use weft_compiler::image::Image;
use weft_compiler::ir::{LaunchShape, Rows};
use weft_compiler::{AddressableFunctions, ErrorKind, ModuleVariable, Options, RelocationKind};
use weft_isa::abi::{CODE_WINDOW, FUNCTION_ENTRY_BYTES};
use weft_isa::texture::DESCRIPTOR_BYTES;
use weft_ptx::{ast, elf, fatbin};

self_cell! {
    /// PTX text and its tree.
    pub(crate) struct Parsed {
        owner: String,

        #[covariant]
        dependent: Tree,
    }
}

type Tree<'a> = ast::Module<'a>;

/// Bytes that a module can be loaded from.
#[derive(Clone, Copy, Debug)]
pub enum ModuleImage<'a> {
    /// PTX text.
    Ptx(&'a [u8]),
    /// A fatbin, beginning with its header.
    Fatbin(&'a [u8]),
    /// What [`crate::Linker::complete`] made.
    Linked(&'a [u8]),
}

impl<'a> ModuleImage<'a> {
    /// Tells what a file or a buffer of known size holds.
    ///
    /// # Errors
    ///
    /// [`Error::NoBinaryForGpu`] for machine code, [`Error::InvalidImage`] for what is no
    /// module at all.
    pub fn of_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        match elf::classify(bytes) {
            Ok(elf::Image::Ptx) => Ok(Self::Ptx(bytes)),
            Ok(elf::Image::Fatbin) => Ok(Self::Fatbin(bytes)),
            Ok(elf::Image::MachineCode) => Err(machine_code()),
            Ok(elf::Image::OtherElf(_)) if blob::size(bytes).is_some() => Ok(Self::Linked(bytes)),
            Ok(elf::Image::OtherElf(machine)) => Err(Error::InvalidImage(format!(
                "an ELF file for machine {machine}, not a CUDA module"
            ))),
            Ok(elf::Image::FatbinWrapper) => Err(Error::InvalidImage(
                "a fatbin wrapper, which points into another program".to_owned(),
            )),
            Err(error) => Err(Error::InvalidImage(error.to_string())),
        }
    }

    /// Size of a linked module from its first 64 bytes.
    #[must_use]
    pub fn linked_size(header: &[u8]) -> Option<usize> {
        blob::size(header)
    }
}

/// The error for ELF files of GPU machine code.
#[must_use]
pub(crate) fn machine_code() -> Error {
    Error::NoBinaryForGpu(
        "the module holds GPU machine code only, which this chip cannot run; it needs PTX\n\
         hint: build with `-gencode arch=compute_80,code=compute_80`, or make the framework \
         hand over PTX"
            .to_owned(),
    )
}

/// The PTX of a fatbin that a device of this compute capability can take.
pub(crate) fn ptx_of_fatbin(bytes: &[u8], capability: (u32, u32)) -> Result<Vec<u8>, Error> {
    let invalid = |error: weft_ptx::ContainerError| Error::InvalidImage(error.to_string());
    let entries = fatbin::entries(bytes, 0).map_err(invalid)?;
    let number = capability.0 * 10 + capability.1;
    let text = fatbin::select_ptx(&entries, number).map_err(|error| match error.cause {
        weft_ptx::ContainerCause::NoPtx { .. } => Error::NoBinaryForGpu(format!(
            "{error}\nhint: build with PTX for compute capability {}.{} or lower, such as \
             `-gencode arch=compute_80,code=compute_80`",
            capability.0, capability.1
        )),
        _ => invalid(error),
    })?;
    Ok(text.into_owned())
}

/// PTX loaded into a context: its variables are in device memory, its kernels are compiled
/// when they are first asked for.
#[derive(Debug)]
pub struct Module {
    context: Arc<Context>,
    /// Resets of the context before it was loaded.
    resets: u64,
    source: Arc<Source>,
    /// Address and size of each variable by name.
    variables: BTreeMap<String, (u64, u64)>,
    kernels: Mutex<BTreeMap<String, Arc<Kernel>>>,
    /// Where the code of its kernels is placed: function addresses are relative to it.
    code_base: u64,
    unloaded: Arc<AtomicBool>,
}

/// The launches that a kernel is compiled for before there is one: what most are like.
const USUAL: LaunchShape = LaunchShape {
    rows: Rows::Line,
    full_warps: true,
    bounded: true,
};

/// What kernels are compiled from.
#[derive(Debug)]
pub(crate) struct Source {
    parsed: Parsed,
    options: Options,
}

impl Source {
    /// The image of a kernel for a class of launches.
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedPtx`] or [`Error::InvalidPtx`].
    pub(crate) fn compile(
        &self,
        device: &Device,
        name: &str,
        launch: LaunchShape,
    ) -> Result<Image, Error> {
        let source = self.parsed.borrow_owner();
        let options = Options {
            launch,
            ..self.options.clone()
        };
        device
            .cache
            .get_or_compile(source.as_bytes(), name, &options, || {
                let tree = self.parsed.borrow_dependent();
                weft_compiler::compile_kernel(tree, source.as_bytes(), name, &options)
                    .map_err(|errors| refuse(source, &errors))
            })
    }
}

impl std::fmt::Debug for Parsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parsed({} bytes)", self.borrow_owner().len())
    }
}

impl Module {
    /// Parses a module and puts its variables into device memory.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidPtx`] with the rendered errors, [`Error::NoBinaryForGpu`] if there is no
    /// PTX for this device, [`Error::InvalidImage`] for damaged containers, and those of
    /// allocation.
    pub fn load(context: &Arc<Context>, image: ModuleImage<'_>) -> Result<Arc<Self>, Error> {
        context.usable()?;
        let resets = context.resets();
        let capability = context.device().config.compute_capability;
        let options = Options {
            compute_capability: capability,
            ..Options::default()
        };
        let text = match image {
            ModuleImage::Ptx(bytes) => bytes.to_vec(),
            ModuleImage::Linked(bytes) => blob::decode(bytes)?.to_vec(),
            ModuleImage::Fatbin(bytes) => ptx_of_fatbin(bytes, capability)?,
        };
        let parsed = parse(text)?;
        check_target(parsed.borrow_dependent(), capability)?;
        check_names(&parsed, &options)?;
        let code_base = code_base(context.device().new_id());
        let variables = place_variables(context, &parsed, code_base)?;
        Ok(Arc::new(Self {
            context: Arc::clone(context),
            resets,
            source: Arc::new(Source { parsed, options }),
            variables,
            kernels: Mutex::default(),
            code_base,
            unloaded: Arc::default(),
        }))
    }

    /// The context it was loaded into.
    #[must_use]
    pub const fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Names of the kernels in order of appearance.
    #[must_use]
    pub fn kernel_names(&self) -> Vec<&str> {
        weft_compiler::kernels(self.source.parsed.borrow_dependent())
    }

    /// The virtual architecture of the text as CUDA reports it: 80 for `.target sm_80`. Libraries choose
    /// among variants of their kernels by it.
    #[must_use]
    pub fn ptx_version(&self) -> i32 {
        let module = self.source.parsed.borrow_dependent();
        let digits = |target: &&str| -> Option<i32> {
            let number = target.strip_prefix("sm_")?;
            number.trim_end_matches(char::is_alphabetic).parse().ok()
        };
        module.target.iter().find_map(digits).unwrap_or(0)
    }

    /// Address and size in bytes of a module variable.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub fn variable(&self, name: &str) -> Result<(u64, u64), Error> {
        self.loaded()?;
        self.variables
            .get(name)
            .copied()
            .ok_or_else(|| Error::NotFound {
                kind: "variable",
                name: name.to_owned(),
            })
    }

    /// Whether a kernel is one of its own.
    #[must_use]
    pub fn owns(&self, kernel: &Kernel) -> bool {
        kernel.is_of(&self.unloaded)
    }

    /// Address and size in bytes of a `.texref` or `.surfref` variable, which is a descriptor.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub fn reference(&self, name: &str) -> Result<(u64, u64), Error> {
        let found = self.variable(name)?;
        if found.1 != DESCRIPTOR_BYTES as u64 {
            return Err(Error::NotFound {
                kind: "texture or surface reference",
                name: name.to_owned(),
            });
        }
        Ok(found)
    }

    /// A kernel, compiled at the first call.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`]; [`Error::UnsupportedPtx`] or [`Error::InvalidPtx`] naming what the
    /// kernel uses that is unsupported or wrong.
    pub fn kernel(&self, name: &str) -> Result<Arc<Kernel>, Error> {
        self.loaded()?;
        let mut kernels = lock(&self.kernels);
        if let Some(kernel) = kernels.get(name) {
            return Ok(Arc::clone(kernel));
        }
        if !self.kernel_names().contains(&name) {
            return Err(Error::NotFound {
                kind: "kernel",
                name: name.to_owned(),
            });
        }
        let image = self.source.compile(self.context.device(), name, USUAL)?;
        let mut addresses = Vec::new();
        for symbol in &image.symbols {
            let (address, _) = self.variables.get(symbol).ok_or_else(|| {
                Error::InvalidPtx(format!(
                    "{name}: variable `{symbol}` is declared but not defined"
                ))
            })?;
            addresses.push(*address);
        }
        let kernel = Kernel::new(
            &self.context,
            name,
            Some(Arc::clone(&self.source)),
            image,
            &addresses,
            self.code_base,
            self.ptx_version(),
            Arc::clone(&self.unloaded),
        )?;
        kernels.insert(name.to_owned(), Arc::clone(&kernel));
        Ok(kernel)
    }

    /// Frees the module's variables; its kernels can no longer be launched.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidHandle`] if it is unloaded already.
    pub fn unload(&self) -> Result<(), Error> {
        if self.unloaded.swap(true, Ordering::AcqRel) {
            return Err(Error::InvalidHandle("the module is unloaded".to_owned()));
        }
        let kernels = std::mem::take(&mut *lock(&self.kernels));
        if self.context.resets() != self.resets {
            return Ok(()); // The reset freed everything, and addresses may have new owners.
        }
        for kernel in kernels.values() {
            kernel.release();
        }
        for &(address, _) in self.variables.values() {
            // After a fault the context frees its memory itself.
            let _ = self.context.free(address, |_| true);
        }
        Ok(())
    }

    fn loaded(&self) -> Result<(), Error> {
        if self.unloaded.load(Ordering::Acquire) {
            return Err(Error::InvalidHandle("the module is unloaded".to_owned()));
        }
        self.context.usable_since(self.resets, "module")
    }
}

/// The error for PTX that the compiler refuses: where something is wrong, that is what is told.
fn refuse(source: &str, errors: &[weft_compiler::Error]) -> Error {
    let log = render(source, errors);
    if errors.iter().all(|error| error.kind.is_unsupported()) {
        Error::UnsupportedPtx(log)
    } else {
        Error::InvalidPtx(log)
    }
}

fn render(source: &str, errors: &[weft_compiler::Error]) -> String {
    let index = weft_ptx::source::LineIndex::new(source.as_bytes());
    let mut text = String::new();
    for error in errors {
        text.push_str(&index.render(&error.function, error.span, &error.kind.to_string()));
    }
    text
}

fn parse(mut bytes: Vec<u8>) -> Result<Parsed, Error> {
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        Error::InvalidPtx(format!(
            "the text is not UTF-8 at byte {}",
            error.utf8_error().valid_up_to()
        ))
    })?;
    Parsed::try_new(text, |text| {
        weft_ptx::parse(text.as_bytes()).map_err(|errors| {
            Error::InvalidPtx(weft_ptx::source::render_all(
                "ptx",
                text.as_bytes(),
                &errors,
            ))
        })
    })
}

/// Text up to this size is checked whole when it is loaded. Larger modules are those of
/// libraries, whose thousands of kernels are compiled as they are wanted.
const CHECKED_BYTES: usize = 1 << 20;

/// Finds names that nothing declares, or that are declared twice, in every kernel: mistakes of
/// the text, which belong to the load. What is merely unsupported only concerns the kernels
/// that use it.
fn check_names(parsed: &Parsed, options: &Options) -> Result<(), Error> {
    let source = parsed.borrow_owner();
    if source.len() > CHECKED_BYTES {
        return Ok(());
    }
    let tree = parsed.borrow_dependent();
    let mut mistakes = Vec::new();
    for name in weft_compiler::kernels(tree) {
        if let Err(errors) = weft_compiler::lower(tree, source.as_bytes(), name, options) {
            mistakes.extend(errors.into_iter().filter(|error| {
                matches!(
                    error.kind,
                    ErrorKind::Unknown { .. } | ErrorKind::Duplicate { .. }
                )
            }));
        }
    }
    if mistakes.is_empty() {
        return Ok(());
    }
    Err(Error::InvalidPtx(render(source, &mistakes)))
}

/// PTX for a newer GPU may use what this one lacks.
fn check_target(module: &ast::Module<'_>, capability: (u32, u32)) -> Result<(), Error> {
    for target in &module.target {
        let Some(name) = target.strip_prefix("sm_") else {
            continue;
        };
        let digits = name.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: u32 = digits.parse().unwrap_or(0);
        if number > capability.0 * 10 + capability.1 || digits.len() != name.len() {
            return Err(Error::NoBinaryForGpu(format!(
                "the PTX is for {target}, this device is sm_{}{}\nhint: `weft run --cc` sets the \
                 compute capability that the device reports",
                capability.0, capability.1
            )));
        }
    }
    Ok(())
}

/// Part of the code window that each module has to itself, in bytes.
const CODE_STRIDE: u64 = 1 << 32;
/// Such parts that the code window has.
const CODE_PLACES: u64 = 1 << 23;

/// Where the code of a module goes. Modules are apart, so that the address of another module's
/// function is no address of code.
const fn code_base(serial: u64) -> u64 {
    CODE_WINDOW + serial % CODE_PLACES * CODE_STRIDE
}

fn place_variables(
    context: &Arc<Context>,
    parsed: &Parsed,
    code_base: u64,
) -> Result<BTreeMap<String, (u64, u64)>, Error> {
    let variables = weft_compiler::module_variables(parsed.borrow_dependent())
        .map_err(|errors| refuse(parsed.borrow_owner(), &errors))?;
    let functions = AddressableFunctions::of(parsed.borrow_dependent());
    let mut places = BTreeMap::new();
    let filled = allocate_variables(context, &variables, &mut places).and_then(|()| {
        for variable in &variables {
            if let Some(&(address, bytes)) = places.get(&variable.name) {
                let find = |symbol: &str| match places.get(symbol) {
                    Some(&(address, _)) => Some(address),
                    None => functions
                        .entry(symbol)
                        .map(|entry| code_base + entry as u64 * FUNCTION_ENTRY_BYTES),
                };
                initialise(context, variable, address, bytes, find)?;
            }
        }
        Ok(())
    });
    if let Err(error) = filled {
        for &(address, _) in places.values() {
            // The first error is the one to tell.
            let _ = context.free(address, |_| true);
        }
        return Err(error);
    }
    Ok(places)
}

fn allocate_variables(
    context: &Context,
    variables: &[ModuleVariable],
    places: &mut BTreeMap<String, (u64, u64)>,
) -> Result<(), Error> {
    for variable in variables {
        if variable.linkage == ast::Linkage::Extern {
            continue;
        }
        let kind = if variable.managed {
            AllocationKind::ManagedVariable
        } else {
            AllocationKind::Variable
        };
        let alignment = u64::from(variable.align);
        let address = context.allocate_aligned(variable.bytes.max(1), alignment, kind, 0)?;
        places.insert(variable.name.clone(), (address, variable.bytes));
    }
    Ok(())
}

fn initialise(
    context: &Context,
    variable: &ModuleVariable,
    address: u64,
    bytes: u64,
    find: impl Fn(&str) -> Option<u64>,
) -> Result<(), Error> {
    let device = context.device();
    let mut init = variable.init.clone();
    for relocation in &variable.relocations {
        let Some(target) = find(&relocation.symbol) else {
            return Err(Error::NotSupported(format!(
                "the initial value of `{}` is the address of `{}`, which is no variable or \
                 device function that the module defines",
                variable.name, relocation.symbol
            )));
        };
        let value = target.wrapping_add_signed(relocation.addend).to_le_bytes();
        let (source, length) = match relocation.kind {
            RelocationKind::Address(length) => (0, usize::from(length)),
            RelocationKind::Byte(shift) => (usize::from(shift / 8), 1),
        };
        let start = usize::try_from(relocation.offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(length);
        if init.len() < end && end <= usize::try_from(bytes).unwrap_or(0) {
            init.resize(end, 0);
        }
        match (init.get_mut(start..end), value.get(source..source + length)) {
            (Some(to), Some(from)) => to.copy_from_slice(from),
            _ => {
                return Err(Error::InvalidPtx(format!(
                    "the initial value of `{}` is longer than the variable",
                    variable.name
                )));
            }
        }
    }
    device.fill(address, bytes, &[0])?;
    device.put(address, &init)
}
