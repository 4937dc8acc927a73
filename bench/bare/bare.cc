// The lower bound for the benchmarks: a single llama_decode of a tree's inner nodes after a cached
// prompt, without any of this package's code. Arguments: model, job file, threads, layers on GPUs. Speaks the
// protocol of bench/contender.mjs: "ready", then one line of JSON per input line "go".

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "engine.h"

namespace {

// The job file, decimal numbers: the prompt's length and its tokens, then the number of tree nodes
// and of each node in depth-first order, including the root (-1 -1 1): its token, its parent, and whether the
// logits after it are computed.
struct Job {
  std::vector<llama_token> prompt;
  std::vector<llama_token> tokens;
  std::vector<int> parents;
  std::vector<int> rows;
};

Job ReadJob(const char* path) {
  std::ifstream file(path);
  Job job;
  size_t count = 0;
  file >> count;
  job.prompt.resize(count);
  for (llama_token& token : job.prompt) file >> token;
  file >> count;
  job.tokens.resize(count);
  job.parents.resize(count);
  job.rows.resize(count);
  for (size_t i = 0; i < count; ++i) file >> job.tokens[i] >> job.parents[i] >> job.rows[i];
  if (!file) Fail("cannot read the job file");
  return job;
}

struct Node {
  llama_token token;
  llama_pos depth;
  bool row;
  std::vector<llama_seq_id> sequences;
};

// The nodes to decode: those with children, each assigned to the sequences of all paths through it.
// Sequence 0 holds the prompt, so path sequences start at 1.
struct Plan {
  std::vector<Node> nodes;
  int paths = 0;
};

Plan MakePlan(const Job& job) {
  const size_t size = job.tokens.size();
  std::vector<bool> inner(size, false);
  for (size_t i = 1; i < size; ++i) inner[static_cast<size_t>(job.parents[i])] = true;
  std::vector<bool> ends_path = inner;  // decoded, but none of its children is
  for (size_t i = 1; i < size; ++i) {
    if (inner[i]) ends_path[static_cast<size_t>(job.parents[i])] = false;
  }
  Plan plan;
  std::vector<llama_pos> depth(size, 0);
  std::vector<size_t> index(size, 0);
  for (size_t i = 1; i < size; ++i) {
    depth[i] = depth[static_cast<size_t>(job.parents[i])] + 1;
    if (!inner[i]) continue;
    index[i] = plan.nodes.size();
    plan.nodes.push_back({job.tokens[i], depth[i], job.rows[i] != 0, {}});
  }
  for (size_t i = 1; i < size; ++i) {
    if (!ends_path[i]) continue;
    ++plan.paths;
    for (size_t up = i; up > 0; up = static_cast<size_t>(job.parents[up])) {
      plan.nodes[index[up]].sequences.push_back(plan.paths);
    }
  }
  return plan;
}

llama_batch MakeBatch(const Plan& plan, llama_pos prompt_length) {
  llama_batch batch = llama_batch_init(static_cast<int32_t>(plan.nodes.size()) + 1, 0, plan.paths + 1);
  const auto add = [&](llama_token token, llama_pos position, const std::vector<llama_seq_id>& sequences, bool row) {
    const int i = batch.n_tokens++;
    batch.token[i] = token;
    batch.pos[i] = position;
    batch.n_seq_id[i] = static_cast<int32_t>(sequences.size());
    for (size_t s = 0; s < sequences.size(); ++s) batch.seq_id[i][s] = sequences[s];
    batch.logits[i] = row ? 1 : 0;
  };
  for (const Node& node : plan.nodes) {
    add(node.token, prompt_length + node.depth - 1, node.sequences, node.row);
  }
  // Like the package, never decode a single token: llama.cpp uses different kernels for that.
  if (plan.nodes.size() == 1) add(0, 0, {plan.paths + 1}, true);
  return batch;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) Fail("usage: bare MODEL JOB THREADS GPU_LAYERS");
  const int threads = std::atoi(argv[3]);
  const Job job = ReadJob(argv[2]);
  const Plan plan = MakePlan(job);
  llama_model* model = LoadModel(argv[1], std::atoi(argv[4]));
  llama_context* context = MakeContext(model, plan.paths + 2, threads);
  if (context == nullptr) Fail("cannot create the context");
  ggml_threadpool* pool = AttachThreads(context, threads);
  llama_memory_t memory = llama_get_memory(context);
  const auto prompt_length = static_cast<llama_pos>(job.prompt.size());
  DecodePrompt(context, job.prompt);
  const auto share_prompt = [&] {
    for (llama_seq_id path = 1; path <= plan.paths; ++path) {
      llama_memory_seq_cp(memory, kPrompt, path, 0, prompt_length);
    }
  };
  share_prompt();
  llama_batch batch = MakeBatch(plan, prompt_length);
  std::cout << "{\"decodedTokens\":" << plan.nodes.size() << ",\"calls\":1}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const std::clock_t cpu_before = std::clock();
    const auto start = std::chrono::steady_clock::now();
    if (llama_decode(context, batch) != 0) Fail("cannot decode the tree");
    llama_synchronize(context);
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    const double cpu_ms = 1000.0 * static_cast<double>(std::clock() - cpu_before) / CLOCKS_PER_SEC;
    // As a whole, since a recurrent state cannot be cut.
    for (llama_seq_id path = 1; path <= plan.paths + 1; ++path) llama_memory_seq_rm(memory, path, -1, -1);
    share_prompt();
    std::cout << "{\"ms\":" << elapsed.count() << ",\"cpuMs\":" << cpu_ms << "}" << std::endl;
  }
  llama_batch_free(batch);
  llama_free(context);
  FreeThreads(pool);
  llama_model_free(model);
}
