//! Kinds of servers that a plan can use, with what one of them can take.

use crate::catalog::Catalog;
use crate::model;
use crate::perf::Precision;
use crate::perf::constants::Constants;
use crate::perf::deployment::{Deployment, Parallel};
use crate::perf::serving::steady;
use crate::policy::Role;
use crate::sim::Server;
use crate::spec::{FleetError, server_of};

use super::spec::{Offer, Spec};

/// A kind of server.
#[derive(Debug, Clone)]
pub struct Option {
    /// Which service, from 0.
    pub service: usize,
    /// Its model.
    pub model: String,
    /// The chip.
    pub chip: String,
    /// Whether its maker is domestic.
    pub domestic: bool,
    /// Which phase.
    pub role: Role,
    /// Chips of a server.
    pub tensor: u32,
    /// Precision of the weights.
    pub precision: Precision,
    /// Requests per second within the bounds.
    pub capacity_per_s: f64,
    /// Largest batch within the bounds.
    pub batch_max: u32,
    /// Cost, USD per hour.
    pub usd_per_h: f64,
    /// Board power, W.
    pub watts: f64,
    /// KV bytes of a token.
    pub kv_bytes_per_token: f64,
    /// The server, for the simulator.
    pub server: Server,
}

/// Share of the time per token that the steady state may use; the rest is for bursts.
const TPOT_SHARE: f64 = 0.85;
/// Share of the time that a prefiller may be busy, so that queues stay short.
const PREFILL_BUSY: f64 = 0.65;
/// Largest batch that is considered.
const BATCH_MAX: u32 = 512;

/// All kinds of all services that keep the bounds, and why others do not.
pub(super) fn all(spec: &Spec) -> Result<(Vec<Option>, Vec<String>), FleetError> {
    let (mut options, mut excluded) = (Vec::new(), Vec::new());
    for (index, service) in spec.services().iter().enumerate() {
        let (more, why) = of_service(service)?;
        options.extend(more.into_iter().map(|option| Option {
            service: index,
            ..option
        }));
        for why in why {
            if !excluded.contains(&why) {
                excluded.push(why);
            }
        }
    }
    Ok((options, excluded))
}

fn of_service(spec: &Spec) -> Result<(Vec<Option>, Vec<String>), FleetError> {
    let catalog = Catalog::builtin();
    let constants = Constants::builtin();
    let model = model::find(&spec.model)?;
    let mut options = Vec::new();
    let mut excluded = Vec::new();
    for (index, offer) in spec.chips.iter().enumerate() {
        let chip = catalog.chip(&offer.name)?;
        let price = offer
            .usd_per_h
            .or(chip.rent.as_ref().map(|rent| rent.value));
        let usd_per_h = price.ok_or_else(|| FleetError::Price {
            group: index,
            chip: chip.id.clone(),
        })?;
        let watts = match chip.power_watts() {
            Ok(watts) => watts,
            Err(why) if spec.rules.watts_max.is_some() => {
                excluded.push(format!("{}: {why}, and there is a bound on power", chip.id));
                continue;
            }
            Err(_) => 0.0,
        };
        let forbidden = |vendor: &String| vendor.eq_ignore_ascii_case(&chip.vendor);
        if spec.rules.vendors_forbidden.iter().any(forbidden) {
            excluded.push(format!(
                "{}: its vendor {} is forbidden",
                chip.id, chip.vendor
            ));
            continue;
        }
        for tensor in &offer.tensor {
            let precision = offer.precision.unwrap_or_else(|| Precision::usual(chip));
            let parallel = Parallel {
                tensor: *tensor,
                ..Parallel::ONE
            };
            match Deployment::new(
                chip,
                &model,
                precision,
                offer.kv_bytes,
                parallel,
                &constants,
            ) {
                Err(why) => excluded.push(why.to_string()),
                Ok(deployment) => {
                    let common = Common {
                        spec,
                        offer,
                        chip: &chip.id,
                        domestic: chip.domestic,
                        usd_per_h,
                        watts,
                    };
                    push_roles(&common, &deployment, &mut options, &mut excluded);
                }
            }
        }
    }
    Ok((options, excluded))
}

struct Common<'a> {
    spec: &'a Spec,
    offer: &'a Offer,
    chip: &'a str,
    domestic: bool,
    usd_per_h: f64,
    watts: f64,
}

fn push_roles(
    common: &Common<'_>,
    deployment: &Deployment,
    options: &mut Vec<Option>,
    excluded: &mut Vec<String>,
) {
    let spec = common.spec;
    let (isl, osl) = (spec.traffic.prompt.mean(), spec.traffic.output.mean());
    let tensor = deployment.parallel().tensor;
    let prefill_s = deployment.prefill_s(isl, 0.0);
    let held = deployment.kv_tokens_max() / (isl + osl);
    let tpot_s = spec.slo.tpot_s * TPOT_SHARE;
    let largest = |fits: &dyn Fn(f64) -> bool| {
        let most = f64::from(BATCH_MAX).min(held);
        (1..=BATCH_MAX)
            .rev()
            .find(|batch| f64::from(*batch) <= most && fits(f64::from(*batch)))
    };
    let mut push = |role: Role, batch_max: u32, capacity_per_s: f64| {
        options.push(Option {
            service: 0,
            model: spec.model.clone(),
            chip: common.chip.to_owned(),
            domestic: common.domestic,
            role,
            tensor,
            precision: deployment.precision(),
            capacity_per_s,
            batch_max,
            usd_per_h: common.usd_per_h * f64::from(tensor),
            watts: common.watts * f64::from(tensor),
            kv_bytes_per_token: deployment.kv_bytes_per_token(),
            server: server_of(deployment, common.domestic, role, batch_max, isl),
        });
    };
    let name = format!(
        "{} x {tensor} ({})",
        common.offer.name,
        deployment.precision()
    );
    let prefills = prefill_s <= spec.slo.ttft_s * PREFILL_BUSY;
    if !prefills {
        excluded.push(format!(
            "{name}: a prompt takes {prefill_s:.2} s, so it can only decode"
        ));
    }
    let together = |batch: f64| steady(deployment, isl, osl, batch).tpot_s <= tpot_s;
    if prefills && let Some(batch) = largest(&together) {
        let rate = steady(deployment, isl, osl, f64::from(batch)).requests_per_s;
        push(Role::Both, batch, rate.min(PREFILL_BUSY / prefill_s));
    }
    if spec.link.is_none() {
        return;
    }
    if prefills {
        push(Role::Prefill, 16, PREFILL_BUSY / prefill_s);
    }
    let step_s = |batch: f64| deployment.decode_s(batch, batch * (isl + osl / 2.0));
    match largest(&|batch| step_s(batch) <= tpot_s) {
        // A handover takes part of the time per token of short answers; the rest is the guard's.
        Some(batch) => push(
            Role::Decode,
            batch,
            TPOT_SHARE * f64::from(batch) / (osl * step_s(f64::from(batch))),
        ),
        None => excluded.push(format!(
            "{name}: a step takes {:.3} s, so it cannot decode",
            step_s(1.0)
        )),
    }
}
