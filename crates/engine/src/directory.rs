//! A checkpoint on disk: a Hugging Face folder, or a GGUF file.

use crate::config::{ModelConfig, token_list};
use crate::error::Error;
use crate::weights::{GgufCheckpoint, SafetensorsFiles, TensorSource};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Files of a checkpoint, found and the small ones read. Weights are read by the engine.
#[derive(Clone, Debug)]
pub struct ModelDirectory {
    path: PathBuf,
    config: ModelConfig,
    tokenizer: Option<TokenizerSource>,
    chat_template: Option<String>,
    special_tokens: SpecialTokens,
    generation: GenerationDefaults,
}

/// Where a checkpoint's tokenizer is.
#[derive(Clone, Debug)]
pub(crate) enum TokenizerSource {
    /// A tokenizer.json.
    File(PathBuf),
    /// The text of one, made from a GGUF file's metadata.
    Json(String),
}

/// Texts of tokens that chat templates refer to, from tokenizer_config.json.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpecialTokens {
    /// Beginning of a sequence.
    pub bos: Option<String>,
    /// End of a sequence.
    pub eos: Option<String>,
    /// Padding.
    pub pad: Option<String>,
}

/// What generation_config.json says: the maker's defaults for sampling.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GenerationDefaults {
    /// Tokens that end an answer; those of config.json when the file names none.
    pub eos_token_id: Vec<u32>,
    /// Temperature.
    pub temperature: Option<f32>,
    /// Top-k.
    pub top_k: Option<u32>,
    /// Top-p.
    pub top_p: Option<f32>,
    /// Min-p.
    pub min_p: Option<f32>,
    /// Repetition penalty.
    pub repetition_penalty: Option<f32>,
}

impl ModelDirectory {
    /// Reads a folder with config.json, a GGUF file, or a folder with one GGUF file.
    ///
    /// # Errors
    ///
    /// If a file is absent or wrong, or the model is not supported.
    pub fn open(path: &Path) -> Result<Self, Error> {
        match gguf_file(path)? {
            Some(file) => Self::open_gguf(&file),
            None => Self::open_folder(path),
        }
    }

    fn open_gguf(path: &Path) -> Result<Self, Error> {
        let checkpoint = GgufCheckpoint::open(path)?;
        Ok(Self {
            path: path.to_owned(),
            config: checkpoint.config().clone(),
            tokenizer: checkpoint.tokenizer_json()?.map(TokenizerSource::Json),
            chat_template: checkpoint.chat_template(),
            special_tokens: checkpoint.special_tokens(),
            generation: checkpoint.generation_defaults(),
        })
    }

