// The generation methods of NativeSession. See session_wrap.h. Above each method: its TypeScript
// signature and the llama.h calls behind it.

#include <string>
#include <utility>

#include "addon/classes/session_wrap.h"
#include "addon/values/pieces.h"
#include "addon/values/sampling.h"
#include "addon/values/values.h"

namespace autocog {

namespace {

const char* ReasonName(StopReason reason) {
  switch (reason) {
    case StopReason::kEndOfGeneration:
      return "eog";
    case StopReason::kStopString:
      return "stopString";
    case StopReason::kStopToken:
      return "stopToken";
    case StopReason::kLength:
      return "length";
    case StopReason::kContext:
      return "context";
    case StopReason::kAborted:
      return "abort";
  }
  return "length";
}

GenerationOptions ReadGenerationOptions(const Napi::Object& object, const Napi::Object& sampling) {
  GenerationOptions options;
  options.max_tokens = IntField(object, "maxTokens");
  options.stops = StringsField(object, "stops");
  options.stop_tokens = Int32sField(object, "stopTokens");
  options.include_stop = BoolField(object, "includeStop");
  options.alternatives = IntField(object, "alternatives");
  options.context_shift = BoolField(object, "contextShift");
  options.keep = IntField(object, "keep");
  options.sampling = ReadSampling(sampling);
  return options;
}

EarlyStopping ToEarlyStopping(const std::string& name) {
  if (name == "yes") return EarlyStopping::kYes;
  return name == "never" ? EarlyStopping::kNever : EarlyStopping::kNo;
}

std::shared_ptr<Pieces> ReadPieces(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsFunction()) return nullptr;
  return std::make_shared<Pieces>(Environment::Get(info.Env()), info[index].As<Napi::Function>());
}

Napi::Object FromGeneration(Napi::Env env, const Generation& generation) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("tokens", FromInt32s(env, generation.tokens));
  object.Set("logprobs", FromDoubles(env, generation.logprobs));
  object.Set("alternatives", FromInt32s(env, generation.alternatives));
  object.Set("alternativeLogprobs", FromDoubles(env, generation.alternative_logprobs));
  object.Set("text", Napi::String::New(env, generation.text));
  object.Set("stopReason", ReasonName(generation.reason));
  object.Set("stop", generation.stop);
  object.Set("firstTokenMs", generation.first_token_ms);
  object.Set("writeMs", generation.write_ms);
  object.Set("usage", FromUsage(env, generation.usage));
  return object;
}

Napi::Object FromBeam(Napi::Env env, const Beam& beam) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("tokens", FromInt32s(env, beam.tokens));
  object.Set("logprobs", FromDoubles(env, beam.logprobs));
  object.Set("endLogprob", beam.end_logprob);
  object.Set("score", beam.score);
  object.Set("text", Napi::String::New(env, beam.text));
  object.Set("stopReason", ReasonName(beam.reason));
  object.Set("stop", beam.stop);
  return object;
}

// Arguments 0 to 3 of generateMany: concatenated prompts, their lengths, seeds and cancellations.
std::optional<std::vector<GenerationTask>> ReadTasks(const Napi::CallbackInfo& info) {
  auto tokens = ReadInt32s(info, 0);
  auto lengths = tokens ? ReadInt32s(info, 1) : std::nullopt;
  auto seeds = lengths ? ReadDoubles(info, 2) : std::nullopt;
  auto flags = seeds ? ReadCancellations(info, 3) : std::nullopt;
  if (!flags) return std::nullopt;
  std::vector<GenerationTask> tasks;
  size_t start = 0;
  for (size_t i = 0; i < lengths->size() && i < seeds->size() && i < flags->size(); ++i) {
    const size_t end = std::min(tokens->size(), start + static_cast<size_t>(std::max((*lengths)[i], 0)));
    GenerationTask task;
    task.prompt.assign(tokens->begin() + static_cast<std::ptrdiff_t>(start),
                       tokens->begin() + static_cast<std::ptrdiff_t>(end));
    task.seed = static_cast<uint32_t>((*seeds)[i]);
    task.stop = (*flags)[i];
    tasks.push_back(std::move(task));
    start = end;
  }
  return tasks;
}

}  // namespace

