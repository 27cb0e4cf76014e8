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

/// Names whose symbol depends on the version asked for, with from which version on which suffix is
/// meant, ascending. Symbols with addresses of 32 bits, before version 3.2, are left out: addresses of
/// this device do not fit them. Source: CUDA Driver API reference and the public `cudaTypedefs.h`.
const VERSIONS: &[(&str, &[(i32, &str)])] = &[
    ("cuArray3DCreate", &[(3020, "_v2")]),
    ("cuArray3DGetDescriptor", &[(3020, "_v2")]),
    ("cuArrayCreate", &[(3020, "_v2")]),
    ("cuArrayGetDescriptor", &[(3020, "_v2")]),
    (
        "cuCtxCreate",
        &[(3020, "_v2"), (11040, "_v3"), (12050, "_v4")],
    ),
    ("cuCtxDestroy", &[(4000, "_v2")]),
    ("cuCtxGetDevice", &[(2000, ""), (13000, "_v2")]),
    ("cuCtxPopCurrent", &[(4000, "_v2")]),
    ("cuCtxPushCurrent", &[(4000, "_v2")]),
    ("cuCtxSynchronize", &[(2000, ""), (13000, "_v2")]),
    ("cuDeviceGetUuid", &[(9020, ""), (11040, "_v2")]),
    ("cuDevicePrimaryCtxRelease", &[(7000, ""), (11000, "_v2")]),
    ("cuDevicePrimaryCtxReset", &[(7000, ""), (11000, "_v2")]),
    ("cuDevicePrimaryCtxSetFlags", &[(7000, ""), (11000, "_v2")]),
    ("cuDeviceTotalMem", &[(3020, "_v2")]),
    ("cuEventDestroy", &[(4000, "_v2")]),
    ("cuEventElapsedTime", &[(2000, ""), (12080, "_v2")]),
    ("cuGetProcAddress", &[(11030, ""), (12000, "_v2")]),
    ("cuGraphAddDependencies", &[(10000, ""), (12030, "_v2")]),
    ("cuGraphAddKernelNode", &[(10000, ""), (12000, "_v2")]),
    (
        "cuGraphAddNode",
        &[(12020, ""), (12030, "_v2"), (13040, "_v3")],
    ),
    (
        "cuGraphExecKernelNodeSetParams",
        &[(10010, ""), (12000, "_v2")],
    ),
    ("cuGraphExecUpdate", &[(10020, ""), (12000, "_v2")]),
    ("cuGraphGetEdges", &[(10000, ""), (12030, "_v2")]),
    ("cuGraphInstantiate", &[(10000, ""), (11000, "_v2")]),
    ("cuGraphKernelNodeGetParams", &[(10000, ""), (12000, "_v2")]),
    ("cuGraphKernelNodeSetParams", &[(10000, ""), (12000, "_v2")]),
    ("cuGraphNodeGetDependencies", &[(10000, ""), (12030, "_v2")]),
    (
        "cuGraphNodeGetDependentNodes",
        &[(10000, ""), (12030, "_v2")],
    ),
    ("cuGraphNodeSetParams", &[(12020, ""), (13040, "_v2")]),
    ("cuGraphRemoveDependencies", &[(10000, ""), (12030, "_v2")]),
    ("cuGraphicsResourceGetMappedPointer", &[(3020, "_v2")]),
    (
        "cuGraphicsResourceSetMapFlags",
        &[(3000, ""), (6050, "_v2")],
    ),
    ("cuIpcOpenMemHandle", &[(4010, ""), (11000, "_v2")]),
    ("cuLaunchHostFunc", &[(10000, ""), (13010, "_v2")]),
    ("cuLinkAddData", &[(5050, ""), (6050, "_v2")]),
    ("cuLinkAddFile", &[(5050, ""), (6050, "_v2")]),
    ("cuLinkCreate", &[(5050, ""), (6050, "_v2")]),
    ("cuMemAdvise", &[(8000, ""), (12020, "_v2")]),
    ("cuMemAlloc", &[(3020, "_v2")]),
    ("cuMemAllocHost", &[(3020, "_v2")]),
    ("cuMemAllocPitch", &[(3020, "_v2")]),
    ("cuMemFree", &[(3020, "_v2")]),
    ("cuMemGetAddressRange", &[(3020, "_v2")]),
    ("cuMemGetInfo", &[(3020, "_v2")]),
    ("cuMemHostGetDevicePointer", &[(3020, "_v2")]),
    ("cuMemHostRegister", &[(4000, ""), (6050, "_v2")]),
    ("cuMemPrefetchAsync", &[(8000, ""), (12020, "_v2")]),
    ("cuMemcpy2D", &[(3020, "_v2")]),
    ("cuMemcpy2DAsync", &[(3020, "_v2")]),
    ("cuMemcpy2DUnaligned", &[(3020, "_v2")]),
    ("cuMemcpy3D", &[(3020, "_v2")]),
    ("cuMemcpy3DAsync", &[(3020, "_v2")]),
    ("cuMemcpy3DBatchAsync", &[(12080, ""), (13000, "_v2")]),
    ("cuMemcpyAtoA", &[(3020, "_v2")]),
    ("cuMemcpyAtoD", &[(3020, "_v2")]),
    ("cuMemcpyAtoH", &[(3020, "_v2")]),
    ("cuMemcpyAtoHAsync", &[(3020, "_v2")]),
    ("cuMemcpyBatchAsync", &[(12080, ""), (13000, "_v2")]),
    ("cuMemcpyDtoA", &[(3020, "_v2")]),
    ("cuMemcpyDtoD", &[(3020, "_v2")]),
    ("cuMemcpyDtoDAsync", &[(3020, "_v2")]),
    ("cuMemcpyDtoH", &[(3020, "_v2")]),
    ("cuMemcpyDtoHAsync", &[(3020, "_v2")]),
    ("cuMemcpyHtoA", &[(3020, "_v2")]),
    ("cuMemcpyHtoAAsync", &[(3020, "_v2")]),
    ("cuMemcpyHtoD", &[(3020, "_v2")]),
    ("cuMemcpyHtoDAsync", &[(3020, "_v2")]),
    ("cuMemsetD16", &[(3020, "_v2")]),
    ("cuMemsetD2D16", &[(3020, "_v2")]),
    ("cuMemsetD2D32", &[(3020, "_v2")]),
    ("cuMemsetD2D8", &[(3020, "_v2")]),
    ("cuMemsetD32", &[(3020, "_v2")]),
    ("cuMemsetD8", &[(3020, "_v2")]),
    ("cuModuleGetGlobal", &[(3020, "_v2")]),
    ("cuMulticastBindAddr", &[(12010, ""), (13010, "_v2")]),
    ("cuMulticastBindMem", &[(12010, ""), (13010, "_v2")]),
    ("cuStreamBatchMemOp", &[(8000, ""), (11070, "_v2")]),
    ("cuStreamBeginCapture", &[(10000, ""), (10010, "_v2")]),
    ("cuStreamDestroy", &[(4000, "_v2")]),
    (
        "cuStreamGetCaptureInfo",
        &[(10010, ""), (11030, "_v2"), (12030, "_v3")],
    ),
    ("cuStreamGetCtx", &[(9020, ""), (12050, "_v2")]),
    (
        "cuStreamUpdateCaptureDependencies",
        &[(11030, ""), (12030, "_v2")],
    ),
    ("cuStreamWaitValue32", &[(8000, ""), (11070, "_v2")]),
    ("cuStreamWaitValue64", &[(9000, ""), (11070, "_v2")]),
    ("cuStreamWriteValue32", &[(8000, ""), (11070, "_v2")]),
    ("cuStreamWriteValue64", &[(9000, ""), (11070, "_v2")]),
    ("cuTexRefGetAddress", &[(3020, "_v2")]),
    ("cuTexRefSetAddress", &[(3020, "_v2")]),
    ("cuTexRefSetAddress2D", &[(3020, "_v2"), (4010, "_v3")]),
];

