//! What kernels can ask for with `ecall`: the services of [`weft_isa::abi::Service`], provided by
//! whoever launches.

use std::fmt;

use weft_isa::X;
use weft_isa::abi::{LANES, LOCAL_LANE_STRIDE, LOCAL_WINDOW};

use crate::env::Env;
use crate::exec::access;
use crate::fault::FaultKind;
use crate::hart::Hart;

/// Serves the environment calls of a launch. Called from the threads that run cores.
pub trait Environment: fmt::Debug + Send + Sync {
    /// Serves one call of one warp.
    ///
    /// # Errors
    ///
    /// What ends the launch.
    fn call(&self, call: &mut EnvironmentCall<'_>) -> Result<(), Refusal>;
}

/// Why a call is not served: the launch ends with this fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub kind: FaultKind,
    /// Lane to blame, if one is.
    pub lane: Option<u32>,
}

/// An `ecall` of a warp.
pub struct EnvironmentCall<'a> {
    pub(crate) hart: &'a Hart,
    pub(crate) env: &'a mut Env,
}

impl EnvironmentCall<'_> {
    /// Number of the service asked for.
    #[must_use]
    pub fn service(&self) -> u64 {
        self.hart.x(X::A0.number())
    }

    /// Lanes that call, in ascending order.
    pub fn lanes(&self) -> impl Iterator<Item = u32> + use<> {
        let mask = self.hart.x(X::A2.number()) & u64::from(self.hart.lanes);
        (0..u32::BITS).filter(move |lane| mask >> lane & 1 != 0)
    }

    /// Index of the CTA in the grid, x fastest.
    #[must_use]
    pub fn cta_linear(&self) -> u64 {
        let [x, y, z] = self.cta().map(u64::from);
        let [width, height, _] = self.env.constants.grid.map(u64::from);
        (z * height + y) * width + x
    }

    /// Index of the CTA in the grid.
    #[must_use]
    pub fn cta(&self) -> [u32; 3] {
        self.env.constants.cta
    }

    /// Index of a lane's thread in the CTA.
    #[must_use]
    pub fn thread(&self, lane: u32) -> [u32; 3] {
        #[expect(clippy::cast_possible_truncation, reason = "32")]
        let linear = self.hart.warp * LANES as u32 + lane;
        let [width, height, _] = self.env.constants.block.map(|extent| extent.max(1));
        [
            linear % width,
            linear / width % height,
            linear / (width * height),
        ]
    }

    /// Generic address of a lane's parameters.
    #[must_use]
    pub fn frame(&self, lane: u32) -> u64 {
        let offset = self.hart.x(X::TP.number());
        (LOCAL_WINDOW + u64::from(lane) * LOCAL_LANE_STRIDE).wrapping_add(offset)
    }

    /// Copies from the memory that the warp sees.
    ///
    /// # Errors
    ///
    /// If the bytes do not all lie in one accessible range.
    pub fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), FaultKind> {
        let from = self.resolve(address, bytes.len(), false)?;
        // SAFETY: the range was found accessible; `bytes` is a Rust object and so apart from it.
        unsafe { std::ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    /// Copies to the memory that the warp sees.
    ///
    /// # Errors
    ///
    /// If the bytes do not all lie in one writable range.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), FaultKind> {
        let to = self.resolve(address, bytes.len(), true)?;
        // SAFETY: as in `read`, and the range is writable.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        Ok(())
    }

    fn resolve(&mut self, address: u64, bytes: usize, write: bool) -> Result<*mut u8, FaultKind> {
        let found = access::resolve_uncached(self.hart, self.env, address, bytes as u64, write);
        let size = u32::try_from(bytes).unwrap_or(u32::MAX);
        found
            .map(|place| place.pointer)
            .ok_or_else(|| access::explain(self.hart, address, size, write))
    }
}