// generate(prompt: Int32Array, options: NativeGenerationOptions, sampling: NativeSampling, onPieces,
//          cancellation): Promise<NativeGeneration>
// llama_decode, llama_get_logits_ith, llama_sampler_*, llama_token_to_piece, llama_memory_seq_rm,
// llama_memory_seq_add
Napi::Value SessionWrap::Generate(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto prompt = ReadInt32s(info, 0);
  auto object = prompt ? ReadObject(info, 1) : std::nullopt;
  auto sampling = object ? ReadObject(info, 2) : std::nullopt;
  auto flag = sampling ? ReadCancellation(info, 4) : std::nullopt;
  if (!flag) return env.Undefined();
  GenerationOptions options = ReadGenerationOptions(*object, *sampling);
  if (env.IsExceptionPending()) return env.Undefined();
  return Submit<Generation>(
      env, std::move(*flag),
      [prompt = std::move(*prompt), options = std::move(options), pieces = ReadPieces(info, 3)](
          Session& session, const Cancellation& cancellation) {
        Sink sink;
        if (pieces) sink = [&pieces](Piece piece) { pieces->Add(0, std::move(piece)); };
        return session.Generate(prompt, options, std::move(sink), cancellation);
      },
      kUsageField,
      [](Napi::Env env, Generation& generation) -> Napi::Value { return FromGeneration(env, generation); });
}

// generateMany(prompts: Int32Array, lengths: Int32Array, seeds: Float64Array, stops: NativeCancellation[],
//              options: NativeGenerationOptions, sampling: NativeSampling, onPieces, cancellation):
//              Promise<NativeGeneration[]>
// llama_decode, llama_get_logits_ith, llama_sampler_*, llama_memory_seq_cp
Napi::Value SessionWrap::GenerateMany(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto tasks = ReadTasks(info);
  auto object = tasks ? ReadObject(info, 4) : std::nullopt;
  auto sampling = object ? ReadObject(info, 5) : std::nullopt;
  auto flag = sampling ? ReadCancellation(info, 7) : std::nullopt;
  if (!flag) return env.Undefined();
  GenerationOptions options = ReadGenerationOptions(*object, *sampling);
  if (env.IsExceptionPending()) return env.Undefined();
  struct Generations {
    std::vector<Generation> list;
    Usage usage;  // only the time in the queue, which is reported with each generation
  };
  return Submit<Generations>(
      env, std::move(*flag),
      [tasks = std::move(*tasks), options = std::move(options), pieces = ReadPieces(info, 6)](
          Session& session, const Cancellation& cancellation) -> Result<Generations> {
        TaskSink sink;
        if (pieces) sink = [&pieces](int task, Piece piece) { pieces->Add(task, std::move(piece)); };
        auto generated = session.GenerateMany(tasks, options, sink, cancellation);
        if (!generated.ok()) return generated.status();
        return Generations{std::move(generated.value()), {}};
      },
      kUsageField,
      [](Napi::Env env, Generations& generations) -> Napi::Value {
        Napi::Array array = Napi::Array::New(env, generations.list.size());
        for (uint32_t i = 0; i < generations.list.size(); ++i) {
          Generation& generation = generations.list[i];
          generation.usage.queue_ms = generations.usage.queue_ms;
          array.Set(i, FromGeneration(env, generation));
        }
        return array;
      });
}

// searchBeams(prompt: Int32Array, beams: number, sequences: number, maxTokens: number, lengthPenalty: number,
//             earlyStopping: string, stops: string[], cancellation): Promise<NativeBeams>
// llama_decode, llama_get_logits_ith, llama_memory_seq_cp, llama_memory_seq_rm
Napi::Value SessionWrap::SearchBeams(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto prompt = ReadInt32s(info, 0);
  auto beams = prompt ? ReadInt(info, 1) : std::nullopt;
  auto sequences = beams ? ReadInt(info, 2) : std::nullopt;
  auto max_tokens = sequences ? ReadInt(info, 3) : std::nullopt;
  auto length_penalty = max_tokens ? ReadNumber(info, 4) : std::nullopt;
  auto early_stopping = length_penalty ? ReadString(info, 5) : std::nullopt;
  auto stops = early_stopping ? ReadStrings(info, 6) : std::nullopt;
  auto flag = stops ? ReadCancellation(info, 7) : std::nullopt;
  if (!flag) return env.Undefined();
  const BeamOptions options{
      *beams, *sequences, *max_tokens, *length_penalty, ToEarlyStopping(*early_stopping), std::move(*stops)};
  return Submit<Beams>(
      env, std::move(*flag),
      [prompt = std::move(*prompt), options](Session& session, const Cancellation& cancellation) {
        return session.SearchBeams(prompt, options, cancellation);
      },
      kUsageField,
      [](Napi::Env env, Beams& result) -> Napi::Value {
        Napi::Array array = Napi::Array::New(env, result.beams.size());
        for (uint32_t i = 0; i < result.beams.size(); ++i) array.Set(i, FromBeam(env, result.beams[i]));
        Napi::Object object = Napi::Object::New(env);
        object.Set("beams", array);
        object.Set("usage", FromUsage(env, result.usage));
        return object;
      });
}

}  // namespace autocog
