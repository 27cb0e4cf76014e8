//! Structures have the layout of NVIDIA's public headers, asked of a C compiler where the toolchain
//! with the headers was made (`cargo xtask toolchain`).

use crate::c::{
    Array3dDescriptor, ArrayDescriptor, ArrayMemoryRequirements, BatchMemOp, BatchMemOpNodeParams,
    ChildNodeParams, ConditionalNodeParams, Copy3dBatchOp, EdgeData, HostNodeParams,
    InstantiateParams, KernelNodeParams, KernelNodeParamsV1, LaunchConfig, MemAccessDesc,
    MemAllocNodeParams, MemAllocationProp, MemPoolProps, Memcpy2D, Memcpy3D, Memcpy3DPeer,
    MemcpyAttributes, MemcpyNodeParams, MemsetNodeParams, MemsetNodeParamsV2, NodeParams,
    ResourceDesc, ResourceViewDesc, TextureDesc, UpdateResult,
};
use std::fmt::Write as _;
use std::io::Write as _;
use std::mem::offset_of;
use std::path::Path;
use std::process::{Command, Stdio};

/// Assertions about one structure: its size, and where its fields are.
fn assertions(c_name: &str, size: usize, fields: &[(&str, usize)]) -> String {
    let mut text = format!("_Static_assert(sizeof({c_name}) == {size}, \"size of {c_name}\");\n");
    for (field, offset) in fields {
        let _ = writeln!(
            text,
            "_Static_assert(offsetof({c_name}, {field}) == {offset}, \"{c_name}.{field}\");"
        );
    }
    text
}

macro_rules! layouts {
    ($($name:ident = $c_name:literal { $($field:ident = $c_field:literal),* $(,)? })*) => {
        [$(assertions(
            $c_name,
            size_of::<$name>(),
            &[$(($c_field, offset_of!($name, $field))),*],
        )),*]
    };
}

fn program() -> String {
    let all = layouts! {
        ArrayDescriptor = "CUDA_ARRAY_DESCRIPTOR" { format = "Format", channels = "NumChannels" }
        Array3dDescriptor = "CUDA_ARRAY3D_DESCRIPTOR" {
            depth = "Depth", format = "Format", channels = "NumChannels", flags = "Flags",
        }
        ArrayMemoryRequirements = "CUDA_ARRAY_MEMORY_REQUIREMENTS" { alignment = "alignment" }
        ResourceDesc = "CUDA_RESOURCE_DESC" { resource = "res", flags = "flags" }
        ResourceViewDesc = "CUDA_RESOURCE_VIEW_DESC" {
            width = "width", first_level = "firstMipmapLevel", last_layer = "lastLayer",
        }
        TextureDesc = "CUDA_TEXTURE_DESC" {
            filter_mode = "filterMode", flags = "flags", level_filter_mode = "mipmapFilterMode",
            level_max = "maxMipmapLevelClamp", border = "borderColor",
        }
        Memcpy2D = "CUDA_MEMCPY2D" {
            src_type = "srcMemoryType", dst_x = "dstXInBytes", dst_array = "dstArray",
            height = "Height",
        }
        Memcpy3D = "CUDA_MEMCPY3D" {
            src_lod = "srcLOD", src_array = "srcArray", src_height = "srcHeight",
            dst_x = "dstXInBytes", dst_type = "dstMemoryType", depth = "Depth",
        }
        Memcpy3DPeer = "CUDA_MEMCPY3D_PEER" {}
        MemcpyAttributes = "CUmemcpyAttributes" {
            from = "srcLocHint", to = "dstLocHint", flags = "flags",
        }
        Copy3dBatchOp = "CUDA_MEMCPY3D_BATCH_OP" {
            to = "dst", extent = "extent", order = "srcAccessOrder", flags = "flags",
        }
        MemPoolProps = "CUmemPoolProps" {
            handle_types = "handleTypes", location = "location", max_size = "maxSize",
            usage = "usage",
        }
        MemAccessDesc = "CUmemAccessDesc" { flags = "flags" }
        MemAllocationProp = "CUmemAllocationProp" {
            handle_types = "requestedHandleTypes", location = "location",
            metadata = "win32HandleMetaData", allocation_flags = "allocFlags",
        }
        BatchMemOp = "CUstreamBatchMemOpParams" {
            address = "waitValue.address", value = "waitValue.value64",
            flags = "waitValue.flags", barrier_flags = "memoryBarrier.flags",
        }
        LaunchConfig = "CUlaunchConfig" {
            block = "blockDimX", shared_bytes = "sharedMemBytes", stream = "hStream",
            attributes = "attrs", attribute_count = "numAttrs",
        }
        KernelNodeParamsV1 = "CUDA_KERNEL_NODE_PARAMS_v1" {
            block = "blockDimX", parameters = "kernelParams", extra = "extra",
        }
        KernelNodeParams = "CUDA_KERNEL_NODE_PARAMS_v2" {
            shared_bytes = "sharedMemBytes", kern = "kern", ctx = "ctx",
        }
        MemsetNodeParams = "CUDA_MEMSET_NODE_PARAMS" {
            value = "value", element_size = "elementSize", height = "height",
        }
        MemsetNodeParamsV2 = "CUDA_MEMSET_NODE_PARAMS_v2" { ctx = "ctx" }
        HostNodeParams = "CUDA_HOST_NODE_PARAMS" { data = "userData" }
        MemcpyNodeParams = "CUDA_MEMCPY_NODE_PARAMS" { ctx = "copyCtx", copy = "copyParams" }
        ChildNodeParams = "CUDA_CHILD_GRAPH_NODE_PARAMS" { ownership = "ownership" }
        MemAllocNodeParams = "CUDA_MEM_ALLOC_NODE_PARAMS" {
            access = "accessDescs", bytes = "bytesize", address = "dptr",
        }
        BatchMemOpNodeParams = "CUDA_BATCH_MEM_OP_NODE_PARAMS" {
            count = "count", operations = "paramArray", flags = "flags",
        }
        ConditionalNodeParams = "CUDA_CONDITIONAL_NODE_PARAMS" {
            kind = "type", size = "size", graphs = "phGraph_out", ctx = "ctx",
        }
        NodeParams = "CUgraphNodeParams" { bytes = "reserved1", reserved2 = "reserved2" }
        EdgeData = "CUgraphEdgeData" { to_port = "to_port", kind = "type" }
        UpdateResult = "CUgraphExecUpdateResultInfo" { node = "errorNode", from = "errorFromNode" }
        InstantiateParams = "CUDA_GRAPH_INSTANTIATE_PARAMS" {
            upload_stream = "hUploadStream", error_node = "hErrNode_out", result = "result_out",
        }
    };
    format!("#include <cuda.h>\n#include <stddef.h>\n{}", all.concat())
}

#[test]
fn structures_are_those_of_the_headers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let include = root.join("toolchain/cuda/include");
    if !include.join("cuda.h").exists() {
        return; // The toolchain is not made: sizes are then compared by CI only.
    }
    let compiler = Command::new("cc")
        .args(["-std=c11", "-fsyntax-only", "-x", "c", "-I"])
        .arg(&include)
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut compiler) = compiler else {
        return; // No C compiler.
    };
    compiler
        .stdin
        .take()
        .unwrap()
        .write_all(program().as_bytes())
        .unwrap();
    let output = compiler.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
}
