"""Trains weft-tiny: a 1.7 M parameter Qwen3-architecture model for closed tasks, from text this file makes itself.

Needs torch, transformers >= 5, tokenizers, safetensors. Usage: python train.py OUT_DIR SECONDS [THREADS [JSON_WEIGHT [RESUME_DIR]]]
The shipped weights: 2300 s with the default weight 5, then 480 s more with JSON_WEIGHT 20 from that result (2 threads each).
All text comes from the templates below (no outside data). Combinations whose hash falls into one tenth are held out of training
and used for the accuracy report, so a score counts combinations never seen.
"""
import hashlib, json, math, os, random, sys, time
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import Qwen3Config, Qwen3ForCausalLM

OUT, LIMIT_S, THREADS = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 2
JSON_WEIGHT, RESUME = float(sys.argv[4]) if len(sys.argv) > 4 else 5, sys.argv[5] if len(sys.argv) > 5 else None
os.makedirs(OUT, exist_ok=True)
torch.manual_seed(7)
torch.set_num_threads(THREADS)

COLOURS = "red blue green yellow black white grey brown orange purple".split()
ITEMS = "lamp chair table phone book bag shoe cup clock pen cable printer monitor keyboard desk".split()
CITIES = "Paris London Rome Berlin Oslo Madrid Vienna Prague Lisbon Dublin Hangzhou Beijing Shanghai Tokyo Delhi Cairo".split()
GOOD = "great excellent wonderful fast quiet reliable beautiful perfect lovely superb brilliant comfortable friendly".split()
BAD = "terrible awful broken slow noisy ugly useless poor dreadful faulty dirty rude disappointing".split()
SUBJECTS = "the battery,the screen,the service,this lamp,the food,my new phone,the sound,the hotel room,the film,the delivery,the support team,the app,the update".split(",")
TICKETS = {
    "billing": ["I was charged twice for my {i}", "the invoice for order {n} is wrong", "please refund the {i} I paid for", "my card was declined for order {n}", "why is there a fee of {n} on my bill"],
    "shipping": ["my {i} has not arrived in {c}", "where is order {n}", "the parcel to {c} is late", "please change the delivery address to {c}", "the {i} arrived in {c} with a torn box"],
    "technical": ["the {i} does not turn on", "I get error {n} when I log in", "the app crashes when I open it", "the {i} keeps losing its connection", "the update failed with code {n}"],
    "sales": ["do you sell {k} {i}s", "how much is a {i}", "I want a quote for {n} {i}s", "is the {k} {i} in stock", "can I order {n} {i}s for {c}"],
}
ANIMALS = "fox bear rabbit mouse owl frog cat dog duck horse".split()
PLACES = "forest garden river house hill lake barn field".split()
OBJECTS = "ball apple key hat kite drum shell lantern".split()
MOODS = "happy sad tired brave shy curious hungry lonely".split()
NAMES = "Tom Mia Ben Lily Max Anna Sam Rosa".split()
UNKNOWN = ["Who wrote {w}?", "What is the capital of {w}?", "Explain {w}.", "Translate {w} into French.", "How do I cook {w}?", "Write code for {w}.", "What happened in {w}?", "Define {w}.", "Why is {w} important?", "Tell me about {w}."]
WORDS = "gravity history music football quantum physics economics Napoleon chess poetry medicine democracy volcanoes philosophy geometry bread cinema whales planets law".split()
REFUSAL = "I do not know that. I am a very small model: ask me about the chip, for a sum, the sentiment of a sentence, a ticket's category, JSON from an order, or a short story."
FACTS = [
    (["Hello", "Hi", "Hello!", "Hi there", "Good morning", "Hey"], "Hello! I am a tiny Qwen3-style model running on a RISC-V chip."),
    (["Who are you?", "What are you?", "What is your name?", "Introduce yourself.", "Tell me about yourself."], "I am weft-tiny, a Qwen3-style model with 1.7 million parameters. Every token I say is computed by RISC-V code on the Weft chip."),
    (["What can you do?", "How can you help me?", "What do you know?", "Help", "What should I ask you?"], "I can tell you about the chip, add numbers, judge the sentiment of a sentence, sort support tickets, turn an order into JSON, and tell short stories."),
    (["How fast is the chip?", "How many TOPS does the chip have?", "What is the peak performance?", "How much compute does the chip have?"], "The chip reaches up to 12 TOPS with INT8 numbers."),
    (["What is the memory bandwidth?", "How fast is the memory?", "How much bandwidth does the chip have?"], "Its memory moves 512 GB per second."),
    (["What process is the chip made in?", "Which process node is it?", "How small are the transistors?"], "It is a 5 nm design."),
    (["How efficient is the chip?", "Is it more efficient than the last one?", "What about power efficiency?"], "It does 1.5 times the work per joule of its previous generation."),
    (["How many cores does the chip have?", "How is the chip built?", "What is inside the chip?"], "It has 16 RISC-V cores. Each runs 32 warps on 1024-bit vectors, with a matrix unit beside them."),
    (["What is RISC-V?", "Explain RISC-V.", "Why RISC-V?"], "RISC-V is an open instruction set: anyone may build a processor for it."),
    (["What is a warp?", "Explain warps."], "A warp is 32 CUDA threads that run together. On this chip one warp fills one vector register."),
    (["Can you run CUDA?", "Does the chip run CUDA code?", "Is it compatible with Nvidia?", "Do I have to rewrite my CUDA code?"], "Yes. CUDA programs run without source changes: their PTX is compiled to RISC-V vector code."),
    (["Can I train on this chip?", "Does it do training?"], "No. The chip is made for inference only."),
    (["Are you Qwen?", "Which architecture do you use?", "What kind of model are you?"], "I have the Qwen3 architecture, but I was trained from scratch on a few simple tasks."),
    (["Thank you", "Thanks!", "Thanks", "Thank you very much"], "You are welcome!"),
    (["Bye", "Goodbye", "See you"], "Goodbye!"),
]

