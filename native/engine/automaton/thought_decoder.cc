// See thought_decoder.h.

#include "engine/automaton/thought_decoder.h"

#include <algorithm>
#include <unordered_map>

#include "engine/scoring/decoded_paths.h"
#include "engine/scoring/state_tree.h"

namespace autocog {

ThoughtDecoder::ThoughtDecoder(Context* context, PrefixCache* cache, const Tokens& prompt, int max_depth)
    : context_(context), cache_(cache), prompt_(prompt), max_depth_(max_depth) {}

Tokens ThoughtDecoder::TokensTo(int node) const {
  Tokens tokens(prompt_.size() + static_cast<size_t>(tree_.depth(node)));
  std::copy(prompt_.begin(), prompt_.end(), tokens.begin());
  for (size_t end = tokens.size(); node > 0; node = tree_.parent(node)) tokens[--end] = tree_.token(node);
  return tokens;
}

int ThoughtDecoder::Count(int node) {
  counted_.resize(static_cast<size_t>(tree_.size()), 0);
  int count = 0;
  for (; node > 0 && counted_[static_cast<size_t>(node)] == 0; node = tree_.parent(node)) {
    counted_[static_cast<size_t>(node)] = 1;
    ++count;
  }
  return count;
}

Status ThoughtDecoder::ReadRoot(const OnRow& on_row, int nodes, int rows, const Cancellation& cancellation,
                                Usage* usage, bool* root_left) {
  Status read;
  PromptRequest request;
  // The first batch has room for the rest of the prompt, too.
  const bool shares = on_row && !decoder_ && !context_->append_only() && rows > 0 && rows < context_->max_rows() &&
                      rows <= cache_->branches();
  if (shares) request.max_deferred = std::max(0, context_->max_tokens() - nodes);
  if (on_row) request.rows = {static_cast<int>(prompt_.size()) - 1};
  request.on_row = [&](size_t, const float* row) {
    Stopwatch watch(&usage->read_ms);
    read = on_row(0, row);
  };
  Usage own;
  Stopwatch watch(&usage->prompt_ms);
  auto slot = cache_->Ensure(prompt_, request, cancellation, &own);
  if (!decoder_) {
    usage->prompt_tokens += own.prompt_tokens;
    usage->cached_tokens += own.cached_tokens;
  }
  usage->decoded_tokens += own.decoded_tokens;
  usage->padding_tokens += own.padding_tokens;
  usage->decode_calls += own.decode_calls;
  if (!slot.ok()) return slot.status();
  if (!read.ok()) return read;
  if (decoder_) return Status::Ok();
  const auto length = static_cast<int>(prompt_.size());
  if (context_->append_only()) {
    decoder_ = std::make_unique<StateTree>(context_, cache_, tree_, slot.value(), length, max_depth_);
  } else {
    auto paths = std::make_unique<DecodedPaths>(context_, cache_, tree_, slot.value(), length);
    *root_left = cache_->Deferred(slot.value(), prompt_) > 0;
    if (*root_left) paths->DecodePrompt(prompt_);
    decoder_ = std::move(paths);
  }
  return Status::Ok();
}

Status ThoughtDecoder::Read(const std::vector<int>& nodes, const std::vector<OpenNode>& open_nodes, const OnRow& on_row,
                            const Cancellation& cancellation, Usage* usage) {
  std::vector<int> requested;
  std::unordered_map<int, int> originals;
  bool needs_root = false;
  for (int node : nodes) {
    if (node == 0) {
      needs_root = true;
      continue;
    }
    // Rows are not kept. If that of a decoded node is needed later, a copy of the node is decoded.
    int target = node;
    if (static_cast<size_t>(node) < decoded_.size() && decoded_[static_cast<size_t>(node)] != 0) {
      target = tree_.Add(tree_.parent(node), tree_.token(node));
    }
    tree_.RequestRow(target);
    originals[target] = node;
    requested.push_back(target);
  }
  // Parents first, so that no node is decoded without its row before it is requested.
  std::sort(requested.begin(), requested.end());
  read_.resize(static_cast<size_t>(tree_.size()), 0);
  decoded_.resize(static_cast<size_t>(tree_.size()), 0);
  int missing = 0;
  for (int node : requested) {
    for (; node > 0 && decoded_[static_cast<size_t>(node)] == 0; node = tree_.parent(node)) {
      decoded_[static_cast<size_t>(node)] = 1;
      ++missing;
    }
  }
  if (needs_root || !decoder_) {
    bool root_left = false;
    Status status = ReadRoot(needs_root ? on_row : OnRow(), missing, static_cast<int>(requested.size()), cancellation,
                             usage, &root_left);
    if (!status.ok()) return status;
    if (root_left) originals[0] = 0;
  }
  const auto width = static_cast<size_t>(context_->vocabulary_size());
  const TreeDecoder::OnRows on_rows = [&](const std::vector<NodeRow>& rows) {
    // Waking a thread takes about as long as reading this many logits.
    constexpr size_t kMinParallelSize = size_t{1} << 17;
    Stopwatch watch(&usage->read_ms);
    std::vector<Status> statuses(rows.size());
    const auto read = [&](int i) {
      const NodeRow& each = rows[static_cast<size_t>(i)];
      statuses[static_cast<size_t>(i)] = on_row(originals.at(each.node), each.row);
    };
    if (rows.size() * width >= kMinParallelSize) {
      context_->workers()->Run(static_cast<int>(rows.size()), read);
    } else {
      for (size_t i = 0; i < rows.size(); ++i) read(static_cast<int>(i));
    }
    for (const NodeRow& each : rows) read_[static_cast<size_t>(each.node)] = 1;
    const auto failed = std::find_if(statuses.begin(), statuses.end(), [](const Status& each) { return !each.ok(); });
    return failed == statuses.end() ? Status::Ok() : *failed;
  };
  const auto is_read = [this](int node) { return read_[static_cast<size_t>(node)] != 0; };
  while (!requested.empty()) {
    Status status = decoder_->Decode(requested, open_nodes, on_rows, cancellation, usage);
    if (!status.ok()) return status;
    requested.erase(std::remove_if(requested.begin(), requested.end(), is_read), requested.end());
  }
  return Status::Ok();
}

void ThoughtDecoder::Keep(const std::vector<OpenNode>& open_nodes) {
  if (decoder_) decoder_->Keep(open_nodes);
}

}  // namespace autocog
