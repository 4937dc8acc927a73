// Backends that are libraries beside the addon: the CPU backend, once or per generation of CPUs, and those of GPUs.
// In a build without AUTOCOG_MODULES all backends are part of the addon, and there are none.

#ifndef AUTOCOG_ENGINE_COMMON_BACKEND_FILES_H_
#define AUTOCOG_ENGINE_COMMON_BACKEND_FILES_H_

#include <string>
#include <vector>

#include "engine/common/status.h"

namespace autocog {

// A build of the CPU backend.
struct CpuVariant {
  std::string name;  // "haswell", the part of the file's name after "cpu-"
  // ggml's own: one bit for each instruction set that the variant uses and this CPU has; 0 if it lacks one.
  int score = 0;
  bool chosen = false;
};

// Another backend, of which there is one build.
struct BackendModule {
  std::string name;   // "cuda"
  std::string error;  // Why it was not loaded, as the system says: a missing driver, say. Empty if it was.
};

// Loads the CPU variant with the highest score, or the one that $AUTOCOG_CPU_VARIANT names, and all other backends in
// the folder of the addon. Called once, by InstallBackend.
void LoadBackendFiles();

// kNotSupported if no CPU backend was loaded, without which no model can be: $AUTOCOG_CPU_VARIANT names one that this
// CPU cannot run or that does not exist, or the files are missing. REQUIRES: LoadBackendFiles has returned.
Status CheckCpuBackend();

// The address of a function of the CPU backend in use: the addon is not linked with any, so that it must look up what
// ggml's registry of backends does not provide. Null if there is none. REQUIRES: LoadBackendFiles has returned.
void* CpuFunction(const char* name);

// The variants that LoadBackendFiles has found, best first.
const std::vector<CpuVariant>& CpuVariants();

// The other backends that LoadBackendFiles has found, by name.
const std::vector<BackendModule>& BackendModules();

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_BACKEND_FILES_H_
