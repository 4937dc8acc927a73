// See generate_many.h.

#include "engine/generation/generate_many.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "engine/generation/generator.h"

namespace autocog {

namespace {

// A generation in progress.
struct Running {
  int task = 0;
  int branch = 0;
  int cells = 0;     // reserved
  int position = 0;  // of the next token
  llama_token next = LLAMA_TOKEN_NULL;
};

class Scheduler {
 public:
  Scheduler(Context* context, PrefixCache* cache, const std::vector<GenerationTask>& tasks,
            const GenerationOptions& options)
      : context_(context), cache_(cache), tasks_(tasks), options_(options) {
    for (int i = cache->branches(); i-- > 0;) free_branches_.push_back(i);
  }
  ~Scheduler() {
    for (const Running& running : running_) cache_->Release(running.branch, running.cells);
  }
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  Status CreateStates(const TaskSink& sink);
  Status Run(const Cancellation& cancellation);
  // Ends unfinished generations as aborted and returns all.
  std::vector<Generation> Finish();

 private:
  // Whether a prompt can start now. Sets `cells` to the number of cells that it needs.
  bool Fits(const Tokens& prompt, int* cells) const;
  Status Start(int task, int cells, const Cancellation& cancellation);
  Status Step(const Cancellation& cancellation);
  // Removes generations that have ended, and releases their branches.
  void RemoveEnded();
  // Moves the running generations to the first branches, in order.
  void Compact();

