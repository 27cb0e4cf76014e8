//! Templates against text written by hand and by Transformers.

use serde_json::{Map, Value, json};

use super::{ChatTemplate, Conversation, TemplateError};

fn render_with(
    source: &str,
    messages: &[Value],
    tools: Option<&[Value]>,
    variables: Value,
) -> Result<String, TemplateError> {
    let constants = Map::from_iter([("eos_token".to_owned(), json!("<|im_end|>"))]);
    let Value::Object(variables) = variables else {
        panic!("variables are an object");
    };
    ChatTemplate::new(source, &constants)?.render(&Conversation {
        messages,
        tools,
        add_generation_prompt: true,
        variables: &variables,
        now_unix_seconds: 0,
    })
}

fn render(source: &str, messages: &[Value]) -> Result<String, TemplateError> {
    render_with(source, messages, None, json!({}))
}

const CHATML: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n\
    {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

#[test]
fn chatml_is_rendered() {
    let messages = [json!({"role": "user", "content": "<hi> & 你好"})];
    assert_eq!(
        render(CHATML, &messages).unwrap(),
        "<|im_start|>user\n<hi> & 你好<|im_end|>\n<|im_start|>assistant\n"
    );
}

#[test]
fn the_idioms_of_qwen3_work() {
    // Constructs of Qwen3's published template, each once; the text is what Jinja2 makes of them.
    let source = r#"
{%- set ns = namespace(last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- if message.role == "user" and not (message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}
        {%- set ns.last = (messages|length - 1) - loop.index0 %}
    {%- endif %}
{%- endfor %}
{{- ns.last }}
{%- for message in messages %}
    {%- if '</think>' in message.content %}
        {{- message.content.split('</think>')[-1].lstrip('\n') + '|' + message.content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') }}
    {%- endif %}
    {%- if loop.last or (not loop.last and message.reasoning_content is defined and message.reasoning_content is string) %}
        {{- '\n<|im_start|>' + message.role }}
    {%- endif %}
{%- endfor %}
{%- if enable_thinking is defined and enable_thinking is false %}
    {{- '<think>\n\n</think>\n\n' }}
{%- endif %}
{%- for tool in tools %}
    {{- "\n" }}
    {{- tool | tojson }}
{%- endfor %}"#;
    let messages = [
        json!({"role": "assistant", "content": "<think>\nhm\n</think>\n\nyes"}),
        json!({"role": "user", "content": "why"}),
    ];
    let tools = [
        json!({"type": "function", "function": {"name": "f", "description": "<é>",
        "parameters": {"z": 1, "a": [1.5, null, true]}}}),
    ];
    let variables = json!({"enable_thinking": false});
    assert_eq!(
        render_with(source, &messages, Some(&tools), variables).unwrap(),
        "1yes|hm\n<|im_start|>user<think>\n\n</think>\n\n\n{\"type\": \"function\", \"function\": \
         {\"name\": \"f\", \"description\": \"<é>\", \"parameters\": {\"z\": 1, \"a\": [1.5, null, \
         true]}}}"
    );
}

#[test]
fn json_is_written_as_python_writes_it() {
    let message = [json!({"b": "é\"\n\u{1f642}", "a": []})];
    let json =
        |filter: &str| render(&format!("{{{{ messages[0] | {filter} }}}}"), &message).unwrap();
    // Written by `json.dumps` of Python 3.11.
    assert_eq!(json("tojson"), "{\"b\": \"é\\\"\\n🙂\", \"a\": []}");
    assert_eq!(
        json("tojson(ensure_ascii=true, sort_keys=true)"),
        "{\"a\": [], \"b\": \"\\u00e9\\\"\\n\\ud83d\\ude42\"}"
    );
    assert_eq!(
        json("tojson(indent=2)"),
        "{\n  \"b\": \"é\\\"\\n🙂\",\n  \"a\": []\n}"
    );
    assert!(render("{{ messages | tojson(separators=1) }}", &message).is_err());
}

#[test]
fn a_template_can_refuse_and_write_the_date() {
    let error = render("{{ raise_exception('roles must alternate') }}", &[]).unwrap_err();
    assert!(matches!(error, TemplateError::Refused(message) if message == "roles must alternate"));
    assert_eq!(
        render("{{ strftime_now('%d %b %Y') }}", &[]).unwrap(),
        "01 Jan 1970"
    );
    assert_eq!(render("{{ eos_token }}", &[]).unwrap(), "<|im_end|>");
}

#[test]
fn a_template_that_does_not_end_is_stopped() {
    let loops = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
    assert!(matches!(render(loops, &[]), Err(TemplateError::Endless)));
    let recursion = "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}";
    assert!(matches!(
        render(recursion, &[]),
        Err(TemplateError::Failed(_))
    ));
    let growth = "{% set ns = namespace(s='xxxxxxxx') %}{% for a in range(60) %}\
        {% set ns.s = ns.s + ns.s %}{{ ns.s }}{% endfor %}";
    assert!(matches!(render(growth, &[]), Err(TemplateError::Endless)));
}

#[test]
fn a_malformed_template_is_located() {
    let error = render("line\n{% for %}", &[]).unwrap_err();
    assert!(
        matches!(&error, TemplateError::Malformed(text) if text.contains(":2")),
        "{error}"
    );
}
