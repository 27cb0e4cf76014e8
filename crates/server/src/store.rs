//! Where models are kept on this machine.

use std::path::{Path, PathBuf};

/// The directory into which models are pulled: `$WEFT_MODELS`, else `weft/models` in the user's
/// cache directory. `environment` reads a variable.
#[must_use]
pub fn models_directory(environment: impl Fn(&str) -> Option<PathBuf>) -> PathBuf {
    let set = |name| environment(name).filter(|path| !path.as_os_str().is_empty());
    set("WEFT_MODELS").unwrap_or_else(|| {
        set("XDG_CACHE_HOME")
            .or_else(|| set("HOME").map(|home| home.join(".cache")))
            .unwrap_or_else(|| PathBuf::from(".cache"))
            .join("weft/models")
    })
}

/// The directory, or GGUF file, of a model that is given as a path or as the name of a pulled one.
#[must_use]
pub fn find_model(model: &Path, models_directory: &Path) -> Option<PathBuf> {
    let pulled = models_directory.join(model);
    let file = pulled.with_added_extension("gguf");
    [model.to_owned(), pulled, file]
        .into_iter()
        .find(|path| path.join("config.json").is_file() || is_gguf(path))
}

fn is_gguf(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "gguf")
        && path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let of = |set: &[(&str, &str)]| {
            models_directory(|name| {
                let found = set.iter().find(|(variable, _)| *variable == name);
                found.map(|(_, value)| PathBuf::from(value))
            })
        };
        let all = [
            ("WEFT_MODELS", "/m"),
            ("XDG_CACHE_HOME", "/c"),
            ("HOME", "/h"),
        ];
        assert_eq!(of(&all), Path::new("/m"));
        assert_eq!(of(&all[1..]), Path::new("/c/weft/models"));
        assert_eq!(of(&all[2..]), Path::new("/h/.cache/weft/models"));
        assert_eq!(
            of(&[("WEFT_MODELS", ""), ("HOME", "/h")]),
            Path::new("/h/.cache/weft/models")
        );
    }
}
