//! Kubernetes manifests of a plan: a Deployment for each kind of server.

use std::fmt::Write as _;

use super::Choice;
use crate::catalog::Catalog;
use crate::policy::Role;

/// The extended resource under which the device plugin of a vendor offers its chips.
fn resource(vendor: &str, chip: &str) -> String {
    match vendor {
        "Nvidia" => "nvidia.com/gpu",
        "AMD" => "amd.com/gpu",
        "Intel" => "gpu.intel.com/xe",
        "Alibaba T-Head" => "alibabacloud.com/ppu",
        "Cambricon" => "cambricon.com/vmlu",
        "MetaX" => "metax-tech.com/gpu",
        "Enflame" => "enflame.com/gcu",
        "Biren" => "birentech.com/gpu",
        "Iluvatar" => "iluvatar.ai/gpu",
        "Moore Threads" => "mthreads.com/vgpu",
        "Kunlunxin" => "kunlunxin.com/xpu",
        "Google" => "google.com/tpu",
        "Huawei" => return format!("huawei.com/{}", chip.replace([' ', '-'], "")),
        _ => return format!("weft.dev/{chip}"),
    }
    .to_owned()
}

/// The manifests as YAML documents. The image is a placeholder that the reader sets: which server
/// runs on a chip is the vendor's choice.
#[must_use]
pub fn manifests(choice: &Choice) -> String {
    let catalog = Catalog::builtin();
    let mut text = String::new();
    for part in &choice.parts {
        let role = match part.role {
            Role::Both => "both",
            Role::Prefill => "prefill",
            Role::Decode => "decode",
        };
        let vendor = catalog
            .chip(&part.chip)
            .map_or("", |chip| chip.vendor.as_str());
        let name = format!("{}-{}-{role}", part.model.replace('.', "-"), part.chip);
        let _ = write!(
            text,
            "---\n\
             apiVersion: apps/v1\n\
             kind: Deployment\n\
             metadata:\n\
             \x20 name: {name}\n\
             \x20 labels: {{ app: {name}, weft.dev/model: \"{model}\", weft.dev/role: {role} }}\n\
             spec:\n\
             \x20 replicas: {replicas}\n\
             \x20 selector: {{ matchLabels: {{ app: {name} }} }}\n\
             \x20 template:\n\
             \x20   metadata:\n\
             \x20     labels: {{ app: {name}, weft.dev/model: \"{model}\", weft.dev/role: {role} }}\n\
             \x20   spec:\n\
             \x20     containers:\n\
             \x20       - name: server\n\
             \x20         image: \"SET-ME\"\n\
             \x20         ports: [{{ containerPort: 8000 }}]\n\
             \x20         readinessProbe: {{ httpGet: {{ path: /health, port: 8000 }} }}\n\
             \x20         resources: {{ limits: {{ {resource}: {tensor} }} }}\n",
            model = part.model,
            replicas = part.servers,
            resource = resource(vendor, &part.chip),
            tensor = part.tensor,
        );
    }
    text
}