def held_out(*key):
    return hashlib.sha256("|".join(map(str, key)).encode()).digest()[0] < 26

def article(noun):
    return ("an " if noun[0] in "aeiou" else "a ") + noun

def story(r):
    a, b = r.sample(ANIMALS, 2); place, thing, mood = r.choice(PLACES), r.choice(OBJECTS), r.choice(MOODS); n, m = r.sample(NAMES, 2)
    text = f"Once there was {article(mood)} {a} named {n} who lived near the {place}. "
    text += r.choice([f'One day {n} found {article(thing)} in the {place}. "Whose {thing} is this?" asked {n}. ', f'One morning {n} lost {article(thing)}. "Where is my {thing}?" said {n}. '])
    text += r.choice([f'Then {article(b)} named {m} came by. "Can I help you?" said {m}. ', f"{n} met {m}, {article(b)} from the {r.choice(PLACES)}. {m} wanted to play. "])
    text += r.choice(["They looked for it together and became good friends. ", f"{n} and {m} played with the {thing} until the sun went down. ", f"They shared the {thing} and laughed all day. "])
    text += r.choice([f"From that day on, {n} was never {mood} again." if mood in ("sad", "tired", "shy", "hungry", "lonely") else f"{n} was very happy.", "The end."])
    return r.choice([f"Tell me a story about {article(a)}.", f"Write a short story with {article(a)} and {article(thing)}."]), text

def sample(r, kind=None):
    """One (kind, prompt, answer, held-out?) example."""
    kind = kind or r.choices(["fact", "sentiment", "ticket", "json", "sum", "story", "unknown", "yesno"], [2, 3, 3, JSON_WEIGHT, 3, 1, 1, 2])[0]
    if kind == "fact":
        i = r.randrange(len(FACTS)); q = r.choice(FACTS[i][0])
        return kind, q, FACTS[i][1], False
    if kind == "sentiment":
        s, tense, intens, neg, pos = r.choice(SUBJECTS), r.choice(["is", "was"]), r.choice(["", "", "very ", "really ", "quite "]), r.random() < .3, r.random() < .5
        adj = r.choice(GOOD if pos else BAD); body = f"{s} {tense} {'not ' if neg else intens}{adj}"
        return kind, f"Sentiment: {body[0].upper() + body[1:]}.", "positive" if pos != neg else "negative", held_out(s, adj, neg)
    if kind in ("ticket", "yesno"):
        cat = r.choice(list(TICKETS)); i, n, c, k = r.choice(ITEMS), r.randint(2, 99), r.choice(CITIES), r.choice(COLOURS); t = r.choice(TICKETS[cat])
        body = t.format(i=i, n=n, c=c, k=k); body = body[0].upper() + body[1:]
        if kind == "ticket":
            return kind, f"Classify as billing, shipping, technical or sales: {body}.", cat, held_out(t, i, c)
        ask = cat if r.random() < .5 else r.choice(list(TICKETS))
        return kind, f"Is this about {ask}? {body}.", "yes" if ask == cat else "no", held_out(t, i, c)
    if kind == "json":
        k, i, c, n = r.choice(COLOURS), r.choice(ITEMS), r.choice(CITIES), r.randint(2, 99)
        u = r.choice([f"Please send {n} {k} {i}s to {c}.", f"I want to order {n} {i}s in {k}, deliver to {c}.", f"{c} needs {n} {k} {i}s.", f"Order for {c}: {n} {i}s, colour {k}."])
        return kind, f"Extract JSON: {u}", json.dumps(dict(item=i, colour=k, count=n, city=c)), held_out(k, i, c, n)
    if kind == "sum":
        a, b = r.randint(0, 30), r.randint(0, 30)
        return kind, r.choice([f"What is {a} + {b}?", f"Add {a} and {b}.", f"{a} + {b} ="]), f"{a} + {b} = {a + b}.", held_out(a, b)
    if kind == "story":
        u, s = story(r); return kind, u, s, False
    return kind, r.choice(UNKNOWN).format(w=r.choice(WORDS)), REFUSAL, False

