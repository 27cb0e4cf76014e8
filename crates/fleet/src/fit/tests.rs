//! The fit on tables that are made up, so that the right answer is known.

use super::tables::{Attention, Gemm, Phase, Served};
use super::*;
use crate::perf::Precision;
use crate::perf::gemm::{self, Hardware, Shape};

fn made_up() -> Vec<Gemm> {
    let constants = gemm::Constants {
        compute_share: 0.7,
        memory_share: 0.8,
        launch_s: 5e-6,
        pad_m: 20.0,
        pad_n: 50.0,
        pad_k: 100.0,
        sharpness: 3.0,
        cache_gain: 0.2,
    };
    let on = Hardware {
        ops_per_s: 989e12,
        bytes_per_s: 3350e9,
        cache_bytes: 50e6,
    };
    let mut rows = Vec::new();
    for n in [1024.0, 2048.0, 4096.0, 6144.0, 12288.0] {
        for k in [1024.0, 2048.0, 4096.0, 6144.0] {
            for m in [1.0, 16.0, 128.0, 512.0, 2048.0, 8192.0] {
                let shape = Shape { m, n, k };
                let us = gemm::seconds(&constants, &on, shape, Precision::Bf16) * 1e6;
                let chip = "h100-sxm".to_owned();
                rows.push(Gemm {
                    chip,
                    precision: Precision::Bf16,
                    m,
                    n,
                    k,
                    us,
                });
            }
        }
    }
    rows
}

#[test]
fn a_table_that_follows_the_law_is_fitted_exactly() {
    let tables = Tables {
        gemm: made_up(),
        ..Tables::default()
    };
    let (constants, report) = fit(&tables, &Catalog::builtin()).unwrap();
    let errors = constants.gemm[0].errors.unwrap();
    assert!(errors.mape < 0.005, "{errors:?}");
    assert!(
        errors.held_out_rows > 20 && errors.fitted_rows > 40,
        "{errors:?}"
    );
    assert!(report.rejected.is_empty());
}

#[test]
fn held_out_shapes_have_no_fitted_row() {
    let rows = made_up();
    for row in &rows {
        let same: Vec<bool> = rows
            .iter()
            .filter(|other| {
                other.n.to_bits() == row.n.to_bits() && other.k.to_bits() == row.k.to_bits()
            })
            .map(|other| held_out(&[other.n.to_bits(), other.k.to_bits()]))
            .collect();
        assert!(same.iter().all(|held| *held == same[0]));
    }
}

#[test]
fn rows_faster_than_physics_are_left_out_by_name() {
    let mut rows = made_up();
    rows[5].us = 1.0; // 8192 x 1024 x 1024 in a microsecond.
    let tables = Tables {
        gemm: rows,
        ..Tables::default()
    };
    let (_, report) = fit(&tables, &Catalog::builtin()).unwrap();
    assert_eq!(report.rejected.len(), 1);
    assert!(
        report.rejected[0].1.contains("of a peak of 989"),
        "{:?}",
        report.rejected
    );
}

#[test]
fn keys_and_values_cannot_come_faster_than_the_memory() {
    // 1.6 times the bandwidth of the chip, as some public tables have it.
    let kv_bytes = 64.0 * 16384.0 * 8.0 * 512.0;
    let row = Attention {
        chip: "h100-sxm".to_owned(),
        phase: Phase::Decode,
        batch: 64.0,
        tokens: 16384.0,
        heads: 32.0,
        kv_heads: 8.0,
        us: kv_bytes / (1.6 * 3350e9) * 1e6,
    };
    let why = physics::attention(&row, &Catalog::builtin()).unwrap();
    assert!(why.unwrap().contains("GB/s, of a bandwidth of 3350"));
    let honest = Attention {
        us: row.us * 2.0,
        ..row
    };
    assert_eq!(
        physics::attention(&honest, &Catalog::builtin()).unwrap(),
        None
    );
}

#[test]
fn a_server_cannot_answer_faster_than_its_chip_computes_prompts() {
    // 14 prompts of 4,000 tokens a second each take 60 T operations: 0.9 P operations/s.
    let honest = Served {
        model: "llama-3.1-8b".to_owned(),
        chip: "h100-sxm".to_owned(),
        backend: "any".to_owned(),
        precision: "fp8".to_owned(),
        isl: 4000.0,
        osl: 100.0,
        batch: 32.0,
        tensor: 1,
        ttft_ms: 100.0,
        tpot_ms: 22.0,
    };
    let catalog = Catalog::builtin();
    let model = crate::model::find(&honest.model).unwrap();
    let chip = catalog.chip("h100-sxm").unwrap();
    let why = |row: &Served| physics::served(row, chip, &model, Precision::Fp8);
    assert_eq!(why(&honest), None);
    let impossible = Served {
        tpot_ms: 5.0,
        ..honest
    };
    assert!(
        why(&impossible)
            .unwrap()
            .contains("5.00 ms a token, of at least")
    );
}

#[test]
fn a_broken_table_names_the_line() {
    let text = "chip,precision,m,n,k,us\nh100-sxm,bf16,1,2,3,4\nh100-sxm,bf16,1,x,3,4\n";
    let error = tables::rows::<Gemm>("gemm", text).unwrap_err();
    assert_eq!(error.line, Some(3));
    assert!(error.to_string().starts_with("gemm.csv:3: "), "{error}");
    let tables = Tables {
        gemm: vec![Gemm {
            chip: "h1000".to_owned(),
            ..made_up()[0].clone()
        }],
        ..Tables::default()
    };
    let error = fit(&tables, &Catalog::builtin()).unwrap_err();
    assert!(
        error.to_string().contains("unknown chip `h1000`"),
        "{error}"
    );
}
