// See generate_many.h.

#include "engine/generation/generate_many.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/generation/generator.h"

namespace autocog {

namespace {

// A text that is being written.
struct Running {
  int task = 0;
  int branch = 0;
  int cells = 0;     // spoken for
  int position = 0;  // of the next token
  llama_token next = LLAMA_TOKEN_NULL;
};

class Scheduler {
 public:
  Scheduler(Context* context, PrefixCache* cache, const std::vector<WritingTask>& tasks, const WritingOptions& options)
      : context_(context), cache_(cache), tasks_(tasks), options_(options) {
    for (int i = cache->branches(); i-- > 0;) free_.push_back(i);
  }
  ~Scheduler() {
    for (const Running& running : running_) cache_->Release(running.branch, running.cells);
  }
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  Status MakeWriters(const ManySink& sink);
  Status Run(const Cancellation& cancellation);
  // What has not ended ends here.
  std::vector<Generation> Finish();

 private:
  bool Fits(const Tokens& prompt, int* cells) const;
  Status Begin(int task, int cells, const Cancellation& cancellation);
  Status Step(const Cancellation& cancellation);
  void Retire();

  Context* context_;
  PrefixCache* cache_;
  const std::vector<WritingTask>& tasks_;
  const WritingOptions& options_;
  std::vector<std::unique_ptr<Writer>> writers_;
  std::vector<Running> running_;
  std::vector<int> free_;  // branches
  Batch batch_;
};

Status Scheduler::MakeWriters(const ManySink& sink) {
  for (size_t i = 0; i < tasks_.size(); ++i) {
    WritingOptions options = options_;
    options.sampling.seed = tasks_[i].seed;
    Sink one;
    if (sink) one = [&sink, i](Piece piece) { sink(static_cast<int>(i), std::move(piece)); };
    auto writer = Writer::Create(context_->vocabulary(), options, tasks_[i].prompt, std::move(one));
    if (!writer.ok()) return writer.status();
    writers_.push_back(std::move(writer.value()));
  }
  return Status::Ok();
}

bool Scheduler::Fits(const Tokens& prompt, int* cells) const {
  const int length = static_cast<int>(prompt.size());
  const int room = context_->context_size() - length;
  *cells = length + std::min(room, std::max(options_.max_tokens, 1)) + 1;
  if (running_.empty()) return true;
  const size_t most = static_cast<size_t>(std::min(context_->max_tokens(), context_->max_rows()));
  return !free_.empty() && running_.size() < most && *cells <= cache_->unclaimed();
}

Status Scheduler::Begin(int task, int cells, const Cancellation& cancellation) {
  Writer* writer = writers_[static_cast<size_t>(task)].get();
  if (writer->ended()) return Status::Ok();
  const Tokens& prompt = tasks_[static_cast<size_t>(task)].prompt;
  Usage* usage = &writer->generation().usage;
  const int length = static_cast<int>(prompt.size());
  Result<llama_token> first = LLAMA_TOKEN_NULL;
  PromptRequest request;
  request.rows = {length - 1};
  request.on_row = [&](size_t, const float* row) { first = writer->Next(row); };
  request.reuse_appended = true;
  Stopwatch watch(&usage->prompt_ms);
  auto slot = cache_->Ensure(prompt, request, cancellation, usage);
  if (!slot.ok()) return slot.status();
  if (!first.ok()) return first.status();
  if (writer->ended()) return Status::Ok();
  Running running{task, free_.back(), cells, length, first.value()};
  free_.pop_back();
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
    Writer* writer = writers_[static_cast<size_t>(running.task)].get();
    Usage* own = &writer->generation().usage;
    own->decoded_tokens += 1;
    own->decode_calls += 1;
    own->decode_ms += ms;
    ++running.position;
    auto next = writer->Next(context_->Row(static_cast<int>(i)));
    if (!next.ok()) return next.status();
    running.next = next.value();
  }
  return Status::Ok();
}

void Scheduler::Retire() {
  const auto ended = [this](const Running& running) {
    Writer* writer = writers_[static_cast<size_t>(running.task)].get();
    const CancelFlag& stop = tasks_[static_cast<size_t>(running.task)].stop;
    if (!writer->ended() && stop && stop->load(std::memory_order_relaxed)) writer->End(StopReason::kAborted);
    if (!writer->ended() && running.position == context_->context_size()) writer->End(StopReason::kContext);
    if (!writer->ended()) return false;
    cache_->Release(running.branch, running.cells);
    free_.push_back(running.branch);
    return true;
  };
  running_.erase(std::remove_if(running_.begin(), running_.end(), ended), running_.end());
}

Status Scheduler::Run(const Cancellation& cancellation) {
  int next = 0;
  const int count = static_cast<int>(tasks_.size());
  while (next < count || !running_.empty()) {
    int cells = 0;
    while (next < count && Fits(tasks_[static_cast<size_t>(next)].prompt, &cells)) {
      if (Status status = Begin(next++, cells, cancellation); !status.ok()) return status;
    }
    Retire();
    if (running_.empty()) continue;
    if (Status status = Step(cancellation); !status.ok()) return status;
    Retire();
  }
  return Status::Ok();
}

std::vector<Generation> Scheduler::Finish() {
  std::vector<Generation> generations;
  for (auto& writer : writers_) {
    if (!writer->ended()) writer->End(StopReason::kAborted);
    generations.push_back(std::move(writer->generation()));
  }
  return generations;
}

}  // namespace

Result<std::vector<Generation>> GenerateMany(Context* context, PrefixCache* cache,
                                             const std::vector<WritingTask>& tasks, const WritingOptions& options,
                                             const ManySink& sink, const Cancellation& cancellation) {
  Scheduler scheduler(context, cache, tasks, options);
  if (Status status = scheduler.MakeWriters(sink); !status.ok()) return status;
  Status status = scheduler.Run(cancellation);
  if (!status.ok() && !EndsWriting(status)) return status;
  return scheduler.Finish();
}

}  // namespace autocog
