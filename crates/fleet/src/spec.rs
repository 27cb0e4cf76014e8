//! Fleets as they are written down in TOML, and their translation into a simulation.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::model;
use crate::names::UnknownName;
use crate::perf::Precision;
use crate::perf::constants::Constants;
use crate::perf::deployment::{Deployment, Impossible, Parallel};
use crate::policy::{self, CHUNK_TOKENS, Role, Slo};
use crate::sim::{Autoscale, Incident, Link, Server, Setup, TimedIncident};

/// A fleet: servers in groups, and how requests reach them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    /// The model that every server serves.
    pub model: String,
    /// Name of the routing policy.
    pub policy: String,
    /// What users were promised.
    pub slo: Option<Slo>,
    /// The link between prefill and decode; without one the phases do not part.
    pub link: Option<Link>,
    /// The servers.
    #[serde(rename = "group")]
    pub groups: Vec<Group>,
    /// What goes wrong.
    #[serde(default, rename = "incident")]
    pub incidents: Vec<GroupIncident>,
    /// When servers are started and stopped.
    pub autoscale: Option<Autoscale>,
}

/// Servers that are alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// A chip of the catalogue.
    pub chip: String,
    /// Servers that are there from the beginning.
    pub count: u32,
    /// Servers that the autoscaler may have; `count` when absent.
    pub count_max: Option<u32>,
    /// Precision of the weights; the best of INT8, FP8 and BF16 that the chip has when absent.
    pub precision: Option<Precision>,
    /// Bytes of an element of keys and values: 1 or 2.
    #[serde(default = "two")]
    pub kv_bytes: f64,
    /// Chips of a server that share each layer.
    #[serde(default = "one")]
    pub tensor: u32,
    /// Which phase it does.
    #[serde(default)]
    pub role: Role,
    /// Most requests that run together.
    #[serde(default = "batch")]
    pub batch_max: u32,
    /// Most tokens of prompts in one step; 2,048 when absent. Fewer make steps more even, and
    /// prompts slower.
    pub chunk_tokens: Option<NonZeroU32>,
    /// Cost of one chip, USD per hour; the rent of the catalogue when absent.
    pub usd_per_h: Option<f64>,
}

/// An incident of a server of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupIncident {
    /// When, s.
    pub at_s: f64,
    /// Which group, from 0.
    pub group: usize,
    /// Which of its servers, from 0.
    pub server: usize,
    /// What happens.
    pub what: Incident,
}

fn one() -> u32 {
    1
}
fn two() -> f64 {
    2.0
}
fn batch() -> u32 {
    64
}

/// Why a fleet cannot be simulated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FleetError {
    /// The text is not a fleet; the message has the line.
    #[error("{0}")]
    Text(String),
    /// A chip, model or policy that does not exist.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// A group that cannot serve the model.
    #[error("group {group}: {why}")]
    Group {
        /// Which group, from 0.
        group: usize,
        /// Why.
        why: Impossible,
    },
    /// No price.
    #[error("group {group}: no rent of {chip} is known; give usd_per_h")]
    Price {
        /// Which group, from 0.
        group: usize,
        /// The chip.
        chip: String,
    },
    /// An incident of a server that does not exist.
    #[error("incident {0}: there is no such group or server")]
    Incident(usize),
}

impl Fleet {
    /// Reads a fleet.
    ///
    /// # Errors
    /// When `text` is not one; the message has the line.
    pub fn parse(text: &str) -> Result<Self, FleetError> {
        toml::from_str(text).map_err(|error| FleetError::Text(error.to_string()))
    }

