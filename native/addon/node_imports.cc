// Node's functions in a build with MinGW, for which cmake-js has no import library. They are looked up in the running
// program when the addon is loaded, since that need not be named node.exe: Electron, or a single executable
// application. cmake/link.cmake writes node_functions.inc: NODE_FUNCTION(napi_...) for each function of Node-API.

#if defined(__MINGW32__)

#include <windows.h>

extern "C" {

// What callers of functions declared with dllimport read; the others call the jumps below.
#define NODE_FUNCTION(name) FARPROC __imp_##name;
#include "node_functions.inc"
#undef NODE_FUNCTION
}

#define NODE_FUNCTION(name) __asm__(".text\n.globl " #name "\n" #name ":\n\tjmp *__imp_" #name "(%rip)\n");
#include "node_functions.inc"
#undef NODE_FUNCTION

namespace {

struct Function {
  const char* name;
  FARPROC* address;
};

const Function kFunctions[] = {
#define NODE_FUNCTION(name) {#name, &__imp_##name},
#include "node_functions.inc"
#undef NODE_FUNCTION
};

// A function that an older Node lacks stays null; the addon uses those of NAPI_VERSION alone, which all have.
__attribute__((constructor)) void FindFunctions() {
  // Programs that have Node in a library of their own call it node.dll.
  HMODULE node = GetModuleHandleA("node.dll");
  if (node == nullptr) node = GetModuleHandleA(nullptr);
  for (const Function& function : kFunctions) *function.address = GetProcAddress(node, function.name);
}

}  // namespace

#endif
