//! Every field is used, known to be without effect, of its one supported value, or refused.

use super::{Architecture, ModelConfig, RopeScaling};
use crate::error::Error;
use serde_json::{Value, json};

fn qwen2() -> Value {
    json!({
        "model_type": "qwen2", "vocab_size": 512, "hidden_size": 64, "intermediate_size": 160,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": 256, "rms_norm_eps": 1e-6, "rope_theta": 1e6,
        "hidden_act": "silu", "use_sliding_window": false, "sliding_window": 4096,
        "max_window_layers": 2, "tie_word_embeddings": true, "eos_token_id": [1, 2],
        "torch_dtype": "bfloat16", "transformers_version": "4.40.0"
    })
}

fn with(field: &str, value: Value) -> Result<ModelConfig, Error> {
    let mut config = qwen2();
    config[field] = value;
    ModelConfig::from_json(&config.to_string())
}

#[test]
fn the_hub_spelling_is_read() {
    let config = ModelConfig::from_json(&qwen2().to_string()).expect("supported");
    assert_eq!(config.architecture, Architecture::Qwen2);
    assert!(config.qkv_bias && !config.output_bias && config.tie_word_embeddings);
    assert_eq!((config.head_dim, config.rope.theta), (16, 1e6));
    assert_eq!(config.eos_token_id, [1, 2]);
}

#[test]
fn parameters_are_counted_as_the_checkpoints_have_them() {
    let count = |path: &str| {
        let path = format!("{}/{path}/config.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("a config");
        ModelConfig::from_json(&text)
            .expect("supported")
            .parameter_count()
    };
    assert_eq!(count("tests/golden/qwen2"), 195_392);
    assert_eq!(count("tests/golden/qwen2.5-tied"), 162_624);
    assert_eq!(count("tests/golden/qwen3"), 199_296);
    assert_eq!(count("tests/golden/qwen3-moe"), 362_624);
    assert_eq!(count("../../models/weft-tiny"), 1_712_160);
}

#[test]
fn what_is_not_computed_is_refused_by_name() {
    for (field, value) in [
        ("model_type", json!("gemma3")),
        ("hidden_act", json!("gelu")),
        ("use_sliding_window", json!(true)),
        ("mlp_bias", json!(true)),
        ("layer_types", json!(["full_attention", "linear_attention"])),
        ("quantization_config", json!({"quant_method": "fp8"})),
        ("num_experts", json!(8)),
        ("something_new", json!(0.5)),
        (
            "rope_scaling",
            json!({"rope_type": "dynamic", "factor": 2.0}),
        ),
        (
            "rope_scaling",
            json!({"rope_type": "default", "mrope_section": [1, 2]}),
        ),
    ] {
        match with(field, value.clone()) {
            Err(Error::UnsupportedConfig { field: named, .. }) => {
                assert!(named.starts_with(field), "{named} for {field}");
            }
            other => panic!("{field} = {value}: {other:?}"),
        }
    }
}

#[test]
fn nonsense_is_refused_by_name() {
    for (field, value) in [
        ("hidden_size", json!(0)),
        ("hidden_size", json!(1u64 << 40)),
        ("num_attention_heads", json!(3)),
        ("num_key_value_heads", json!(3)),
        ("head_dim", json!(15)),
        ("vocab_size", json!("many")),
        ("rms_norm_eps", json!(-1.0)),
        ("rope_theta", json!(0)),
        ("eos_token_id", json!([1.5])),
        ("tie_word_embeddings", json!("yes")),
    ] {
        let error = with(field, value.clone()).expect_err("nonsense");
        assert!(matches!(error, Error::InvalidConfig(_)), "{field}: {error}");
    }
    assert!(ModelConfig::from_json("[1]").is_err());
    assert!(ModelConfig::from_json("{").is_err());
}

/// Frequencies of Transformers 5.23 `_compute_yarn_parameters` for head_dim 8, theta 1e6, factor
/// 4, original context 32,768, computed from its formulas with Python's `math`.
#[test]
fn yarn_is_that_of_transformers() {
    let scaling = json!({
        "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768
    });
    let mut config = qwen2();
    config["head_dim"] = json!(8);
    config["rope_scaling"] = scaling;
    let config = ModelConfig::from_json(&config.to_string()).expect("supported");
    assert!(matches!(config.rope.scaling, RopeScaling::Yarn { .. }));
    let (frequencies, factor) = config.rope.frequencies(config.head_dim);
    assert!((factor - 1.138_629_436_111_989).abs() < 1e-12);
    let expected = YARN;
    for (found, expected) in frequencies.into_iter().zip(expected) {
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
    }
}

/// See `yarn_is_that_of_transformers`.
const YARN: [f64; 4] = [1.0, 0.03162277660168379, 0.000625, 7.905694150420949e-6];
