# Compares model.py with llama.cpp on the weights of default.gguf: a rotary
# embedding or a layout that differs would show here, and nowhere else.
# python3 compare.py [F16 or F32 FILE.gguf], after train.py. On F16 weights
# llama.cpp rounds activations too, so the close agreement is that of F32.
import json
import subprocess
import sys

import torch

from model import Llama
from train import BUILD, HERE, SHAPE, VOCAB_SIZE
from write_gguf import gguf

DOCUMENTS = 300


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else HERE / "default.gguf"
    tensors = gguf.GGUFReader(path).tensors
    model = Llama(VOCAB_SIZE, SHAPE)
    model.load_state_dict({t.name: torch.tensor(t.data).float() for t in tensors})

    documents = json.loads((BUILD / "ids.json").read_bytes())[:DOCUMENTS]
    # One text as long as the context, for the late positions.
    documents.append(sum(documents, [])[:SHAPE["context"]])
    (BUILD / "compared.json").write_text(json.dumps(documents))
    subprocess.run(["node", HERE / "logprobs.mjs", path, BUILD / "compared.json",
                    BUILD / "logprobs.json"], check=True)
    theirs = json.loads((BUILD / "logprobs.json").read_bytes())

    worst, ours_sum, theirs_sum, count = 0.0, 0.0, 0.0, 0
    for ids, other in zip(documents, theirs):
        with torch.no_grad():
            logprobs = model(torch.tensor([ids]))[0].log_softmax(-1)
        ours = logprobs[torch.arange(len(ids) - 1), torch.tensor(ids[1:])].tolist()
        worst = max([worst, *(abs(a - b) for a, b in zip(ours, other))])
        ours_sum, theirs_sum = ours_sum + sum(ours), theirs_sum + sum(other)
        count += len(other)
    print(f"{count} tokens: mean loss {-ours_sum / count:.6f} here, "
          f"{-theirs_sum / count:.6f} in llama.cpp; largest difference of a "
          f"log-probability {worst:.6f}")


if __name__ == "__main__":
    main()
