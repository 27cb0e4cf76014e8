//! Chat templates: a conversation to the text of a prompt.
//!
//! A checkpoint brings its template as Jinja2, written for the environment of Transformers
//! (`apply_chat_template`): blocks trimmed, Python's methods of strings and maps, `tojson` as
//! Python's `json.dumps`, `raise_exception`, `strftime_now`. A template is code from a file, so
//! each rendering has a limit of steps: one that loops is an error of the request.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value as JinjaValue};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use serde_json::{Map, Value};

mod date;

/// Steps that one rendering may take: a thousand messages of a long template take a tenth.
const STEPS_MAX: u64 = 2_000_000;

/// Bytes of text that one rendering may write.
const OUTPUT_BYTES_MAX: usize = 16 << 20;

/// Why there is no prompt.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateError {
    /// The template itself is malformed.
    #[error("the chat template is malformed: {0}")]
    Malformed(String),
    /// The template refuses the conversation, with its own words.
    #[error("the chat template refuses the messages: {0}")]
    Refused(String),
    /// Rendering failed.
    #[error("the chat template failed: {0}")]
    Failed(String),
    /// Rendering took too many steps or wrote too much.
    #[error("the chat template does not end within {STEPS_MAX} steps and {OUTPUT_BYTES_MAX} bytes")]
    Endless,
}

/// A compiled chat template.
#[derive(Debug)]
pub(crate) struct ChatTemplate {
    environment: Environment<'static>,
    source: String,
}

/// What a template is rendered with.
pub(crate) struct Conversation<'a> {
    /// Messages as Transformers has them.
    pub(crate) messages: &'a [Value],
    /// Tools, absent when there are none.
    pub(crate) tools: Option<&'a [Value]>,
    /// Whether the header of the answer is written.
    pub(crate) add_generation_prompt: bool,
    /// Further variables, such as `enable_thinking`.
    pub(crate) variables: &'a Map<String, Value>,
    /// Seconds since 1970, for templates that write the date.
    pub(crate) now_unix_seconds: i64,
}

impl ChatTemplate {
    /// Compiles a template. `constants` are the special tokens by name, such as `bos_token`.
    pub(crate) fn new(source: &str, constants: &Map<String, Value>) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .map_err(|error| TemplateError::Malformed(chain(&error)))?;
        environment.set_syntax(syntax);
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.set_fuel(Some(STEPS_MAX));
        environment.add_filter("tojson", to_json);
        environment.add_function("raise_exception", raise_exception);
        for (name, value) in constants {
            environment.add_global(name.clone(), JinjaValue::from(Serde(value)));
        }
        environment
            .add_template_owned("chat", source.to_owned())
            .map_err(|error| TemplateError::Malformed(chain(&error)))?;
        Ok(Self {
            environment,
            source: source.to_owned(),
        })
    }

    /// Whether the template knows of thinking.
    pub(crate) fn mentions_thinking(&self) -> bool {
        self.source.contains("</think>")
    }

    /// The text of the prompt.
    pub(crate) fn render(&self, conversation: &Conversation<'_>) -> Result<String, TemplateError> {
        let template = self
            .environment
            .get_template("chat")
            .map_err(|error| TemplateError::Malformed(chain(&error)))?;
        let mut context = conversation.variables.clone();
        context.insert("messages".to_owned(), conversation.messages.into());
        if let Some(tools) = conversation.tools {
            context.insert("tools".to_owned(), tools.into());
        }
        context.insert(
            "add_generation_prompt".to_owned(),
            conversation.add_generation_prompt.into(),
        );
        let now = conversation.now_unix_seconds;
        let strftime = JinjaValue::from_function(move |format: &str| {
            date::format(format, now)
                .map_err(|message| Error::new(ErrorKind::InvalidOperation, message))
        });
        let context = minijinja::context! {
            strftime_now => strftime,
            ..JinjaValue::from(Serde(&context))
        };
        let mut output = LimitedText::default();
        let result = template.render_captured_to(context, &mut output);
        if output.overflowed {
            return Err(TemplateError::Endless);
        }
        match result {
            Ok(_) => String::from_utf8(output.bytes)
                .map_err(|error| TemplateError::Failed(error.to_string())),
            Err(error) if error.kind() == ErrorKind::OutOfFuel => Err(TemplateError::Endless),
            Err(error) => Err(match error.detail().and_then(|d| d.strip_prefix(REFUSAL)) {
                Some(message) => TemplateError::Refused(message.to_owned()),
                None => TemplateError::Failed(chain(&error)),
            }),
        }
    }
}

/// Text with a limit of its length.
#[derive(Default)]
struct LimitedText {
    bytes: Vec<u8>,
    overflowed: bool,
}

impl std::io::Write for LimitedText {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > OUTPUT_BYTES_MAX {
            self.overflowed = true;
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Marks an error that the template itself raised.
const REFUSAL: &str = "raised: ";

fn raise_exception(message: String) -> Result<JinjaValue, Error> {
    let detail = format!("{REFUSAL}{message}");
    Err(Error::new(ErrorKind::InvalidOperation, detail))
}

/// An error with its causes, on one line.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// `json.dumps`: a space after separators, no escapes for HTML, non-ASCII as it is.
fn to_json(value: &JinjaValue, options: Kwargs) -> Result<String, Error> {
    let indent: Option<usize> = options.get("indent")?;
    let ascii: Option<bool> = options.get("ensure_ascii")?;
    let sort_keys: Option<bool> = options.get("sort_keys")?;
    options.assert_all_used()?;
    let failed =
        |error: serde_json::Error| Error::new(ErrorKind::BadSerialization, error.to_string());
    let mut value = serde_json::to_value(value).map_err(failed)?;
    if sort_keys == Some(true) {
        value.sort_all_objects();
    }
    let mut bytes = Vec::new();
    let result = match indent {
        None => {
            let formatter = PythonFormatter {
                ascii: ascii.unwrap_or(false),
            };
            value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter))
        }
        Some(width) => {
            let spaces = " ".repeat(width.min(16));
            let formatter = PrettyFormatter::with_indent(spaces.as_bytes());
            value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter))
        }
    };
    result.map_err(failed)?;
    String::from_utf8(bytes)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
}

/// Python's separators.
struct PythonFormatter {
    ascii: bool,
}

impl Formatter for PythonFormatter {
    fn begin_array_value<W>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()>
    where
        W: std::io::Write + ?Sized,
    {
        if first {
            Ok(())
        } else {
            writer.write_all(b", ")
        }
    }

    fn begin_object_key<W>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()>
    where
        W: std::io::Write + ?Sized,
    {
        if first {
            Ok(())
        } else {
            writer.write_all(b", ")
        }
    }

    fn begin_object_value<W>(&mut self, writer: &mut W) -> std::io::Result<()>
    where
        W: std::io::Write + ?Sized,
    {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> std::io::Result<()>
    where
        W: std::io::Write + ?Sized,
    {
        if !self.ascii {
            return writer.write_all(fragment.as_bytes());
        }
        for unit in fragment.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => writer.write_all(&[byte])?,
                Ok(_) | Err(_) => write!(writer, "\\u{unit:04x}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
