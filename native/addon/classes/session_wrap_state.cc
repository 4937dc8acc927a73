// The methods of NativeSession that save and load a prompt's state. See session_wrap.h. Above each
// method: its TypeScript signature and the llama.h calls behind it.

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "addon/classes/session_wrap.h"
#include "addon/values/values.h"

namespace autocog {

namespace {

// Transfers ownership without a copy if the runtime supports external buffers: states can take gigabytes.
Napi::Value FromBytes(Napi::Env env, std::vector<uint8_t> bytes) {
  const size_t size = bytes.size();
  if (size > 0) {
    auto owner = std::make_unique<std::vector<uint8_t>>(std::move(bytes));
    napi_value buffer = nullptr;
    const napi_status status = napi_create_external_arraybuffer(
        env, owner->data(), size, [](napi_env, void*, void* hint) { delete static_cast<std::vector<uint8_t>*>(hint); },
        owner.get(), &buffer);
    if (status == napi_ok) {
      owner.release();
      return Napi::Uint8Array::New(env, size, Napi::ArrayBuffer(env, buffer), 0);
    }
    bytes = std::move(*owner);
  }
  auto array = Napi::Uint8Array::New(env, size);
  if (array.IsEmpty()) return env.Undefined();  // rule 5
  if (size > 0) std::memcpy(array.Data(), bytes.data(), size);
  return array;
}

}  // namespace

// saveState(prompt: Int32Array, cancellation): Promise<NativeState>
// llama_decode, llama_memory_seq_cp, llama_memory_seq_rm, llama_state_seq_get_data
Napi::Value SessionWrap::SaveState(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto prompt = ReadInt32s(info, 0);
  auto flag = prompt ? ReadCancellation(info, 1) : std::nullopt;
  if (!flag) return env.Undefined();
  return Submit<SavedState>(
      env, std::move(*flag),
      [prompt = std::move(*prompt)](Session& session, const Cancellation& cancellation) {
        return session.SaveState(prompt, cancellation);
      },
      kUsageField,
      [](Napi::Env env, SavedState& state) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("tokens", FromInt32s(env, state.tokens));
        object.Set("cells", FromBytes(env, std::move(state.cells)));
        object.Set("row", FromFloats(env, std::move(state.row)));
        object.Set("usage", FromUsage(env, state.usage));
        return object;
      });
}

// loadState(tokens: Int32Array, cells: Uint8Array, row: Float32Array, cancellation): Promise<NativeUsage>
// llama_memory_seq_rm, llama_state_seq_set_data
Napi::Value SessionWrap::LoadState(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto tokens = ReadInt32s(info, 0);
  if (!tokens) return env.Undefined();
  const auto is_typed = [&](size_t index, napi_typedarray_type type) {
    return info[index].IsTypedArray() && info[index].As<Napi::TypedArray>().TypedArrayType() == type;
  };
  if (!is_typed(1, napi_uint8_array) || !is_typed(2, napi_float32_array)) {
    Napi::TypeError::New(env, "Native call: expected a Uint8Array and a Float32Array").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  auto flag = ReadCancellation(info, 3);
  if (!flag) return env.Undefined();
  auto row = info[2].As<Napi::Float32Array>();
  std::vector<float> logits(row.Data(), row.Data() + row.ElementLength());
  auto cells = info[1].As<Napi::Uint8Array>();
  // Too large to copy. The reference is dropped with the job, on this thread (rule 3).
  auto reference = std::make_shared<Napi::ObjectReference>(Napi::Persistent(cells.As<Napi::Object>()));
  return Submit<Usage>(
      env, std::move(*flag),
      [tokens = std::move(*tokens), logits = std::move(logits), reference = std::move(reference), data = cells.Data(),
       size = cells.ElementLength()](Session& session, const Cancellation& cancellation) {
        return session.LoadState(tokens, data, size, logits, cancellation);
      },
      [](Usage& usage) -> Usage& { return usage; }, [](Napi::Env env, Usage& usage) { return FromUsage(env, usage); });
}

}  // namespace autocog
