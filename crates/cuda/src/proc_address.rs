//! `cuGetProcAddress`: from a name and a CUDA version to a function.
//!
//! The driver API keeps old ABIs: `cuMemAlloc` asked for version 3.2 or later is the symbol
//! `cuMemAlloc_v2`. [`VERSIONS`] lists the names whose symbol changed, with the version from
//! which each symbol is meant; all other names are their own symbol.

use crate::api;
use std::collections::HashMap;
use std::sync::OnceLock;

/// An exported function.
pub(crate) struct Export {
    pub(crate) name: &'static str,
    address: *const (),
}

// SAFETY: the address is of a function, which never changes.
unsafe impl Sync for Export {}
// SAFETY: as above.
unsafe impl Send for Export {}

impl Export {
    /// The function at `address`, exported as `name`.
    pub(crate) const fn new(name: &'static str, address: *const ()) -> Self {
        Self { name, address }
    }
}

/// Answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The function.
    Found(*const ()),
    /// No function of that name is implemented.
    NotFound,
    /// The name exists, but only from a later version on.
    VersionNotSufficient,
}

/// Names whose symbol depends on the version asked for: (name, from version, symbol),
/// versions of a name ascending. Source: CUDA Driver API reference and the versions that
/// clients ask for.
const VERSIONS: &[(&str, i32, &str)] = &[
    ("cuCtxCreate", 3020, "cuCtxCreate_v2"),
    ("cuCtxCreate", 11040, "cuCtxCreate_v3"),
    ("cuCtxCreate", 12050, "cuCtxCreate_v4"),
    ("cuCtxDestroy", 4000, "cuCtxDestroy_v2"),
    ("cuCtxGetDevice", 2000, "cuCtxGetDevice"),
    ("cuCtxGetDevice", 13000, "cuCtxGetDevice_v2"),
    ("cuCtxPopCurrent", 4000, "cuCtxPopCurrent_v2"),
    ("cuCtxPushCurrent", 4000, "cuCtxPushCurrent_v2"),
    ("cuCtxSynchronize", 2000, "cuCtxSynchronize"),
    ("cuCtxSynchronize", 13000, "cuCtxSynchronize_v2"),
    ("cuDeviceGetUuid", 9020, "cuDeviceGetUuid"),
    ("cuDeviceGetUuid", 11040, "cuDeviceGetUuid_v2"),
    (
        "cuDevicePrimaryCtxRelease",
        7000,
        "cuDevicePrimaryCtxRelease",
    ),
    (
        "cuDevicePrimaryCtxRelease",
        11000,
        "cuDevicePrimaryCtxRelease_v2",
    ),
    ("cuDevicePrimaryCtxReset", 7000, "cuDevicePrimaryCtxReset"),
    (
        "cuDevicePrimaryCtxReset",
        11000,
        "cuDevicePrimaryCtxReset_v2",
    ),
    (
        "cuDevicePrimaryCtxSetFlags",
        7000,
        "cuDevicePrimaryCtxSetFlags",
    ),
    (
        "cuDevicePrimaryCtxSetFlags",
        11000,
        "cuDevicePrimaryCtxSetFlags_v2",
    ),
    ("cuDeviceTotalMem", 3020, "cuDeviceTotalMem_v2"),
    ("cuEventDestroy", 4000, "cuEventDestroy_v2"),
    ("cuEventElapsedTime", 2000, "cuEventElapsedTime"),
    ("cuEventElapsedTime", 12080, "cuEventElapsedTime_v2"),
    ("cuGetProcAddress", 11030, "cuGetProcAddress"),
    ("cuGetProcAddress", 12000, "cuGetProcAddress_v2"),
    ("cuLinkAddData", 5050, "cuLinkAddData_v2"),
    ("cuLinkAddFile", 5050, "cuLinkAddFile_v2"),
    ("cuLinkCreate", 5050, "cuLinkCreate_v2"),
    ("cuMemAdvise", 8000, "cuMemAdvise"),
    ("cuMemAdvise", 12020, "cuMemAdvise_v2"),
    ("cuMemAlloc", 3020, "cuMemAlloc_v2"),
    ("cuMemAllocHost", 3020, "cuMemAllocHost_v2"),
    ("cuMemAllocPitch", 3020, "cuMemAllocPitch_v2"),
    ("cuMemFree", 3020, "cuMemFree_v2"),
    ("cuMemGetAddressRange", 3020, "cuMemGetAddressRange_v2"),
    ("cuMemGetInfo", 3020, "cuMemGetInfo_v2"),
    (
        "cuMemHostGetDevicePointer",
        3020,
        "cuMemHostGetDevicePointer_v2",
    ),
    ("cuMemHostRegister", 6050, "cuMemHostRegister_v2"),
    ("cuMemPrefetchAsync", 8000, "cuMemPrefetchAsync"),
    ("cuMemPrefetchAsync", 12020, "cuMemPrefetchAsync_v2"),
    ("cuMemcpy2D", 3020, "cuMemcpy2D_v2"),
    ("cuMemcpy2DAsync", 3020, "cuMemcpy2DAsync_v2"),
    ("cuMemcpy2DUnaligned", 3020, "cuMemcpy2DUnaligned_v2"),
    ("cuMemcpy3D", 3020, "cuMemcpy3D_v2"),
    ("cuMemcpy3DAsync", 3020, "cuMemcpy3DAsync_v2"),
    ("cuMemcpyDtoD", 3020, "cuMemcpyDtoD_v2"),
    ("cuMemcpyDtoDAsync", 3020, "cuMemcpyDtoDAsync_v2"),
    ("cuMemcpyDtoH", 3020, "cuMemcpyDtoH_v2"),
    ("cuMemcpyDtoHAsync", 3020, "cuMemcpyDtoHAsync_v2"),
    ("cuMemcpyHtoD", 3020, "cuMemcpyHtoD_v2"),
    ("cuMemcpyHtoDAsync", 3020, "cuMemcpyHtoDAsync_v2"),
    ("cuMemsetD16", 3020, "cuMemsetD16_v2"),
    ("cuMemsetD2D16", 3020, "cuMemsetD2D16_v2"),
    ("cuMemsetD2D32", 3020, "cuMemsetD2D32_v2"),
    ("cuMemsetD2D8", 3020, "cuMemsetD2D8_v2"),
    ("cuMemsetD32", 3020, "cuMemsetD32_v2"),
    ("cuMemsetD8", 3020, "cuMemsetD8_v2"),
    ("cuModuleGetGlobal", 3020, "cuModuleGetGlobal_v2"),
    ("cuStreamDestroy", 4000, "cuStreamDestroy_v2"),
    ("cuStreamGetCaptureInfo", 10010, "cuStreamGetCaptureInfo"),
    ("cuStreamGetCaptureInfo", 11030, "cuStreamGetCaptureInfo_v2"),
    ("cuStreamGetCaptureInfo", 12030, "cuStreamGetCaptureInfo_v3"),
    ("cuStreamGetCtx", 9020, "cuStreamGetCtx"),
    ("cuStreamGetCtx", 12050, "cuStreamGetCtx_v2"),
];

