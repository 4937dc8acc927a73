// See backend_files.h. ggml has a function that does the same, but it does not report what it has chosen, and why.

#include "engine/common/backend_files.h"

#ifdef GGML_BACKEND_DL

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "ggml-backend.h"

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace autocog {

namespace {

namespace fs = std::filesystem;

std::vector<CpuVariant> variants;
std::vector<BackendModule> modules;

// The file of the CPU backend in use, which ggml keeps loaded.
fs::path cpu_file;

using Score = int (*)();

#ifdef _WIN32

const char kPrefix[] = "ggml-";
const char kSuffix[] = ".dll";

fs::path OwnFolder() {
  HMODULE module = nullptr;
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                     reinterpret_cast<LPCWSTR>(&LoadBackendFiles), &module);
  std::vector<wchar_t> path(32768);
  GetModuleFileNameW(module, path.data(), static_cast<DWORD>(path.size()));
  return fs::path(path.data()).parent_path();
}

int ScoreOf(const fs::path& file) {
  HMODULE module = LoadLibraryW(file.c_str());
  if (module == nullptr) return 0;
  auto score = reinterpret_cast<Score>(reinterpret_cast<void*>(GetProcAddress(module, "ggml_backend_score")));
  const int result = score == nullptr ? 0 : score();
  FreeLibrary(module);
  return result;
}

// Why a library cannot be loaded; empty if it can.
std::string LoadError(const fs::path& file) {
  HMODULE module = LoadLibraryW(file.c_str());
  if (module == nullptr) return std::system_category().message(static_cast<int>(GetLastError()));
  FreeLibrary(module);
  return "";
}

void* FunctionOf(const fs::path& file, const char* name) {
  HMODULE module = GetModuleHandleW(file.c_str());
  return module == nullptr ? nullptr : reinterpret_cast<void*>(GetProcAddress(module, name));
}

#else

const char kPrefix[] = "libggml-";
const char kSuffix[] = ".so";

fs::path OwnFolder() {
  Dl_info info = {};
  if (dladdr(reinterpret_cast<void*>(&LoadBackendFiles), &info) == 0) return {};
  std::error_code failure;
  const fs::path file = fs::canonical(info.dli_fname, failure);
  return failure ? fs::path(info.dli_fname).parent_path() : file.parent_path();
}

int ScoreOf(const fs::path& file) {
  void* module = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) return 0;
  auto score = reinterpret_cast<Score>(dlsym(module, "ggml_backend_score"));
  const int result = score == nullptr ? 0 : score();
  dlclose(module);
  return result;
}

// Why a library cannot be loaded; empty if it can.
std::string LoadError(const fs::path& file) {
  void* module = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    const char* reason = dlerror();
    return reason == nullptr ? "it cannot be loaded" : reason;
  }
  dlclose(module);
  return "";
}

void* FunctionOf(const fs::path& file, const char* name) {
  void* module = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) return nullptr;
  void* address = dlsym(module, name);
  dlclose(module);
  return address;
}

#endif

// "haswell" for ".../libggml-cpu-haswell.so", and empty for other files.
std::string BackendName(const fs::path& file) {
  const std::string name = file.filename().u8string();
  const std::string prefix = kPrefix;
  const std::string suffix = kSuffix;
  if (name.size() <= prefix.size() + suffix.size() || name.compare(0, prefix.size(), prefix) != 0 ||
      name.compare(name.size() - suffix.size(), suffix.size(), suffix) != 0) {
    return "";
  }
  return name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
}

fs::path FileOf(const fs::path& folder, const std::string& backend) {
  return folder / fs::u8path(kPrefix + backend + kSuffix);
}

BackendModule LoadModule(const fs::path& file, const std::string& name) {
  if (ggml_backend_load(file.u8string().c_str()) != nullptr) return {name, ""};
  const std::string error = LoadError(file);
  return {name, error.empty() ? "it is no backend of this release of llama.cpp" : error};
}

std::string RequestedVariant() {
  const char* environment = std::getenv("AUTOCOG_CPU_VARIANT");
  return environment == nullptr ? "" : environment;
}

}  // namespace

void LoadBackendFiles() {
  const fs::path folder = OwnFolder();
  const std::string requested = RequestedVariant();
  std::error_code failure;
  std::vector<std::string> backends;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, failure)) {
    backends.push_back(BackendName(entry.path()));
  }
  // The order of a folder is any; that of devices is that of their backends.
  std::sort(backends.begin(), backends.end());
  for (const std::string& backend : backends) {
    if (backend.empty()) continue;
    const fs::path file = FileOf(folder, backend);
    if (backend.compare(0, 4, "cpu-") == 0) {
      variants.push_back({backend.substr(4), ScoreOf(file), false});
    } else if (backend == "cpu") {
      if (ggml_backend_load(file.u8string().c_str()) != nullptr) cpu_file = file;
    } else {
      modules.push_back(LoadModule(file, backend));
    }
  }
  std::sort(variants.begin(), variants.end(), [](const CpuVariant& a, const CpuVariant& b) {
    return a.score != b.score ? a.score > b.score : a.name < b.name;
  });
  for (CpuVariant& variant : variants) {
    // A variant whose score is 0 would end the process with SIGILL, whoever requests it.
    if (variant.score == 0 || (!requested.empty() && variant.name != requested)) continue;
    const fs::path file = FileOf(folder, "cpu-" + variant.name);
    variant.chosen = ggml_backend_load(file.u8string().c_str()) != nullptr;
    if (!variant.chosen) continue;
    cpu_file = file;
    break;
  }
}

Status CheckCpuBackend() {
  if (!cpu_file.empty()) return Status::Ok();
  std::string runnable;
  for (const CpuVariant& variant : variants) {
    if (variant.score > 0) runnable += (runnable.empty() ? "" : ", ") + variant.name;
  }
  if (runnable.empty()) {
    return Status(Code::kNotSupported,
                  "No CPU backend that this CPU can run is in " + OwnFolder().u8string() + ", the addon's folder");
  }
  return Status(Code::kNotSupported, "Expected a variant of the CPU backend that this CPU can run (" + runnable +
                                         ") for AUTOCOG_CPU_VARIANT, got " + RequestedVariant());
}

void* CpuFunction(const char* name) { return cpu_file.empty() ? nullptr : FunctionOf(cpu_file, name); }

const std::vector<CpuVariant>& CpuVariants() { return variants; }

const std::vector<BackendModule>& BackendModules() { return modules; }

}  // namespace autocog

#else

namespace autocog {

void LoadBackendFiles() {}

Status CheckCpuBackend() { return Status::Ok(); }

void* CpuFunction(const char*) { return nullptr; }

const std::vector<CpuVariant>& CpuVariants() {
  static const std::vector<CpuVariant> none;
  return none;
}

const std::vector<BackendModule>& BackendModules() {
  static const std::vector<BackendModule> none;
  return none;
}

}  // namespace autocog

#endif