/// The function that `name` means at `version` (as in `CUDA_VERSION`: 13000 for 13.0); with
/// `per_thread`, its variant whose null stream is the thread's own, if there is one.
pub(crate) fn find(name: &str, version: i32, per_thread: bool) -> Answer {
    let mut symbol = name.to_owned();
    if let Some((_, versions)) = VERSIONS.iter().find(|row| row.0 == name) {
        match versions.iter().rfind(|row| row.0 <= version) {
            Some((_, suffix)) => symbol.push_str(suffix),
            None => return Answer::VersionNotSufficient,
        }
    }
    let symbols = symbols();
    let variants = ["_ptsz", "_ptds"].map(|suffix| format!("{symbol}{suffix}"));
    let variant = variants
        .iter()
        .find_map(|variant| symbols.get(variant.as_str()));
    variant
        .filter(|_| per_thread)
        .or_else(|| symbols.get(symbol.as_str()))
        .map_or(Answer::NotFound, |export| Answer::Found(export.address))
}

fn symbols() -> &'static HashMap<&'static str, &'static Export> {
    static SYMBOLS: OnceLock<HashMap<&'static str, &'static Export>> = OnceLock::new();
    SYMBOLS.get_or_init(|| {
        let absent = api::ABSENT.iter().flat_map(|absent| absent.exports);
        api::EXPORTS
            .iter()
            .flat_map(|(_, exports)| exports.iter())
            .chain(absent)
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
            assert!(pair[0].0 < pair[1].0, "{pair:?}");
        }
        for (name, versions) in VERSIONS {
            assert!(
                versions.windows(2).all(|pair| pair[0].0 < pair[1].0),
                "{name}"
            );
        }
    }

    #[test]
    fn a_version_before_the_first_symbol_is_told_apart_from_an_unknown_name() {
        assert_eq!(
            find("cuMemAlloc", 2000, false),
            Answer::VersionNotSufficient
        );
        assert_eq!(find("cuNoSuchFunction", 13000, false), Answer::NotFound);
        let device = |version| find("cuCtxGetDevice", version, false);
        assert_ne!(device(12000), device(13000));
    }

    #[test]
    fn the_per_thread_default_stream_has_functions_of_its_own() {
        let launch = |per_thread| find("cuLaunchKernel", 13000, per_thread);
        assert_ne!(launch(false), launch(true));
        let copy = |per_thread| find("cuMemcpyHtoD", 13000, per_thread);
        assert_ne!(copy(false), copy(true));
        let allocate = |per_thread| find("cuMemAlloc", 13000, per_thread);
        assert_eq!(allocate(false), allocate(true));
    }
}
