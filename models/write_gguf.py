# Writes the GGUF file: once as a bare vocabulary for llama.cpp's tokenizer,
# and at the end with the trained weights.
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LLAMA_CPP = Path(os.environ.get("LLAMA_CPP", HERE.parent / "llama.cpp"))
sys.path.insert(0, str(LLAMA_CPP / "gguf-py"))

import gguf  # noqa: E402
import numpy as np  # noqa: E402

from bpe import SPECIAL, vocabulary  # noqa: E402

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

DESCRIPTION = (
    "A demonstration and test model of autocog-lm: it knows a few small tables "
    "(capitals, colours, opposites, animal sounds, days, months, sums) and nothing else."
)


def write_gguf(path, merges, shape, weights=None):
    """`weights` maps GGUF tensor names to arrays; matrices are stored as F16."""
    tokens = vocabulary(merges)
    # Under another name first: who has the old file mapped keeps it whole.
    unfinished = path.with_suffix(".unfinished")
    writer = gguf.GGUFWriter(str(unfinished), "llama")
    writer.add_type("model")
    writer.add_name("autocog-lm default")
    writer.add_description(DESCRIPTION)
    writer.add_license("MIT")
    writer.add_languages(["en"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)

    writer.add_vocab_size(len(tokens))
    writer.add_context_length(shape["context"])
    writer.add_embedding_length(shape["width"])
    writer.add_block_count(shape["layers"])
    writer.add_feed_forward_length(shape["hidden"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["heads"])
    writer.add_rope_dimension_count(shape["width"] // shape["heads"])
    writer.add_rope_freq_base(shape["rope_base"])
    writer.add_layer_norm_rms_eps(shape["eps"])

    ids = {token: i for i, token in enumerate(tokens)}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(tokens)
    writer.add_token_types([
        gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL
        for token in tokens
    ])
    writer.add_token_merges([f"{left} {right}" for left, right in merges])
    writer.add_bos_token_id(ids["<|bos|>"])
    writer.add_eos_token_id(ids["<|eos|>"])
    writer.add_eot_token_id(ids["<|im_end|>"])
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)

    for name, array in (weights or {}).items():
        # llama.cpp wants the vectors, which are all norms, in F32.
        kind = np.float16 if array.ndim == 2 else np.float32
        writer.add_tensor(name, np.ascontiguousarray(array.astype(kind)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    unfinished.replace(path)