    /// The fleet as a simulation, for requests of about `prompt_tokens` each.
    ///
    /// # Errors
    /// When a name is unknown, a group cannot serve the model, or a price is missing.
    pub fn setup(&self, prompt_tokens: f64) -> Result<Setup<'static>, FleetError> {
        let catalog = Catalog::builtin();
        let constants = Constants::builtin();
        let model = model::find(&self.model)?;
        let mut servers = Vec::new();
        let mut firsts = Vec::new();
        let mut kv_bytes_per_token: f64 = 0.0;
        for (index, group) in self.groups.iter().enumerate() {
            let chip = catalog.chip(&group.chip)?;
            let precision = group.precision.unwrap_or_else(|| Precision::usual(chip));
            let parallel = Parallel {
                tensor: group.tensor,
                ..Parallel::ONE
            };
            let deployment = Deployment::new(
                chip,
                &model,
                precision,
                group.kv_bytes,
                parallel,
                &constants,
            )
            .map_err(|why| FleetError::Group { group: index, why })?;
            let price = group
                .usd_per_h
                .or(chip.rent.as_ref().map(|rent| rent.value));
            let usd_per_h = price.ok_or_else(|| FleetError::Price {
                group: index,
                chip: chip.id.clone(),
            })?;
            kv_bytes_per_token = kv_bytes_per_token.max(deployment.kv_bytes_per_token());
            firsts.push(servers.len());
            let server = server_of(
                &deployment,
                chip.domestic,
                group.role,
                group.batch_max,
                prompt_tokens,
            );
            let server = Server {
                chunk_tokens: group
                    .chunk_tokens
                    .map_or(server.chunk_tokens, NonZeroU32::get),
                ..server
            };
            for number in 0..group.count_max.unwrap_or(group.count).max(group.count) {
                servers.push(Server {
                    group: index,
                    usd_per_s: usd_per_h * f64::from(group.tensor) / 3600.0,
                    started: number < group.count,
                    ..server.clone()
                });
            }
        }
        let mut incidents = Vec::new();
        for (index, incident) in self.incidents.iter().enumerate() {
            let first = firsts
                .get(incident.group)
                .ok_or(FleetError::Incident(index))?;
            let server = first + incident.server;
            if servers
                .get(server)
                .is_none_or(|it: &Server| it.group != incident.group)
            {
                return Err(FleetError::Incident(index));
            }
            incidents.push(TimedIncident {
                at_s: incident.at_s,
                server,
                what: incident.what,
            });
        }
        Ok(Setup {
            servers,
            policy: policy::by_name(&self.policy)?,
            slo: self.slo,
            link: self.link.clone().map(|link| (link, kv_bytes_per_token)),
            incidents,
            autoscale: self.autoscale,
        })
    }
}

/// A server of a deployment, free of charge and in group 0.
pub(crate) fn server_of(
    deployment: &Deployment,
    domestic: bool,
    role: Role,
    batch_max: u32,
    prompt_tokens: f64,
) -> Server {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of tokens that fit into memory"
    )]
    let kv_tokens_max = deployment.kv_tokens_max() as u64;
    Server {
        group: 0,
        role,
        domestic,
        speed: deployment.speed(prompt_tokens, f64::from(batch_max) / 2.0),
        running_max: batch_max,
        kv_tokens_max,
        chunk_tokens: CHUNK_TOKENS,
        usd_per_s: 0.0,
        started: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLEET: &str = r#"
model = "qwen2.5-7b"
policy = "predicted-seconds"
slo = { ttft_s = 2.0, tpot_s = 0.05 }

[[group]]
chip = "l4"
count = 2
usd_per_h = 0.7

[[group]]
chip = "w1"
count = 3
kv_bytes = 1
usd_per_h = 0.2

[[incident]]
at_s = 10
group = 1
server = 2
what = { slows = 3.0 }
"#;

    #[test]
    fn a_fleet_becomes_servers() {
        let setup = Fleet::parse(FLEET).unwrap().setup(1000.0).unwrap();
        assert_eq!(setup.servers.len(), 5);
        assert_eq!(setup.incidents[0].server, 4);
        assert!(setup.servers[4].domestic && !setup.servers[0].domestic);
        // The chip of 12 TOPS prefills far slower than the one of 242.
        let slower =
            setup.servers[4].speed.prefill_s_per_token / setup.servers[0].speed.prefill_s_per_token;
        assert!((5.0..40.0).contains(&slower), "{slower}");
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: String| {
            Fleet::parse(&text)
                .and_then(|it| it.setup(1000.0))
                .unwrap_err()
                .to_string()
        };
        assert!(
            error(FLEET.replace("\"l4\"", "\"l44\"")).contains("unknown chip `l44`; near it: l4")
        );
        assert!(error(FLEET.replace("qwen2.5-7b", "qwen2.5-8b")).contains("qwen2.5-7b"));
        assert!(error(FLEET.replace("server = 2", "server = 3")).contains("incident 0"));
        assert!(error(FLEET.replace("usd_per_h = 0.2", "")).contains("give usd_per_h"));
        assert!(error(FLEET.replace("qwen2.5-7b", "qwen3-32b")).contains("group 0: qwen3-32b"));
        assert!(error(FLEET.replace("count = 3", "cont = 3")).contains("line "));
    }
}
