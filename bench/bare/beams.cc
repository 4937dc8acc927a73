// The lower bound for beam searches: decodes of given beams after a cached prompt, without any of this
// package's code. Arguments: model, job file, threads, "together" (a decode per step) or "apart" (a decode
// per token, one beam after another). Speaks the protocol of bench/contender.mjs.

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "engine.h"

namespace {

// The job file, decimal numbers: the prompt's length and its tokens, then the number of beams, their
// length, and their tokens, beam by beam.
struct Job {
  std::vector<llama_token> prompt;
  std::vector<std::vector<llama_token>> beams;
};

Job ReadJob(const char* path) {
  std::ifstream file(path);
  Job job;
  size_t count = 0;
  size_t length = 0;
  file >> count;
  job.prompt.resize(count);
  for (llama_token& token : job.prompt) file >> token;
  file >> count >> length;
  job.beams.assign(count, std::vector<llama_token>(length));
  for (auto& beam : job.beams) {
    for (llama_token& token : beam) file >> token;
  }
  if (!file || count == 0 || length == 0) Fail("cannot read the job file");
  return job;
}

void Add(llama_batch* batch, llama_token token, llama_pos position, llama_seq_id sequence) {
  const int i = batch->n_tokens++;
  batch->token[i] = token;
  batch->pos[i] = position;
  batch->n_seq_id[i] = 1;
  batch->seq_id[i][0] = sequence;
  batch->logits[i] = 1;
}

// The batches of a run. The last token of a beam is not decoded; the prompt's last token is, for the
// first step.
std::vector<llama_batch> MakeBatches(const Job& job, bool together) {
  const auto beams = static_cast<int>(job.beams.size());
  const auto prompt = static_cast<llama_pos>(job.prompt.size());
  const size_t length = job.beams.front().size();
  std::vector<llama_batch> batches;
  const auto begin = [&] { batches.push_back(llama_batch_init(beams, 0, 1)); };
  const auto add = [&](int beam, size_t step) {
    const llama_token token = step == 0 ? job.prompt.back() : job.beams[static_cast<size_t>(beam)][step - 1];
    Add(&batches.back(), token, prompt - 1 + static_cast<llama_pos>(step), beam + 1);
  };
  if (together) {
    for (size_t step = 0; step < length; ++step) {
      begin();
      for (int beam = 0; beam < (step == 0 ? 1 : beams); ++beam) add(beam, step);
    }
    return batches;
  }
  for (int beam = 0; beam < beams; ++beam) {
    for (size_t step = beam == 0 ? 0 : 1; step < length; ++step) {
      begin();
      add(beam, step);
    }
  }
  return batches;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) Fail("usage: beams MODEL JOB THREADS GPU_LAYERS together|apart");
  const int threads = std::atoi(argv[3]);
  const Job job = ReadJob(argv[2]);
  llama_model* model = LoadModel(argv[1], std::atoi(argv[4]));
  const auto beams = static_cast<llama_seq_id>(job.beams.size());
  llama_context* context = MakeContext(model, beams + 1, threads);
  if (context == nullptr) Fail("cannot create the context");
  ggml_threadpool* pool = AttachThreads(context, threads);
  llama_memory_t memory = llama_get_memory(context);
  const auto prompt = static_cast<llama_pos>(job.prompt.size());
  DecodePrompt(context, job.prompt);
  llama_memory_seq_rm(memory, kPrompt, prompt - 1, -1);
  std::vector<llama_batch> batches = MakeBatches(job, std::strcmp(argv[5], "together") == 0);
  int tokens = 0;
  for (const llama_batch& batch : batches) tokens += batch.n_tokens;
  std::cout << "{\"decodedTokens\":" << tokens << ",\"calls\":" << batches.size() << "}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    for (llama_seq_id beam = 1; beam <= beams; ++beam) {
      llama_memory_seq_rm(memory, beam, -1, -1);
      llama_memory_seq_cp(memory, kPrompt, beam, 0, prompt - 1);
    }
    const std::clock_t cpu_before = std::clock();
    const auto start = std::chrono::steady_clock::now();
    for (size_t i = 0; i < batches.size(); ++i) {
      if (llama_decode(context, batches[i]) != 0) Fail("cannot decode the beams");
      llama_synchronize(context);
      if (i > 0) continue;
      for (llama_seq_id beam = 2; beam <= beams; ++beam) {
        llama_memory_seq_cp(memory, 1, beam, prompt - 1, prompt);
      }
    }
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    const double cpu_ms = 1000.0 * static_cast<double>(std::clock() - cpu_before) / CLOCKS_PER_SEC;
    std::cout << "{\"ms\":" << elapsed.count() << ",\"cpuMs\":" << cpu_ms << "}" << std::endl;
  }
  for (const llama_batch& batch : batches) llama_batch_free(batch);
  llama_free(context);
  FreeThreads(pool);
  llama_model_free(model);
}
