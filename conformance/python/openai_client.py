"""OpenAI's own Python client against `weft serve`, with the answers that Transformers gave for weft-tiny."""

import asyncio
import json
import pathlib
import subprocess
import sys

import openai

from suite import main, test

_WEFT = sys.argv.pop()
_MODEL = pathlib.Path(__file__).resolve().parents[2] / "models/weft-tiny"
_SAMPLES = [s for s in json.loads((_MODEL / "report.json").read_text())["samples"] if len(s["greedy"]) < 90]
_SERVER = subprocess.Popen(
    [_WEFT, "serve", str(_MODEL), "--port", "0", "--api-key", "secret"], stdout=subprocess.PIPE, text=True
)
_URL = _SERVER.stdout.readline().split()[-1] + "/v1"
_CLIENT = openai.OpenAI(base_url=_URL, api_key="secret", max_retries=0)


def question(text):
    return {"model": "weft-tiny", "messages": [{"role": "user", "content": text}], "temperature": 0}


def equal(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


@test
def answers_of_transformers():
    for sample in _SAMPLES[::6]:
        answer = _CLIENT.chat.completions.create(**question(sample["prompt"]))
        equal(answer.choices[0].message.content, sample["greedy"])
        equal(answer.choices[0].finish_reason, "stop")


@test
def streamed_answers_with_usage():
    sample = _SAMPLES[0]
    stream = _CLIENT.chat.completions.create(
        **question(sample["prompt"]), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    equal(text, sample["greedy"])
    equal(chunks[0].choices[0].delta.role, "assistant")
    equal(len({c.id for c in chunks}), 1)
    assert chunks[-1].usage.completion_tokens > 1 and not chunks[-1].choices


@test
def many_at_once():
    async def ask(client, sample):
        answer = await client.chat.completions.create(**question(sample["prompt"]))
        return answer.choices[0].message.content

    async def ask_all():
        async with openai.AsyncOpenAI(base_url=_URL, api_key="secret", max_retries=0) as client:
            return await asyncio.gather(*(ask(client, sample) for sample in _SAMPLES))

    equal(asyncio.run(ask_all()), [sample["greedy"] for sample in _SAMPLES])


@test
def structured_output():
    schema = {
        "type": "object",
        "properties": {"mood": {"enum": ["good", "bad"]}, "stars": {"type": "integer", "minimum": 1, "maximum": 5}},
        "required": ["mood", "stars"],
        "additionalProperties": False,
    }
    answer = _CLIENT.chat.completions.create(
        **question("Hello!"),
        response_format={"type": "json_schema", "json_schema": {"name": "mood", "schema": schema, "strict": True}},
    )
    value = json.loads(answer.choices[0].message.content)
    assert value["mood"] in ("good", "bad") and 1 <= value["stars"] <= 5, value


@test
def required_tool():
    tool = {
        "type": "function",
        "function": {
            "name": "lamp",
            "parameters": {
                "type": "object",
                "properties": {"on": {"type": "boolean"}},
                "required": ["on"],
                "additionalProperties": False,
            },
        },
    }
    answer = _CLIENT.chat.completions.create(**question("Hello!"), tools=[tool], tool_choice="required", parallel_tool_calls=False)
    call = answer.choices[0].message.tool_calls[0]
    equal(call.function.name, "lamp")
    assert isinstance(json.loads(call.function.arguments)["on"], bool)
    equal(answer.choices[0].finish_reason, "tool_calls")


@test
def completions_and_logprobs():
    answer = _CLIENT.completions.create(model="weft-tiny", prompt=["2 + 5 =", "Once"], max_tokens=5, logprobs=2, n=2, seed=3)
    equal([choice.index for choice in answer.choices], [0, 1, 2, 3])
    assert all(p <= 0 for choice in answer.choices for p in choice.logprobs.token_logprobs)
    chat = _CLIENT.chat.completions.create(**question("Thanks"), logprobs=True, top_logprobs=2)
    tokens = chat.choices[0].logprobs.content
    text = b"".join(bytes(token.bytes) for token in tokens).decode()
    assert text.startswith(chat.choices[0].message.content), text


@test
def embeddings_in_both_formats():
    floats = _CLIENT.embeddings.create(model="weft-tiny", input=["a b", "c"], encoding_format="float")
    packed = _CLIENT.embeddings.create(model="weft-tiny", input=["a b", "c"])
    for a, b in zip(floats.data, packed.data):
        assert max(abs(x - y) for x, y in zip(a.embedding, b.embedding)) < 1e-6
        assert abs(sum(x * x for x in a.embedding) - 1) < 1e-4


@test
def errors_are_the_clients_own():
    for request, kind in [
        ({**question("hi"), "model": "gpt"}, openai.NotFoundError),
        ({**question("hi"), "temperature": -1}, openai.BadRequestError),
        (question("word " * 900), openai.BadRequestError),
    ]:
        try:
            _CLIENT.chat.completions.create(**request)
        except kind as error:
            assert error.body["message"], error.body
        else:
            raise AssertionError(f"no {kind.__name__}")
    try:
        openai.OpenAI(base_url=_URL, api_key="wrong", max_retries=0).models.list()
    except openai.AuthenticationError:
        pass
    else:
        raise AssertionError("a wrong key is accepted")
    equal([model.id for model in _CLIENT.models.list()], ["weft-tiny"])


try:
    main()
finally:
    _SERVER.terminate()
    _SERVER.wait(60)
