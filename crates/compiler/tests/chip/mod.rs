//! Runs compiled kernels on the chip.

use crate::case::{Case, Run};
use crate::{Outcome, place_variables};
use weft_chip::{Access, Chip, ChipConfig, Launch, Program};
use weft_compiler::image::Image;
use weft_isa::abi::grid_workspace_offset;
use weft_ptx::ast::Module;

/// Runs an image and gives the buffers afterwards, or the fault.
pub(crate) fn run(module: &Module<'_>, case: &Case, run: &Run, image: &Image) -> Outcome {
    let chip = Chip::new(ChipConfig::default()).unwrap();
    let memory = chip.memory();
    let mut end = memory.base() + (1 << 20);
    // Unmapped space between allocations lets accesses past an end fault.
    let mut allocate = |bytes: usize| {
        let address = end;
        end = (end + bytes as u64 + 4096).next_multiple_of(256);
        memory
            .map(address, bytes as u64, Access::ReadWrite)
            .unwrap();
        address
    };
    let symbols = place_variables(module, &image.symbols, &mut allocate, |address, content| {
        memory.write(address, &content).unwrap();
    });
    let mut place = |content: &[u8]| {
        let address = allocate(content.len().max(8));
        memory.write(address, content).unwrap();
        address
    };
    let addresses: Vec<u64> = case
        .buffers
        .iter()
        .map(|buffer| place(&buffer.init))
        .collect();
    let mut params = run.params(&image.params, &addresses);
    // The launch is not cooperative.
    params.resize(grid_workspace_offset(image.param_bytes) as usize + 8, 0);
    let params = place(&params);
    let table: Vec<u8> = symbols
        .iter()
        .flat_map(|address| address.to_le_bytes())
        .collect();
    let launch = Launch {
        program: Program::at_window(&image.code),
        entry: weft_isa::abi::CODE_WINDOW + image.entry,
        grid: run.grid,
        block: run.block,
        shared_static_bytes: image.shared_static_bytes.max(image.shared_dynamic_offset),
        shared_dynamic_bytes: run.shared,
        local_bytes_per_lane: image.local_bytes_per_lane.max(1 << 12),
        stack_bytes_per_hart: image.stack_bytes_per_hart.max(1 << 14),
        params,
        symbols: place(&table),
        grid_id: 1,
    };
    match chip.launch(&launch) {
        Ok(_) => Ok(case
            .buffers
            .iter()
            .zip(addresses)
            .map(|(buffer, address)| {
                let mut content = vec![0; buffer.init.len()];
                memory.read(address, &mut content).unwrap();
                content
            })
            .collect()),
        Err(fault) => Err(fault.to_string()),
    }
}
