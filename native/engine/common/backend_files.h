// Backends that are libraries beside the addon: the CPU backend, built once per generation of CPUs, and GPU backends.
// In a build without AUTOCOG_VARIANTS all backends are part of the addon, and there are none.

#ifndef AUTOCOG_ENGINE_COMMON_BACKEND_FILES_H_
#define AUTOCOG_ENGINE_COMMON_BACKEND_FILES_H_

#include <string>
#include <vector>

namespace autocog {

// A build of the CPU backend.
struct CpuVariant {
  std::string name;  // "haswell", the part of the file's name after "cpu-"
  // ggml's own: one bit for each instruction set that the variant uses and this CPU has; 0 if it lacks one.
  int score = 0;
  bool chosen = false;
};

// Loads the CPU variant with the highest score, or the one that $AUTOCOG_CPU_VARIANT names, and all other backends in
// the folder of the addon. Called once, by InstallBackend.
void LoadBackendFiles();

// The address of a function of the chosen variant: the addon is not linked with any, so that it must look up what
// ggml's registry of backends does not provide. Null if there is none. REQUIRES: LoadBackendFiles has returned.
void* CpuFunction(const char* name);

// The variants that LoadBackendFiles has found, best first.
const std::vector<CpuVariant>& CpuVariants();

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_BACKEND_FILES_H_