/// The function that `name` means at `version` (as in `CUDA_VERSION`: 13000 for 13.0).
pub(crate) fn find(name: &str, version: i32) -> Answer {
    let mut symbol = name;
    let mut listed = VERSIONS.iter().filter(|row| row.0 == name);
    if listed.clone().next().is_some() {
        match listed.rfind(|row| row.1 <= version) {
            Some(row) => symbol = row.2,
            None => return Answer::VersionNotSufficient,
        }
    }
    symbols()
        .get(symbol)
        .map_or(Answer::NotFound, |export| Answer::Found(export.address))
}

fn symbols() -> &'static HashMap<&'static str, &'static Export> {
    static SYMBOLS: OnceLock<HashMap<&'static str, &'static Export>> = OnceLock::new();
    SYMBOLS.get_or_init(|| {
        api::EXPORTS
            .iter()
            .flat_map(|(_, exports)| exports.iter())
            .map(|export| (export.name, export))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_versioned_symbol_is_ascending() {
        for pair in VERSIONS.windows(2) {
            assert!((pair[0].0, pair[0].1) < (pair[1].0, pair[1].1), "{pair:?}");
        }
    }

    #[test]
    fn a_version_before_the_first_symbol_is_told_apart_from_an_unknown_name() {
        assert_eq!(find("cuMemAlloc", 2000), Answer::VersionNotSufficient);
        assert_eq!(find("cuNoSuchFunction", 13000), Answer::NotFound);
        assert_ne!(find("cuCtxGetDevice", 12000), find("cuCtxGetDevice", 13000));
    }
}