  Context* context_;
  PrefixCache* cache_;
  const std::vector<GenerationTask>& tasks_;
  const GenerationOptions& options_;
  std::vector<std::unique_ptr<GenerationState>> states_;
  std::vector<Running> running_;
  std::vector<int> free_branches_;
  Batch batch_;
};

Status Scheduler::CreateStates(const TaskSink& sink) {
  for (size_t i = 0; i < tasks_.size(); ++i) {
    GenerationOptions options = options_;
    options.sampling.seed = tasks_[i].seed;
    Sink task_sink;
    if (sink) task_sink = [&sink, i](Piece piece) { sink(static_cast<int>(i), std::move(piece)); };
    auto state = GenerationState::Create(context_->vocabulary(), options, tasks_[i].prompt, std::move(task_sink));
    if (!state.ok()) return state.status();
    states_.push_back(std::move(state.value()));
  }
  return Status::Ok();
}

bool Scheduler::Fits(const Tokens& prompt, int* cells) const {
  const int length = static_cast<int>(prompt.size());
  const int room = context_->context_size() - length;
  *cells = length + std::min(room, std::max(options_.max_tokens, 1)) + 1;
  if (running_.empty()) return true;
  const size_t max_running = static_cast<size_t>(std::min(context_->max_tokens(), context_->max_rows()));
  return !free_branches_.empty() && running_.size() < max_running && *cells <= cache_->unreserved();
}

Status Scheduler::Start(int task, int cells, const Cancellation& cancellation) {
  GenerationState* state = states_[static_cast<size_t>(task)].get();
  if (state->ended()) return Status::Ok();
  const Tokens& prompt = tasks_[static_cast<size_t>(task)].prompt;
  Usage* usage = &state->generation().usage;
  const int length = static_cast<int>(prompt.size());
  Result<llama_token> first = LLAMA_TOKEN_NULL;
  PromptRequest request;
  request.rows = {length - 1};
  request.on_row = [&](size_t, const float* row) { first = state->Next(row); };
  request.reuse_appended = true;
  Stopwatch watch(&usage->prompt_ms);
  auto slot = cache_->Ensure(prompt, request, cancellation, usage);
  if (!slot.ok()) return slot.status();
  if (!first.ok()) return first.status();
  if (state->ended()) return Status::Ok();
  Running running{task, free_branches_.back(), cells, length, first.value()};
  free_branches_.pop_back();
  cache_->Pin(running.branch, slot.value(), length, cells);
  running_.push_back(running);
  return Status::Ok();
}

Status Scheduler::Step(const Cancellation& cancellation) {
  batch_.Clear();
  for (const Running& running : running_) {
    batch_.Add(running.next, running.position, cache_->BranchSequence(running.branch), true);
  }
  const int room = cache_->MakeRoom(batch_.size() + 1, PrefixCache::kNoSlot);
  Usage usage;
  double ms = 0;
  Status status;
  {
    Stopwatch watch(&ms);
    status = context_->Decode(&batch_, Kernels::kAny, room, cancellation, &usage);
  }
  if (!status.ok()) return status;
  for (size_t i = 0; i < running_.size(); ++i) {
    Running& running = running_[i];
    GenerationState* state = states_[static_cast<size_t>(running.task)].get();
    Usage* own = &state->generation().usage;
    own->decoded_tokens += 1;
    own->decode_calls += 1;
    own->decode_ms += ms;
    ++running.position;
    auto next = state->Next(context_->Row(static_cast<int>(i)));
    if (!next.ok()) return next.status();
    running.next = next.value();
  }
  return Status::Ok();
}

void Scheduler::RemoveEnded() {
  const auto ended = [this](const Running& running) {
    GenerationState* state = states_[static_cast<size_t>(running.task)].get();
    const CancelFlag& stop = tasks_[static_cast<size_t>(running.task)].stop;
    if (!state->ended() && stop && stop->load(std::memory_order_relaxed)) state->End(StopReason::kAborted);
    if (!state->ended() && running.position == context_->context_size()) state->End(StopReason::kContext);
    if (!state->ended()) return false;
    cache_->Release(running.branch, running.cells);
    free_branches_.push_back(running.branch);
    return true;
  };
  running_.erase(std::remove_if(running_.begin(), running_.end(), ended), running_.end());
  if (context_->needs_consecutive_ids()) Compact();
}

void Scheduler::Compact() {
  std::sort(free_branches_.begin(), free_branches_.end(), std::greater<>());
  const auto by_branch = [](const Running& a, const Running& b) { return a.branch < b.branch; };
  std::sort(running_.begin(), running_.end(), by_branch);
  for (size_t i = 0; i < running_.size(); ++i) {
    int& branch = running_[i].branch;
    const auto lowest = static_cast<int>(i);
    if (branch == lowest) continue;
    cache_->MoveBranch(branch, lowest);
    std::replace(free_branches_.begin(), free_branches_.end(), lowest, branch);
    branch = lowest;
  }
  std::sort(free_branches_.begin(), free_branches_.end(), std::greater<>());
}

Status Scheduler::Run(const Cancellation& cancellation) {
  int next = 0;
  const int count = static_cast<int>(tasks_.size());
  while (next < count || !running_.empty()) {
    int cells = 0;
    while (next < count && Fits(tasks_[static_cast<size_t>(next)].prompt, &cells)) {
      if (Status status = Start(next++, cells, cancellation); !status.ok()) return status;
    }
    RemoveEnded();
    if (running_.empty()) continue;
    if (Status status = Step(cancellation); !status.ok()) return status;
    RemoveEnded();
  }
  return Status::Ok();
}

std::vector<Generation> Scheduler::Finish() {
  std::vector<Generation> generations;
  for (auto& state : states_) {
    if (!state->ended()) state->End(StopReason::kAborted);
    generations.push_back(std::move(state->generation()));
  }
  return generations;
}

}  // namespace

Result<std::vector<Generation>> GenerateMany(Context* context, PrefixCache* cache,
                                             const std::vector<GenerationTask>& tasks, const GenerationOptions& options,
                                             const TaskSink& sink, const Cancellation& cancellation) {
  Scheduler scheduler(context, cache, tasks, options);
  if (Status status = scheduler.CreateStates(sink); !status.ok()) return status;
  Status status = scheduler.Run(cancellation);
  if (!status.ok() && !EndsGeneration(status)) return status;
  return scheduler.Finish();
}

}  // namespace autocog
