//! `cudaError_t`: numbers, names, the per-thread last error.
//!
//! Since CUDA 10.1 a runtime error that reports a driver error has the driver's number, so
//! only the runtime's own errors are listed here; names and texts of the others come from the
//! driver.

use crate::c::Status;
use std::cell::Cell;
use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An error of the runtime API: never `cudaSuccess`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Error(pub(crate) Status);

impl Error {
    /// Whether a device image failed to load, or lacks what was looked for, because of what it
    /// holds, so that another attempt would fail the same way.
    pub(crate) const fn is_of_the_image(self) -> bool {
        const INVALID_KERNEL_IMAGE: Status = 200;
        const NO_KERNEL_IMAGE_FOR_DEVICE: Status = 209;
        const INVALID_PTX: Status = 218;
        const UNSUPPORTED_PTX_VERSION: Status = 222;
        const INVALID_SOURCE: Status = 300;
        matches!(
            self,
            Self::INVALID_SYMBOL
                | Self::INVALID_DEVICE_FUNCTION
                | Self::NOT_SUPPORTED
                | Self(
                    INVALID_KERNEL_IMAGE
                        | NO_KERNEL_IMAGE_FOR_DEVICE
                        | INVALID_PTX
                        | UNSUPPORTED_PTX_VERSION
                        | INVALID_SOURCE
                )
        )
    }
}

macro_rules! errors {
    ($($name:ident = $number:literal, $c_name:literal, $text:literal;)*) => {
        impl Error {
            $(pub(crate) const $name: Self = Self($number);)*
        }

        /// Name and text of the errors that are the runtime's own, and of success.
        fn own(code: Status) -> Option<(&'static CStr, &'static CStr)> {
            match code {
                0 => Some((c"cudaSuccess", c"no error")),
                $($number => Some(($c_name, $text)),)*
                _ => None,
            }
        }
    };
}

errors! {
    INVALID_VALUE = 1, c"cudaErrorInvalidValue", c"invalid argument";
    INVALID_CONFIGURATION = 9, c"cudaErrorInvalidConfiguration", c"invalid configuration argument";
    INVALID_SYMBOL = 13, c"cudaErrorInvalidSymbol", c"invalid device symbol";
    INVALID_CHANNEL_DESCRIPTOR = 20, c"cudaErrorInvalidChannelDescriptor", c"invalid channel descriptor";
    INVALID_MEMCPY_DIRECTION = 21, c"cudaErrorInvalidMemcpyDirection", c"invalid copy direction for memcpy";
    INSUFFICIENT_DRIVER = 35, c"cudaErrorInsufficientDriver", c"CUDA driver version is insufficient for CUDA runtime version";
    MISSING_CONFIGURATION = 52, c"cudaErrorMissingConfiguration", c"__global__ function call is not configured";
    INVALID_DEVICE_FUNCTION = 98, c"cudaErrorInvalidDeviceFunction", c"invalid device function";
    INVALID_DEVICE = 101, c"cudaErrorInvalidDevice", c"invalid device ordinal";
    SYMBOL_NOT_FOUND = 500, c"cudaErrorSymbolNotFound", c"named symbol not found";
    NOT_SUPPORTED = 801, c"cudaErrorNotSupported", c"operation not supported";
    UNKNOWN = 999, c"cudaErrorUnknown", c"unknown error";
}

