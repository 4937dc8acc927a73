// The automaton method of NativeSession. See session_wrap.h. Above it: its TypeScript signature and the llama.h
// calls behind it.

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "addon/classes/session_wrap.h"
#include "addon/values/values.h"

namespace autocog {

namespace {

Normalization ToNormalization(const std::string& name) {
  if (name == "tokens") return Normalization::kTokens;
  if (name == "bytes") return Normalization::kBytes;
  return name == "chars" ? Normalization::kChars : Normalization::kNone;
}

Metric ToMetric(const std::string& name) {
  if (name == "sum") return Metric::kSum;
  return name == "bytes" ? Metric::kBytes : Metric::kMean;
}

PathsAction ReadPaths(const Napi::Object& object) {
  PathsAction paths;
  const std::vector<int32_t> tokens = Int32sField(object, "tokens");
  auto next = tokens.begin();
  for (int32_t length : Int32sField(object, "lengths")) {
    const auto rest = static_cast<int32_t>(tokens.end() - next);
    const auto end = next + std::clamp(length, 0, rest);
    paths.paths.emplace_back(next, end);
    next = end;
  }
  paths.texts = StringsField(object, "texts");
  paths.terminator = StringField(object, "terminator");
  paths.scored = BoolField(object, "scored");
  paths.ends = BoolField(object, "ends");
  return paths;
}

CompletionAction ReadCompletion(const Napi::Object& object) {
  CompletionAction completion;
  completion.max_tokens = IntField(object, "maxTokens");
  completion.beams = IntField(object, "beams");
  completion.ahead = IntField(object, "ahead");
  completion.stops = StringsField(object, "stops");
  completion.stop_tokens = TokenSet(BytesField(object, "stopTokens"));
  completion.allowed = TokenSet(BytesField(object, "allowed"));
  completion.repetition = NumberField(object, "repetition");
  completion.diversity = NumberField(object, "diversity");
  return completion;
}

Action ReadAction(const Napi::Object& object) {
  Action action;
  action.is_completion = BoolField(object, "completes");
  if (action.is_completion) {
    action.completion = ReadCompletion(object);
  } else {
    action.paths = ReadPaths(object);
  }
  action.normalize = ToNormalization(StringField(object, "normalize"));
  action.width = IntField(object, "width");
  action.threshold = NumberField(object, "threshold");
  action.next = Int32sField(object, "next");
  action.forks = BoolField(object, "forks");
  return action;
}

AutomatonPlan ReadPlan(const Napi::Object& object) {
  AutomatonPlan plan;
  for (const Napi::Object& each : ObjectsField(object, "actions")) plan.actions.push_back(ReadAction(each));
  plan.metric = ToMetric(StringField(object, "metric"));
  plan.healed = BoolField(object, "healed");
  plan.guard = StringField(object, "guard");
  plan.guard_tokens = Int32sField(object, "guardTokens");
  plan.end_tokens = Int32sField(object, "endTokens");
  plan.entries = Int32sField(object, "entries");
  plan.max_thoughts = static_cast<int64_t>(NumberField(object, "maxThoughts"));
  plan.max_tokens = static_cast<int64_t>(NumberField(object, "maxTokens"));
  plan.stop_after = static_cast<int64_t>(NumberField(object, "stopAfter"));
  plan.until_best = BoolField(object, "untilBest");
  return plan;
}

// Reports progress to JavaScript. The function is released on the JavaScript thread.
class SearchProgressEvent final : public Event {
 public:
  SearchProgressEvent(std::shared_ptr<Napi::FunctionReference> function, const SearchProgress& progress)
      : function_(std::move(function)), progress_(progress) {}
  void Deliver(Napi::Env env) override {
    // lib passes a function that does not throw.
    const auto number = [env](auto value) { return Napi::Number::New(env, static_cast<double>(value)); };
    function_->Call({number(progress_.rounds), number(progress_.open), number(progress_.finished),
                     number(progress_.tokens), number(progress_.best)});
  }