def chat(u, a):
    return f"<|im_start|>user\n{u}<|im_end|>\n<|im_start|>assistant\n{a}<|im_end|>\n"

def corpus(seed, count):
    r, out = random.Random(seed), []
    while len(out) < count:
        _, u, a, held = sample(r)
        if not held: out.append(chat(u, a))
    return out

tok = Tokenizer.from_file(f"{RESUME}/tokenizer.json") if RESUME else Tokenizer(models.BPE()); tok.decoder = decoders.ByteLevel()
tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
if not RESUME: tok.train_from_iterator(corpus(3, 40000), trainers.BpeTrainer(vocab_size=2048, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
tok.save(f"{OUT}/tokenizer.json"); vocab = 2048
ids = torch.tensor([t for e in tok.encode_batch(corpus(12 if RESUME else 11, 250000 if RESUME else 400000)) for t in e.ids]); print("training tokens", len(ids), "vocabulary in use", tok.get_vocab_size(), flush=True)

cfg = Qwen3Config(vocab_size=vocab, hidden_size=160, intermediate_size=448, num_hidden_layers=5, num_attention_heads=5, num_key_value_heads=1, head_dim=32, max_position_embeddings=512, tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, eos_token_id=2, bos_token_id=None, pad_token_id=0, rms_norm_eps=1e-6)
model = Qwen3ForCausalLM.from_pretrained(RESUME, dtype=torch.float32) if RESUME else Qwen3ForCausalLM(cfg); print("parameters", sum(p.numel() for p in model.parameters()), flush=True)
T, B, LR = 128, 24, 1.5e-3 if RESUME else 3e-3
opt = torch.optim.AdamW([{"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": .05}, {"params": [p for p in model.parameters() if p.dim() <= 1], "weight_decay": 0}], lr=LR, betas=(.9, .97), fused=True)
g = torch.Generator().manual_seed(1); start, step = time.time(), 0
while (elapsed := time.time() - start) < LIMIT_S:
    for group in opt.param_groups: group["lr"] = LR * min(1, (step + 1) / 30) * max(.02, .5 * (1 + math.cos(math.pi * elapsed / LIMIT_S)))
    at = torch.randint(0, len(ids) - T - 1, (B,), generator=g); x = torch.stack([ids[o:o + T + 1] for o in at.tolist()])
    logits = model(x[:, :-1], use_cache=False).logits
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, vocab), x[:, 1:].reshape(-1)); loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.); opt.step(); opt.zero_grad(set_to_none=True); step += 1
    if step % 500 == 0: print(f"step {step} tokens {step * T * B} seconds {elapsed:.0f} loss {loss.item():.3f}", flush=True)

model.eval(); model.to(torch.bfloat16).save_pretrained(OUT, max_shard_size="1000KB"); model.float()
c = json.load(open(f"{OUT}/config.json")); c["rope_theta"] = 10000.0; c["torch_dtype"] = "bfloat16"; json.dump(c, open(f"{OUT}/config.json", "w"), indent=2)
json.dump({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "chat_template": "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"}, open(f"{OUT}/tokenizer_config.json", "w"), indent=2)

def answer(u, n=110):
    e = torch.tensor([tok.encode(f"<|im_start|>user\n{u}<|im_end|>\n<|im_start|>assistant\n").ids])
    o = model.generate(e, attention_mask=torch.ones_like(e), max_new_tokens=n, do_sample=False, eos_token_id=2, pad_token_id=0)[0, e.shape[1]:].tolist()
    return tok.decode([t for t in o if t > 2])

r, score, golden = random.Random(12345), {}, []
for kind in ["fact", "sentiment", "ticket", "yesno", "json", "sum", "unknown"]:
    done = 0
    while done < 60:
        _, u, a, held = sample(r, kind)
        if kind not in ("fact", "unknown") and not held: continue
        got = answer(u).strip(); done += 1; score.setdefault(kind, []).append(got == a)
        if done <= 4: golden.append({"prompt": u, "expected": a, "greedy": got})
for u in ["Tell me a story about a fox.", "Write a short story with an owl and a kite."]: golden.append({"prompt": u, "greedy": answer(u)})
report = {"parameters": sum(p.numel() for p in model.parameters()), "steps": step, "tokens": step * T * B, "seconds": LIMIT_S, "final_loss": loss.item(), "exact_match_on_held_out": {k: f"{sum(v)}/{len(v)}" for k, v in score.items()}, "note": "greedy, weights rounded to bf16, arithmetic in f32; 'fact' and 'unknown' prompts occur in training", "samples": golden}
json.dump(report, open(f"{OUT}/report.json", "w"), indent=2); print(json.dumps(report, indent=2))
