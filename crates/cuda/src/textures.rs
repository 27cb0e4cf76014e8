//! Texture and surface objects by what kernels name them by, with what the program made them of.

use crate::c::{ResourceDesc, ResourceViewDesc, TextureDesc};
use crate::result::CUresult;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use weft_driver::Texture;

/// An object.
pub(crate) struct TextureEntry {
    pub(crate) object: Arc<Texture>,
    pub(crate) resource: ResourceDesc,
    /// `None` for a surface.
    pub(crate) texture: Option<TextureDesc>,
    pub(crate) view: Option<ResourceViewDesc>,
}

// SAFETY: the structures hold numbers and handles; the latter are never followed as pointers.
unsafe impl Send for TextureEntry {}

static OBJECTS: Mutex<BTreeMap<u64, TextureEntry>> = Mutex::new(BTreeMap::new());

fn objects() -> MutexGuard<'static, BTreeMap<u64, TextureEntry>> {
    // No operation under the lock can panic halfway, so a poisoned map is still whole.
    OBJECTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Registers an object and gives what it is named by.
pub(crate) fn insert(entry: TextureEntry) -> u64 {
    let object = entry.object.object();
    // The address of an object that its context took along may have a new owner.
    let stale = objects().insert(object, entry);
    drop(stale);
    object
}

/// Looks at an object of a kind.
pub(crate) fn with<T>(
    object: u64,
    is_surface: bool,
    look: impl FnOnce(&TextureEntry) -> Result<T, CUresult>,
) -> Result<T, CUresult> {
    let objects = objects();
    let entry = objects
        .get(&object)
        .filter(|entry| entry.texture.is_none() == is_surface);
    look(entry.ok_or(CUresult::INVALID_VALUE)?)
}

/// Ends an object of a kind.
pub(crate) fn remove(object: u64, is_surface: bool) -> Result<(), CUresult> {
    with(object, is_surface, |_| Ok(()))?;
    let gone = objects().remove(&object);
    drop(gone);
    Ok(())
}
