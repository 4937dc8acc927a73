// LoRA adapters in the engine: lifetimes, and recovery from a failed assertion. Their effect on results is
// tested through the public API.

#include "engine/model/adapter.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ggml.h"
#include "gguf.h"
#include "test/common/check.h"
#include "test/session/session_support.h"

namespace autocog::test {

namespace {

struct Part {
  std::string name;
  int64_t columns;
  int64_t rows;
};

// An adapter file with constant weights, deleted when the test ends.
class AdapterFile {
 public:
  explicit AdapterFile(const std::vector<Part>& parts)
      : path_((std::filesystem::temp_directory_path() / "autocog-adapter-test.gguf").string()) {
    ggml_init_params params = {size_t{64} << 20, nullptr, false};
    ggml_context* tensors = ggml_init(params);
    gguf_context* file = gguf_init_empty();
    gguf_set_val_str(file, "general.type", "adapter");
    gguf_set_val_str(file, "general.architecture", "llama");
    gguf_set_val_str(file, "adapter.type", "lora");
    gguf_set_val_f32(file, "adapter.lora.alpha", 1.0f);
    for (const Part& part : parts) {
      ggml_tensor* tensor = ggml_new_tensor_2d(tensors, GGML_TYPE_F32, part.columns, part.rows);
      ggml_set_name(tensor, part.name.c_str());
      auto* values = static_cast<float*>(tensor->data);
      std::fill(values, values + part.columns * part.rows, 0.1f);
      gguf_add_tensor(file, tensor);
    }
    gguf_write_to_file(file, path_.c_str(), false);
    gguf_free(file);
    ggml_free(tensors);
  }
  ~AdapterFile() { std::filesystem::remove(path_); }
  AdapterFile(const AdapterFile&) = delete;
  AdapterFile& operator=(const AdapterFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

const std::vector<Part> kDown = {{"blk.1.ffn_down.weight.lora_a", 192, 2}, {"blk.1.ffn_down.weight.lora_b", 2, 128}};

std::vector<float> LogProbs(Session* session) {
  return std::move(session->LogProbs({1, 2, 3}, Never()).value().values);
}

}  // namespace

TEST_CASE("an adapter outlives its other owners as long as a session uses it") {
  auto model = LoadAs("F32");
  auto session = Session::Create(model, ExactOptions(), 3).value().release();
  const std::unique_ptr<Session> owner(session);
  const std::vector<float> before = LogProbs(session);
  const AdapterFile file(kDown);
  auto adapter = Adapter::Load(model, file.path()).value();
  const std::weak_ptr<Adapter> watch = adapter;
  const std::string name = session->SetAdapters({{adapter, 2.0f}}).value();
  EXPECT(!name.empty());
  adapter.reset();
  EXPECT(!watch.expired());
  EXPECT(LogProbs(session) != before);
  EXPECT(session->SetAdapters({}).value().empty());
  EXPECT(watch.expired());
  EXPECT(LogProbs(session) == before);
  auto again = Adapter::Load(model, file.path()).value();
  EXPECT(session->SetAdapters({{again, 2.0f}}).value() == name);
  EXPECT(session->SetAdapters({{again, 1.0f}}).value() != name);
  EXPECT(session->SetAdapters({{again, 0.0f}}).value().empty());
}

TEST_CASE("a session can be destroyed with adapters in use") {
  auto model = LoadAs("F32");
  const AdapterFile file(kDown);
  auto session = Session::Create(model, ExactOptions(), 3);
  EXPECT(session.value()->SetAdapters({{Adapter::Load(model, file.path()).value(), 1.0f}}).ok());
  model.reset();
  EXPECT(LogProbs(session.value().get()).size() > 0);
  session.value().reset();
}

TEST_CASE("an adapter that llama.cpp cannot compute leaves the previous ones in use") {
  auto model = LoadAs("F32");
  const int64_t size = model->vocabulary().size();
  auto session = Session::Create(model, ExactOptions(), 3);
  const AdapterFile good_file(kDown);
  auto good = Adapter::Load(model, good_file.path()).value();
  const std::string name = session.value()->SetAdapters({{good, 2.0f}}).value();
  const std::vector<float> before = LogProbs(session.value().get());
  const AdapterFile bad_file({{"token_embd.weight.lora_a", 2, size}, {"token_embd.weight.lora_b", 2, 128}});
  auto bad = Adapter::Load(model, bad_file.path()).value();
  for (int round = 0; round < 3; ++round) {
    EXPECT(session.value()->SetAdapters({{bad, 1.0f}}).status().code() == Code::kNotSupported);
    EXPECT(session.value()->steering() == name);
    EXPECT(LogProbs(session.value().get()) == before);
  }
}

TEST_CASE("adapters of another model, and duplicate adapters, are rejected") {
  auto model = LoadAs("F32");
  auto other = LoadAs("Q8_0");
  const AdapterFile file(kDown);
  auto session = Session::Create(model, ExactOptions(), 3);
  auto own = Adapter::Load(model, file.path()).value();
  auto foreign = Adapter::Load(other, file.path()).value();
  EXPECT(session.value()->SetAdapters({{foreign, 1.0f}}).status().code() == Code::kInvalidArgument);
  EXPECT(session.value()->SetAdapters({{own, 1.0f}, {own, 2.0f}}).status().code() == Code::kInvalidArgument);
  EXPECT(session.value()->SetAdapters({{own, 0.0f}}).ok());
}

}  // namespace autocog::test
