//! Prefill on one chip and decode on another, against both phases on each.

use serde::Serialize;

use super::{Interval, capacity};
use crate::catalog::Catalog;
use crate::model;
use crate::perf::Precision;
use crate::perf::constants::Constants;
use crate::perf::deployment::{Deployment, Parallel};
use crate::policy::{self, Role, Slo};
use crate::sim::{Link, Server, Setup};
use crate::spec::{FleetError, server_of};
use crate::trace::{Lengths, Synthetic};

/// One fleet of the comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Phases {
    /// Chips that prefill well.
    pub gpus: u32,
    /// Chips that decode well.
    pub decoders: u32,
    /// Requests/s with both phases of each request on one chip, whichever, under the best policy.
    pub together_per_s: Interval,
    /// Requests/s with prefill on the GPUs only and decode on the others only.
    pub apart_per_s: Interval,
    /// Requests/s where every chip does both and each request is parted or not, as the better of
    /// the policies that part them expects.
    pub chosen_per_s: Interval,
    /// Board power of the fleet, W.
    pub watts: f64,
}

/// Share of requests that must be within the bounds.
const SHARE: f64 = 0.9;
/// Requests of each sample.
const REQUESTS: u64 = 3000;

/// Requests of 1,024 tokens in and 256 out to `model` on `gpus` chips `gpu` and `decoders` chips
/// `decoder`, joined by `link`, in INT8.
///
/// # Errors
/// When a name is unknown or the model does not fit.
pub fn phases(
    model: &str,
    (gpu, decoder): (&str, &str),
    fleets: &[(u32, u32)],
    (slo, link): (Slo, &Link),
    seeds: u64,
) -> Result<Vec<Phases>, FleetError> {
    let catalog = Catalog::builtin();
    let constants = Constants::builtin();
    let model = model::find(model)?;
    let deployment = |name: &str, kv_bytes: f64| -> Result<Deployment, FleetError> {
        let chip = catalog.chip(name)?;
        let one = Parallel::ONE;
        Deployment::new(chip, &model, Precision::Int8, kv_bytes, one, &constants)
            .map_err(|why| FleetError::Group { group: 0, why })
    };
    let (gpu_chip, decoder_chip) = (catalog.chip(gpu)?, catalog.chip(decoder)?);
    let watts = |count: u32, chip: &crate::catalog::Chip| {
        f64::from(count) * chip.power_watts().unwrap_or(0.0)
    };
    let (gpu, decoder) = (deployment(gpu, 1.0)?, deployment(decoder, 1.0)?);
    let kv_bytes = gpu.kv_bytes_per_token();
    let mut rows = Vec::new();
    for (gpus, decoders) in fleets.iter().copied() {
        let setup = |roles: (Role, Role),
                     name: &str,
                     link: Option<&Link>|
         -> Result<Setup<'static>, FleetError> {
            let parts = [(&gpu, gpus, roles.0, 64), (&decoder, decoders, roles.1, 24)];
            let servers = parts.iter().enumerate().flat_map(|(group, part)| {
                let (deployment, count, role, batch) = *part;
                let server = server_of(deployment, group == 1, role, batch, 1024.0);
                (0..count).map(move |_| Server {
                    group,
                    ..server.clone()
                })
            });
            Ok(Setup {
                servers: servers.collect(),
                policy: policy::by_name(name)?,
                slo: Some(slo),
                link: link.map(|link| (link.clone(), kv_bytes)),
                incidents: Vec::new(),
                autoscale: None,
            })
        };
        let both = (Role::Both, Role::Both);
        let names = policy::ALL.iter().map(|policy| policy.name());
        let together: Result<Vec<Setup<'_>>, FleetError> = names
            .filter(|name| *name != "prefill-decode-split")
            .map(|name| setup(both, name, None))
            .collect();
        let together = together?;
        let apart = setup(
            (Role::Prefill, Role::Decode),
            "prefill-decode-split",
            Some(link),
        )?;
        let chosen = ["prefill-decode-split", "added-seconds"];
        let chosen: Result<Vec<Setup<'_>>, FleetError> = chosen
            .iter()
            .map(|name| setup(both, name, Some(link)))
            .collect();
        let chosen = chosen?;
        let mut rates = [const { Vec::new() }; 3];
        for seed in 0..seeds {
            let trace = Synthetic {
                prompt: Lengths::fixed(1024),
                output: Lengths::fixed(256),
                burstiness: 1.0,
                ..Synthetic::azure_conversation(REQUESTS, 1.0, seed)
            }
            .trace();
            let of = |setup: &Setup<'_>, guess: f64| {
                capacity(&trace, setup, SHARE, guess).map_or(0.0, |it| it.rate_per_s)
            };
            let mut best: f64 = 0.0;
            for setup in &together {
                best = best.max(of(setup, best.max(1.0)));
            }
            rates[0].push(best);
            rates[1].push(if gpus > 0 && decoders > 0 {
                of(&apart, best.max(1.0))
            } else {
                0.0
            });
            let chosen = chosen.iter().map(|setup| of(setup, best.max(1.0)));
            rates[2].push(chosen.fold(0.0, f64::max));
        }
        let [together, apart, chosen] = rates.map(|rates| Interval::of(&rates));
        rows.push(Phases {
            gpus,
            decoders,
            together_per_s: together,
            apart_per_s: apart,
            chosen_per_s: chosen,
            watts: watts(gpus, gpu_chip) + watts(decoders, decoder_chip),
        });
    }
    Ok(rows)
}