 private:
  std::shared_ptr<Napi::FunctionReference> function_;
  SearchProgress progress_;
};

OnProgress ReadOnProgress(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsFunction()) return {};
  Environment* environment = Environment::Get(info.Env());
  // Shared by the job and its events, all of which are destroyed on the JavaScript thread, so the function is
  // released there.
  auto function = std::make_shared<Napi::FunctionReference>(Napi::Persistent(info[index].As<Napi::Function>()));
  return [environment, function](const SearchProgress& progress) {
    environment->Send(std::make_unique<SearchProgressEvent>(function, progress));
  };
}

// Values of all nodes, end to end, with the end of each node's.
template <typename T>
struct Flat {
  std::vector<T> values;
  std::vector<int32_t> ends;
  void Add(const std::vector<T>& own) {
    values.insert(values.end(), own.begin(), own.end());
    ends.push_back(static_cast<int32_t>(values.size()));
  }
};

Napi::Value FromThoughts(Napi::Env env, const Thoughts& thoughts) {
  std::vector<int32_t> parents, actions, paths, replaced, stops, stop_texts, pruned, finished;
  std::vector<double> scalars;
  Flat<int32_t> tokens, stop_tokens;
  Flat<double> logprobs, stop_logprobs;
  Napi::Array texts = Napi::Array::New(env, thoughts.nodes.size());
  for (const ThoughtNode& node : thoughts.nodes) {
    texts.Set(static_cast<uint32_t>(parents.size()), Napi::String::New(env, node.text));
    parents.push_back(node.parent);
    actions.push_back(node.action);
    paths.push_back(node.path);
    replaced.push_back(node.replaced);
    stops.push_back(static_cast<int32_t>(node.stop));
    stop_texts.push_back(node.stop_text);
    pruned.push_back(static_cast<int32_t>(node.pruned));
    finished.push_back(node.finished ? 1 : 0);
    for (double value : {node.logprob, node.score, node.probability, node.path_score, node.path_logprob,
                         static_cast<double>(node.decoded_tokens)}) {
      scalars.push_back(value);
    }
    tokens.Add(node.tokens);
    logprobs.Add(node.logprobs);
    stop_tokens.Add(node.stop_tokens);
    stop_logprobs.Add(node.stop_logprobs);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("parents", FromInt32s(env, parents));
  object.Set("actions", FromInt32s(env, actions));
  object.Set("paths", FromInt32s(env, paths));
  object.Set("replaced", FromInt32s(env, replaced));
  object.Set("stops", FromInt32s(env, stops));
  object.Set("stopTexts", FromInt32s(env, stop_texts));
  object.Set("pruned", FromInt32s(env, pruned));
  object.Set("finished", FromInt32s(env, finished));
  object.Set("scalars", FromDoubles(env, scalars));
  object.Set("texts", texts);
  object.Set("tokens", FromInt32s(env, tokens.values));
  object.Set("tokenEnds", FromInt32s(env, tokens.ends));
  object.Set("logprobs", FromDoubles(env, logprobs.values));
  object.Set("stopTokens", FromInt32s(env, stop_tokens.values));
  object.Set("stopTokenEnds", FromInt32s(env, stop_tokens.ends));
  object.Set("stopLogprobs", FromDoubles(env, stop_logprobs.values));
  object.Set("end", static_cast<int>(thoughts.end));
  object.Set("usage", FromUsage(env, thoughts.usage));
  return object;
}

}  // namespace

// searchThoughts(prompt: Int32Array, plan: NativePlan, onProgress, cancellation): Promise<NativeThoughts>
// llama_decode, llama_get_logits_ith, llama_memory_seq_cp, llama_memory_seq_rm, llama_tokenize
Napi::Value SessionWrap::SearchThoughts(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto prompt = ReadInt32s(info, 0);
  auto object = prompt ? ReadObject(info, 1) : std::nullopt;
  auto flag = object ? ReadCancellation(info, 3) : std::nullopt;
  if (!flag) return env.Undefined();
  AutomatonPlan plan = ReadPlan(*object);
  if (env.IsExceptionPending()) return env.Undefined();
  return Submit<Thoughts>(
      env, std::move(*flag),
      [prompt = std::move(*prompt), plan = std::move(plan), on_progress = ReadOnProgress(info, 2)](
          Session& session, const Cancellation& cancellation) {
        return session.SearchThoughts(prompt, plan, on_progress, cancellation);
      },
      kUsageField, [](Napi::Env env, Thoughts& thoughts) -> Napi::Value { return FromThoughts(env, thoughts); });
}

}  // namespace autocog
