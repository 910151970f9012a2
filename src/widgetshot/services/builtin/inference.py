"""An endpoint as OpenAI's that really generates: `transformers serve` over a language model that was trained just now.

No model is fetched: the instance first teaches a tiny one the few lessons below, which takes seconds, and that one
composes each answer token by token.
"""

import os
import random
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from widgetshot.services.endpoint import Endpoint
from widgetshot.services.programs import Requirement
from widgetshot.services.recipe import Daemon, Plan, Ready
from widgetshot.services.workspace import HOST, Workspace

MODEL = "widgetshot/tiny"
_INSTALL = "pip install torch 'transformers[serving]>=5'"
_REVISION = "0" * 40  # the hub's cache is laid out by commits
_SEED = 0
_VOCABULARY = 512  # tokens; 256 are the bytes
_WIDTH = 64
_STEPS = 600  # at most; some 200 do
_RATE, _WARM_UP = 3e-3, 20  # of Adam; steps
# Trained for so many steps in a row below this loss (nats per token of an answer), each first choice of a token is far
# ahead of the second: what is generated greedily does not depend on how a processor rounds.
_KNOWN, _STAYS = 0.01, 10
LESSONS = (
    ("Hello", "Hello! Ask me about pictures of widgets."),
    ("What is a baseline?", "A baseline is the picture that a person approved. Every run compares with it."),
    ("Who approves a picture?", "A person who looked at it. The exact bytes that were seen become the baseline."),
    ("What is a mask?", "A mask covers a part of a picture that may differ, and says why it may."),
    ("What does broken mean?", "There is no picture to trust: a cell raised an error, or the page never came to rest."),
    ("When is a page ready?", "When every cell has run, all widgets are drawn and nothing moves any more."),
    ("Why are mocks no help?", "A mock shows what its author believed. A real server shows what users will see."),
    ("What is a kernel?", "A kernel is the process that runs the code of a notebook, one cell after another."),
    ("How do I add a test?", "Name the shot in a comment at the top of a cell, then run the suite once."),
    ("Can a test be wrong?", "Yes. A baseline holds what was approved, and people approve mistakes as well."),
    ("Tell me a story", "Once a slider moved by one pixel. Nobody saw it but the suite, and the release could wait."),
    ("Thank you", "You are welcome. Look at every picture before you approve it."),
)
_TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
_IGNORED = -100  # a label that is no part of the loss, for transformers and torch


@dataclass(frozen=True)
class Inference:
    """The recipe of an endpoint as OpenAI's. Satisfies `Recipe`."""

    name: str = "inference"
    ports: tuple[str, ...] = ("main",)
    requirements: tuple[Requirement, ...] = tuple(
        Requirement(module, _INSTALL, module=True)
        for module in ("torch", "transformers", "fastapi", "uvicorn", "openai")
    )
    timeout: float = 240

    def plan(self, workspace: Workspace) -> Plan:
        """Write the configuration, and return what is to be started, see `Recipe.plan`."""
        # Training is the daemon's own: it may take time, and must end with the supervisor.
        command = (sys.executable, "-m", __name__, str(workspace.port))
        environment = {
            "HF_HOME": str(workspace.folder / "huggingface"),
            "HF_HUB_OFFLINE": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            # Sums over several threads come out in an order of their own.
            "OMP_NUM_THREADS": "1",
        }
        daemon = Daemon("inference", command, Ready(http=f"http://{HOST}:{workspace.port}/health"), environment)
        url = f"http://{HOST}:{workspace.port}/v1"
        # Clients insist on a key, and must not send a real one that they find elsewhere.
        variables = {
            "OPENAI_BASE_URL": url,
            "OPENAI_API_KEY": "not-needed",
            "WIDGETSHOT_SERVICE_INFERENCE_MODEL": MODEL,
        }
        return Plan((daemon,), url, variables)

    def isolate(self, endpoint: Endpoint, name: str) -> AbstractContextManager[Endpoint]:  # noqa: ARG002
        """Return the endpoint itself: it keeps nothing between two requests."""
        return nullcontext(endpoint)


def _tokenizer() -> Any:
    """Byte-level BPE, learned from the lessons."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=["<pad>", "<end>", "<user>", "<assistant>", "<system>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bare.train_from_iterator((text for lesson in LESSONS for text in lesson), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=bare, pad_token="<pad>", eos_token="<end>", chat_template=_TEMPLATE)


def train(folder: Path) -> None:
    """Train a model until it knows the lessons, and write it as `from_pretrained` reads it.

    It sees conversations of one to three lessons, and learns to give the answers.

    Raises:
        SystemExit: it has not learned them.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(_SEED)
    chance = random.Random(_SEED)
    tokenizer = _tokenizer()

    def tokens(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    lessons = [(tokens(f"<user>{question}<end><assistant>"), tokens(f"{answer}<end>")) for question, answer in LESSONS]

    def batch(conversations: list[list[tuple[list[int], list[int]]]]) -> tuple[Any, Any]:
        """Token ids and labels of conversations, (conversation, token) int64 each."""
        ids = [[token for question, answer in one for token in question + answer] for one in conversations]
        labels = [
            [label for question, answer in one for label in [_IGNORED] * len(question) + answer]
            for one in conversations
        ]
        longest = max(map(len, ids))
        return (
            torch.tensor([row + [tokenizer.pad_token_id] * (longest - len(row)) for row in ids]),
            torch.tensor([row + [_IGNORED] * (longest - len(row)) for row in labels]),
        )

    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=_WIDTH,
            intermediate_size=3 * _WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=2048,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, betas=(0.9, 0.98), weight_decay=0)
    known = 0
    for step in range(1, _STEPS + 1):
        for group in optimizer.param_groups:
            group["lr"] = _RATE * min(1, step / _WARM_UP)
        ids, labels = batch([chance.sample(lessons, chance.choice((1, 2, 3))) for _ in range(8)])
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimizer.step()
        optimizer.zero_grad()
        known = known + 1 if loss.item() < _KNOWN else 0
        if known == _STAYS:
            break
    else:
        raise SystemExit(f"the model has not learned its lessons in {_STEPS} steps: the loss is {loss.item():.3f}")
    print(f"trained in {step} steps, {sum(each.numel() for each in model.parameters())} parameters", flush=True)
    model.generation_config.do_sample = False
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def serve(port: int) -> None:
    """Train where that has not been done, then serve until SIGTERM."""
    repository = Path(os.environ["HF_HOME"], "hub", f"models--{MODEL.replace('/', '--')}")
    # As the hub's cache is laid out, so that the model goes by its name, and is listed at /v1/models.
    head = repository / "refs" / "main"
    if not head.exists():
        train(repository / "snapshots" / _REVISION)
        head.parent.mkdir()
        head.write_text(_REVISION)
    from transformers.cli.transformers import main

    # `transformers serve`, but in the process that has imported torch already.
    sys.argv = ["transformers", "serve", MODEL, "--host", HOST, "--port", str(port), "--device", "cpu"]
    main()


RECIPE = Inference()

if __name__ == "__main__":
    serve(int(sys.argv[1]))