/// Runtime names of driver errors whose number they share. The text is the driver's.
const DRIVER_NAMES: &[(Status, &CStr)] = &[
    (2, c"cudaErrorMemoryAllocation"),
    (3, c"cudaErrorInitializationError"),
    (4, c"cudaErrorCudartUnloading"),
    (5, c"cudaErrorProfilerDisabled"),
    (6, c"cudaErrorProfilerNotInitialized"),
    (7, c"cudaErrorProfilerAlreadyStarted"),
    (8, c"cudaErrorProfilerAlreadyStopped"),
    (34, c"cudaErrorStubLibrary"),
    (36, c"cudaErrorCallRequiresNewerDriver"),
    (46, c"cudaErrorDevicesUnavailable"),
    (100, c"cudaErrorNoDevice"),
    (102, c"cudaErrorDeviceNotLicensed"),
    (200, c"cudaErrorInvalidKernelImage"),
    (201, c"cudaErrorDeviceUninitialized"),
    (205, c"cudaErrorMapBufferObjectFailed"),
    (206, c"cudaErrorUnmapBufferObjectFailed"),
    (207, c"cudaErrorArrayIsMapped"),
    (208, c"cudaErrorAlreadyMapped"),
    (209, c"cudaErrorNoKernelImageForDevice"),
    (210, c"cudaErrorAlreadyAcquired"),
    (211, c"cudaErrorNotMapped"),
    (212, c"cudaErrorNotMappedAsArray"),
    (213, c"cudaErrorNotMappedAsPointer"),
    (214, c"cudaErrorECCUncorrectable"),
    (215, c"cudaErrorUnsupportedLimit"),
    (216, c"cudaErrorDeviceAlreadyInUse"),
    (217, c"cudaErrorPeerAccessUnsupported"),
    (218, c"cudaErrorInvalidPtx"),
    (219, c"cudaErrorInvalidGraphicsContext"),
    (220, c"cudaErrorNvlinkUncorrectable"),
    (221, c"cudaErrorJitCompilerNotFound"),
    (222, c"cudaErrorUnsupportedPtxVersion"),
    (223, c"cudaErrorJitCompilationDisabled"),
    (224, c"cudaErrorUnsupportedExecAffinity"),
    (225, c"cudaErrorUnsupportedDevSideSync"),
    (226, c"cudaErrorContained"),
    (227, c"cudaErrorInsufficientLoaderVersion"),
    (300, c"cudaErrorInvalidSource"),
    (301, c"cudaErrorFileNotFound"),
    (302, c"cudaErrorSharedObjectSymbolNotFound"),
    (303, c"cudaErrorSharedObjectInitFailed"),
    (304, c"cudaErrorOperatingSystem"),
    (400, c"cudaErrorInvalidResourceHandle"),
    (401, c"cudaErrorIllegalState"),
    (402, c"cudaErrorLossyQuery"),
    (600, c"cudaErrorNotReady"),
    (700, c"cudaErrorIllegalAddress"),
    (701, c"cudaErrorLaunchOutOfResources"),
    (702, c"cudaErrorLaunchTimeout"),
    (703, c"cudaErrorLaunchIncompatibleTexturing"),
    (704, c"cudaErrorPeerAccessAlreadyEnabled"),
    (705, c"cudaErrorPeerAccessNotEnabled"),
    (708, c"cudaErrorSetOnActiveProcess"),
    (709, c"cudaErrorContextIsDestroyed"),
    (710, c"cudaErrorAssert"),
    (711, c"cudaErrorTooManyPeers"),
    (712, c"cudaErrorHostMemoryAlreadyRegistered"),
    (713, c"cudaErrorHostMemoryNotRegistered"),
    (714, c"cudaErrorHardwareStackError"),
    (715, c"cudaErrorIllegalInstruction"),
    (716, c"cudaErrorMisalignedAddress"),
    (717, c"cudaErrorInvalidAddressSpace"),
    (718, c"cudaErrorInvalidPc"),
    (719, c"cudaErrorLaunchFailure"),
    (720, c"cudaErrorCooperativeLaunchTooLarge"),
    (721, c"cudaErrorTensorMemoryLeak"),
    (800, c"cudaErrorNotPermitted"),
    (802, c"cudaErrorSystemNotReady"),
    (803, c"cudaErrorSystemDriverMismatch"),
    (804, c"cudaErrorCompatNotSupportedOnDevice"),
    (805, c"cudaErrorMpsConnectionFailed"),
    (806, c"cudaErrorMpsRpcFailure"),
    (807, c"cudaErrorMpsServerNotReady"),
    (808, c"cudaErrorMpsMaxClientsReached"),
    (809, c"cudaErrorMpsMaxConnectionsReached"),
    (810, c"cudaErrorMpsClientTerminated"),
    (811, c"cudaErrorCdpNotSupported"),
    (812, c"cudaErrorCdpVersionMismatch"),
    (900, c"cudaErrorStreamCaptureUnsupported"),
    (901, c"cudaErrorStreamCaptureInvalidated"),
    (902, c"cudaErrorStreamCaptureMerge"),
    (903, c"cudaErrorStreamCaptureUnmatched"),
    (904, c"cudaErrorStreamCaptureUnjoined"),
    (905, c"cudaErrorStreamCaptureIsolation"),
    (906, c"cudaErrorStreamCaptureImplicit"),
    (907, c"cudaErrorCapturedEvent"),
    (908, c"cudaErrorStreamCaptureWrongThread"),
    (909, c"cudaErrorTimeout"),
    (910, c"cudaErrorGraphExecUpdateFailure"),
    (911, c"cudaErrorExternalDevice"),
    (912, c"cudaErrorInvalidClusterSize"),
    (913, c"cudaErrorFunctionNotLoaded"),
    (914, c"cudaErrorInvalidResourceType"),
    (915, c"cudaErrorInvalidResourceConfiguration"),
    (917, c"cudaErrorStreamDetached"),
    (918, c"cudaErrorGraphRecaptureFailure"),
    (919, c"cudaErrorFabricNotReady"),
];

/// Name of a code.
pub(crate) fn name(code: Status) -> &'static CStr {
    own(code)
        .map(|(name, _)| name)
        .or_else(|| {
            let row = DRIVER_NAMES.iter().find(|row| row.0 == code)?;
            Some(row.1)
        })
        .unwrap_or(c"unrecognized error code")
}

/// Text of one of the runtime's own codes.
pub(crate) fn own_text(code: Status) -> Option<&'static CStr> {
    own(code).map(|(_, text)| text)
}

thread_local! {
    static LAST: Cell<Status> = const { Cell::new(0) };
}

/// Runs the body of an exported function. A panic is a defect of ours: the panic hook reports it on
/// stderr, and it becomes `cudaErrorUnknown`, because unwinding into C is undefined.
pub(crate) fn guarded(body: impl FnOnce() -> Result<(), Error>) -> Status {
    finish(catch_unwind(AssertUnwindSafe(body)).unwrap_or(Err(Error::UNKNOWN)))
}

/// Ends an API function: remembers an error as the thread's last one.
fn finish(outcome: Result<(), Error>) -> Status {
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            LAST.set(error.0);
            error.0
        }
    }
}

/// The thread's last error, reset to success if asked.
pub(crate) fn last(reset: bool) -> Status {
    if reset { LAST.replace(0) } else { LAST.get() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers and names of the CUDA Runtime API reference: error handling, and data types.
    #[test]
    fn errors_of_the_driver_have_names_of_the_runtime() {
        for (code, want) in [
            (46, c"cudaErrorDevicesUnavailable"),
            (719, c"cudaErrorLaunchFailure"),
            (901, c"cudaErrorStreamCaptureInvalidated"),
            (910, c"cudaErrorGraphExecUpdateFailure"),
        ] {
            assert_eq!(name(code), want);
        }
        assert_eq!(name(902_000), c"unrecognized error code");
        assert!(DRIVER_NAMES.is_sorted_by_key(|row| row.0));
    }
}
