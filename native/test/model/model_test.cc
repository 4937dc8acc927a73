// Loading of models: invalid files, cancellation, overrides. Quantization: invalid arguments.

#include "engine/model/model.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "test/common/check.h"

using autocog::Code;
using autocog::Model;

namespace {

autocog::JobThread* Owner() {
  static autocog::JobThread owner;
  return &owner;
}

Code LoadCode(const std::string& path) {
  auto model = Model::Load(path, {}, {}, autocog::Cancellation(Owner(), nullptr));
  return model.ok() ? Code::kOk : model.status().code();
}

std::string Temporary(const std::string& bytes) {
  static int count = 0;
  const std::string path = "/tmp/autocog-model-" + std::to_string(getpid()) + "-" + std::to_string(++count);
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string DefaultBytes() {
  std::ifstream file("models/default.gguf", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

TEST_CASE("paths that are not a model are rejected") {
  EXPECT(LoadCode("/no/such/file") == Code::kModelLoad);
  EXPECT(LoadCode("/tmp") == Code::kModelLoad);
  for (const std::string& bytes : {std::string(), std::string("GG"), std::string("not a model at all")}) {
    const std::string path = Temporary(bytes);
    EXPECT(LoadCode(path) == Code::kModelLoad);
    unlink(path.c_str());
  }
}

TEST_CASE("truncated files and random bytes neither load nor crash") {
  const std::string whole = DefaultBytes();
  std::mt19937 random(4);
  for (size_t length :
       {size_t{4}, size_t{8}, size_t{24}, size_t{200}, size_t{5000}, whole.size() / 2, whole.size() - 1}) {
    const std::string path = Temporary(whole.substr(0, length));
    EXPECT(LoadCode(path) == Code::kModelLoad);
    unlink(path.c_str());
  }
  const std::string noise = [&] {
    std::string bytes = "GGUF";
    for (int i = 0; i < 4096; ++i) bytes.push_back(static_cast<char>(random()));
    return bytes;
  }();
  const std::string path = Temporary(noise);
  EXPECT(LoadCode(path) == Code::kModelLoad);
  unlink(path.c_str());
}

TEST_CASE("a load is cancelled by its caller and by its owner") {
  auto flag = autocog::NewCancelFlag();
  int reports = 0;
  auto model = Model::Load(
      "models/default.gguf", {},
      [&](float) {
        ++reports;
        flag->store(true);
      },
      autocog::Cancellation(Owner(), flag));
  EXPECT(!model.ok() && model.status().code() == Code::kAborted);
  EXPECT(reports > 0);
  autocog::JobThread closing;
  closing.Stop();
  auto closed = Model::Load("models/default.gguf", {}, {}, autocog::Cancellation(&closing, nullptr));
  EXPECT(!closed.ok() && closed.status().code() == Code::kClosed);
}

TEST_CASE("metadata overrides are applied, and invalid ones are rejected") {
  autocog::ModelOptions options;
  options.overrides.emplace_back("llama.context_length", int64_t{77});
  auto model = Model::Load("models/default.gguf", options, {}, autocog::Cancellation(Owner(), nullptr));
  EXPECT(model.ok() && model.value()->info().train_context_size == 77);
  options.overrides.emplace_back(std::string(200, 'k'), true);
  auto rejected = Model::Load("models/default.gguf", options, {}, autocog::Cancellation(Owner(), nullptr));
  EXPECT(!rejected.ok() && rejected.status().code() == Code::kOutOfRange);
}

TEST_CASE("quantization rejects unknown types, missing sources and unwritable targets") {
  EXPECT(autocog::Quantize("models/default.gguf", "/tmp/x", "Q1_X", 1).status().code() == Code::kOutOfRange);
  EXPECT(autocog::Quantize("/no/such", "/tmp/x", "Q8_0", 1).status().code() == Code::kModelLoad);
  EXPECT(autocog::Quantize("models/default.gguf", "/no/such/folder/x", "Q8_0", 1).status().code() ==
         Code::kInvalidArgument);
  EXPECT(autocog::Quantize("models/default.gguf", "models/default.gguf", "Q8_0", 1).status().code() ==
         Code::kInvalidArgument);
}