    fn open_folder(path: &Path) -> Result<Self, Error> {
        let config = ModelConfig::from_json(&read_text(&path.join("config.json"))?)?;
        let generation = match read_json(&path.join("generation_config.json"))? {
            Some(value) => GenerationDefaults::from_json(&value, &config),
            None => GenerationDefaults {
                eos_token_id: config.eos_token_id.clone(),
                ..GenerationDefaults::default()
            },
        };
        let tokenizer_config =
            read_json(&path.join("tokenizer_config.json"))?.unwrap_or(Value::Null);
        let template_file = path.join("chat_template.jinja");
        let chat_template = if template_file.exists() {
            Some(read_text(&template_file)?)
        } else {
            chat_template(&tokenizer_config)
        };
        let tokenizer = path.join("tokenizer.json");
        Ok(Self {
            config,
            tokenizer: tokenizer
                .exists()
                .then_some(TokenizerSource::File(tokenizer)),
            chat_template,
            special_tokens: SpecialTokens {
                bos: token_text(&tokenizer_config["bos_token"]),
                eos: token_text(&tokenizer_config["eos_token"]),
                pad: token_text(&tokenizer_config["pad_token"]),
            },
            generation,
            path: path.to_owned(),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The model's name: the last part of the path, or `ORG/NAME` for a version in the cache of the
    /// Hugging Face hub (`models--ORG--NAME/snapshots/COMMIT`).
    #[must_use]
    pub fn name(&self) -> String {
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        if let Some(name) = hub_name(&path) {
            return name;
        }
        let name = if path.is_dir() {
            path.file_name()
        } else {
            path.file_stem()
        };
        name.map_or_else(|| "model".to_owned(), |name| name.display().to_string())
    }

    /// Shape of the model.
    #[must_use]
    pub const fn config(&self) -> &ModelConfig {
        &self.config
    }

    pub(crate) const fn tokenizer(&self) -> Option<&TokenizerSource> {
        self.tokenizer.as_ref()
    }

    /// Opens the weights.
    pub(crate) fn tensors(&self) -> Result<Box<dyn TensorSource>, Error> {
        if self.path.is_dir() {
            Ok(Box::new(SafetensorsFiles::open(&self.path)?))
        } else {
            Ok(Box::new(GgufCheckpoint::open(&self.path)?))
        }
    }

    /// Jinja text of the chat template.
    #[must_use]
    pub fn chat_template(&self) -> Option<&str> {
        self.chat_template.as_deref()
    }

    /// Texts of special tokens.
    #[must_use]
    pub const fn special_tokens(&self) -> &SpecialTokens {
        &self.special_tokens
    }

    /// The maker's defaults for sampling.
    #[must_use]
    pub const fn generation_defaults(&self) -> &GenerationDefaults {
        &self.generation
    }
}

impl GenerationDefaults {
    fn from_json(value: &Value, config: &ModelConfig) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "sampling parameters are f32"
        )]
        let number = |name: &str| value[name].as_f64().map(|number| number as f32);
        let eos = token_list(&value["eos_token_id"]).unwrap_or_default();
        Self {
            eos_token_id: if eos.is_empty() {
                config.eos_token_id.clone()
            } else {
                eos
            },
            temperature: number("temperature"),
            top_k: value["top_k"].as_u64().and_then(|k| u32::try_from(k).ok()),
            top_p: number("top_p"),
            min_p: number("min_p"),
            repetition_penalty: number("repetition_penalty"),
        }
    }
}

/// The GGUF file that a path means: itself, or the only one of a folder without config.json.
fn gguf_file(path: &Path) -> Result<Option<PathBuf>, Error> {
    let is_gguf = |path: &Path| path.extension().is_some_and(|found| found == "gguf");
    if !path.is_dir() {
        return Ok(is_gguf(path).then(|| path.to_owned()));
    }
    if path.join("config.json").exists() {
        return Ok(None);
    }
    let entries = std::fs::read_dir(path).map_err(|error| Error::file(path, &error))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.map_err(|error| Error::file(path, &error))?.path();
        if is_gguf(&file) {
            files.push(file);
        }
    }
    match files.len() {
        0 => Ok(None),
        1 => Ok(files.pop()),
        count => Err(Error::format(
            path,
            format!("{count} GGUF files; name one of them"),
        )),
    }
}

/// The template of tokenizer_config.json: a text, or a list of named ones.
fn chat_template(config: &Value) -> Option<String> {
    match &config["chat_template"] {
        Value::String(text) => Some(text.clone()),
        Value::Array(templates) => {
            let named = templates.iter().find(|each| each["name"] == "default");
            named.or(templates.first())?["template"]
                .as_str()
                .map(str::to_owned)
        }
        _ => None,
    }
}

/// A token is written as a text, or as an object with its properties.
fn token_text(value: &Value) -> Option<String> {
    let text = value.as_str().or_else(|| value["content"].as_str());
    text.map(str::to_owned)
}

fn read_text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| Error::file(path, &error))
}

/// `None` if there is no such file.
pub(crate) fn read_json(path: &Path) -> Result<Option<Value>, Error> {
    if !path.exists() {
        return Ok(None);
    }
    serde_json::from_str(&read_text(path)?)
        .map(Some)
        .map_err(|error| Error::format(path, error))
}

/// The name of a version in the cache of the Hugging Face hub.
fn hub_name(path: &Path) -> Option<String> {
    let snapshots = path.parent()?;
    let folder = snapshots.parent()?.file_name()?.to_str()?;
    let name = folder.strip_prefix("models--")?;
    (snapshots.file_name()? == "snapshots").then(|| name.replacen("--", "/", 1))
}
