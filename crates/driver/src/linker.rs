//! The JIT linker: PTX in, a loadable image out.

use crate::blob;
use crate::error::Error;
use crate::merge::{Input, merge};
use crate::module::{ModuleImage, machine_code};

/// Collects inputs: PTX texts and images that a linker made. One input is passed on as it is,
/// so that lines in messages are those of the program's text; several become one text, in which
/// `extern` declarations of one are satisfied by the definitions of another.
#[derive(Debug, Default)]
pub struct Linker {
    /// Name and PTX text.
    inputs: Vec<(String, Vec<u8>)>,
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
    /// [`Error::InvalidPtx`] with the log; [`Error::NotSupported`] for fatbins.
    pub fn add(&mut self, name: &str, data: &[u8]) -> Result<(), Error> {
        let text = match ModuleImage::of_bytes(data)? {
            ModuleImage::Ptx(text) => text,
            ModuleImage::Linked(bytes) => blob::decode(bytes)?,
            ModuleImage::Fatbin(_) => {
                return Err(Error::NotSupported(format!("linking the fatbin `{name}`")));
            }
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
    /// defined twice or declared differently; [`Error::NotSupported`] for inputs whose local
    /// names meet.
    pub fn complete(&self) -> Result<Vec<u8>, Error> {
        match self.inputs.as_slice() {
            [] => Err(Error::InvalidImage("a link without inputs".to_owned())),
            [(_, text)] => Ok(blob::encode(text)),
            several => {
                let inputs = several
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
