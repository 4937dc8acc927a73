// Scores continuations with an encoder-decoder as plainly as llama.h allows: per path a context of its own, one
// sequence, one llama_encode, and one llama_decode per token.
//
//   encode-decode FILE PROMPT PATH...  prints the log-probability of each token, a line per path
//
// Tokens are separated by commas.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "llama.h"

namespace {

using Tokens = std::vector<llama_token>;

Tokens ReadTokens(const std::string& text) {
  Tokens tokens;
  std::stringstream stream(text);
  for (std::string token; std::getline(stream, token, ',');) tokens.push_back(std::stoi(token));
  return tokens;
}

llama_context* NewContext(llama_model* model, size_t size) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = params.n_batch = params.n_ubatch = static_cast<uint32_t>(size);
  params.n_threads = params.n_threads_batch = 1;
  params.type_k = params.type_v = GGML_TYPE_F32;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  return llama_init_from_model(model, params);
}

double LogProbability(const float* logits, int size, llama_token token) {
  const double top = *std::max_element(logits, logits + size);
  double total = 0;
  for (int i = 0; i < size; ++i) total += std::exp(logits[i] - top);
  return logits[token] - top - std::log(total);
}

void Score(llama_model* model, Tokens prompt, const Tokens& path) {
  const std::unique_ptr<llama_context, decltype(&llama_free)> context(
      NewContext(model, prompt.size() + path.size() + 1), llama_free);
  if (!context) throw std::runtime_error("cannot create a context");
  const int size = llama_vocab_n_tokens(llama_model_get_vocab(model));
  if (llama_encode(context.get(), llama_batch_get_one(prompt.data(), static_cast<int32_t>(prompt.size()))) != 0) {
    throw std::runtime_error("cannot encode");
  }
  llama_token last = std::max(llama_model_decoder_start_token(model), 0);
  for (llama_token token : path) {
    if (llama_decode(context.get(), llama_batch_get_one(&last, 1)) != 0) throw std::runtime_error("cannot decode");
    printf("%.17g ", LogProbability(llama_get_logits_ith(context.get(), -1), size, token));
    last = token;
  }
  printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 4) throw std::runtime_error("usage: encode-decode FILE PROMPT PATH...");
    const std::unique_ptr<llama_model, decltype(&llama_model_free)> model(
        llama_model_load_from_file(argv[1], llama_model_default_params()), llama_model_free);
    if (!model) throw std::runtime_error("cannot load the model");
    for (int i = 3; i < argc; ++i) Score(model.get(), ReadTokens(argv[2]), ReadTokens(argv[i]));
    return 0;
  } catch (const std::exception& error) {
    fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
