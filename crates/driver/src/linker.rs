//! The JIT linker: PTX in, a loadable image out.

use crate::blob;
use crate::error::Error;
use crate::module::{ModuleImage, machine_code};

/// Collects inputs. One PTX input is supported, which is what clients hand over that use the
/// linker as a PTX compiler; resolving symbols between several is not.
#[derive(Debug, Default)]
pub struct Linker {
    ptx: Option<Vec<u8>>,
}

impl Linker {
    /// A linker without inputs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds PTX text or a linked image. It is parsed here, so that its errors are the input's.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidPtx`] with the log; [`Error::NotSupported`] for a second input.
    pub fn add(&mut self, name: &str, data: &[u8]) -> Result<(), Error> {
        let text = match ModuleImage::of_bytes(data)? {
            ModuleImage::Ptx(text) => text,
            ModuleImage::Linked(bytes) => blob::decode(bytes)?,
            ModuleImage::Fatbin(_) => {
                return Err(Error::NotSupported(format!("linking the fatbin `{name}`")));
            }
        };
        if self.ptx.is_some() {
            return Err(Error::NotSupported(format!(
                "linking a second input (`{name}`) into a module"
            )));
        }
        let end = text
            .iter()
            .rposition(|&byte| byte != 0)
            .map_or(0, |last| last + 1);
        let text = &text[..end];
        if let Err(errors) = weft_ptx::parse(text) {
            let log = weft_ptx::source::render_all(name, text, &errors);
            return Err(Error::InvalidPtx(log));
        }
        self.ptx = Some(text.to_vec());
        Ok(())
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
    /// [`Error::InvalidImage`] if nothing was added.
    pub fn complete(&self) -> Result<Vec<u8>, Error> {
        self.ptx
            .as_deref()
            .map(blob::encode)
            .ok_or_else(|| Error::InvalidImage("a link without inputs".to_owned()))
    }
}
