//! The JIT linker: PTX in, a loadable image out.

use crate::archive;
use crate::blob;
use crate::device::Device;
use crate::error::Error;
use crate::merge::{Input, merge, names};
use crate::module::{ModuleImage, machine_code, ptx_of_fatbin};
use crate::rename::rename;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The only member of `libcudadevrt.a`.
const DEVICE_RUNTIME: &str = "cuda_device_runtime.o";

/// Collects inputs: PTX texts and images that a linker made. One input is passed on as it is,
/// so that lines in messages are those of the program's text; several become one text, in which
/// `extern` declarations of one are satisfied by the definitions of another.
#[derive(Debug)]
pub struct Linker {
    /// Compute capability of the device that the result is for.
    capability: (u32, u32),
    /// Name and PTX text.
    inputs: Vec<(String, Vec<u8>)>,
}

impl Linker {
    /// A linker without inputs, for a device.
    #[must_use]
    pub const fn new(device: &Device) -> Self {
        Self {
            capability: device.config().compute_capability,
            inputs: Vec::new(),
        }
    }

    /// Adds PTX text, a fatbin that has PTX, or a linked image. It is parsed here, so that its
    /// errors are the input's.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidPtx`] with the log, and those of reading a fatbin.
    pub fn add(&mut self, name: &str, data: &[u8]) -> Result<(), Error> {
        let text = match ModuleImage::of_bytes(data)? {
            ModuleImage::Ptx(text) => Cow::Borrowed(text),
            ModuleImage::Linked(bytes) => Cow::Borrowed(blob::decode(bytes)?),
            ModuleImage::Fatbin(bytes) => Cow::Owned(ptx_of_fatbin(bytes, self.capability)?),
        };
        let end = text
            .iter()
            .rposition(|&byte| byte != 0)
            .map_or(0, |last| last + 1);
        let text = &text[..end];
        parse(name, text)?;
        self.inputs.push((name.to_owned(), text.to_vec()));
        Ok(())
    }

    /// Adds a library: an archive of objects. That of Nvidia's device runtime adds nothing: what it has of
    /// functions, the compiler provides or refuses by name.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidImage`] if it is no archive, [`Error::NotSupported`] for other objects.
    pub fn add_library(&mut self, name: &str, data: &[u8]) -> Result<(), Error> {
        for (member, _) in archive::members(data)? {
            if member != DEVICE_RUNTIME {
                return Err(Error::NotSupported(format!(
                    "object `{member}` of the library `{name}`"
                )));
            }
        }
        Ok(())
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// The error for an input of machine code.
    #[must_use]
    pub fn refuse_machine_code() -> Error {
        machine_code()
    }

    /// The linked image, which [`ModuleImage::Linked`] loads.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidImage`] if nothing was added; [`Error::InvalidPtx`] for names that are
    /// defined twice or declared differently.
    pub fn complete(&self) -> Result<Vec<u8>, Error> {
        match self.inputs.as_slice() {
            [] => Err(Error::InvalidImage("a link without inputs".to_owned())),
            [(_, text)] => Ok(blob::encode(text)),
            several => {
                let renamed = rename_locals(several)?;
                let inputs = renamed
                    .iter()
                    .map(|(name, text)| {
                        let tree = parse(name, text)?;
                        Ok(Input { name, tree })
                    })
                    .collect::<Result<_, Error>>()?;
                Ok(blob::encode(merge(inputs)?.to_string().as_bytes()))
            }
        }
    }
}

fn parse<'a>(name: &str, text: &'a [u8]) -> Result<weft_ptx::ast::Module<'a>, Error> {
    weft_ptx::parse(text)
        .map_err(|errors| Error::InvalidPtx(weft_ptx::source::render_all(name, text, &errors)))
}

/// Name and text of an input.
type Named<'a> = (String, Cow<'a, [u8]>);

/// Gives local names of an input that another input uses too names of their own.
fn rename_locals(inputs: &[(String, Vec<u8>)]) -> Result<Vec<Named<'_>>, Error> {
    let trees = inputs
        .iter()
        .map(|(name, text)| parse(name, text))
        .collect::<Result<Vec<_>, Error>>()?;
    let all: Vec<BTreeMap<&str, bool>> = trees.iter().map(names).collect();
    let used: BTreeSet<&str> = all.iter().flat_map(BTreeMap::keys).copied().collect();
    let mut renamed = Vec::new();
    for (number, (name, text)) in inputs.iter().enumerate() {
        let is_elsewhere = |name: &str| {
            let others = all.iter().enumerate().filter(|&(other, _)| other != number);
            others
                .into_iter()
                .any(|(_, names)| names.contains_key(name))
        };
        let mut table = BTreeMap::new();
        for (&local, &is_shared) in &all[number] {
            if !is_shared && is_elsewhere(local) {
                let fresh = (0..)
                    .map(|round| format!("{local}$input{number}${round}"))
                    .find(|fresh| !used.contains(fresh.as_str()));
                table.insert(local, fresh.unwrap_or_default());
            }
        }
        let text = if table.is_empty() {
            Cow::Borrowed(text.as_slice())
        } else {
            Cow::Owned(rename(text, &table))
        };
        renamed.push((name.clone(), text));
    }
    Ok(renamed)
}
