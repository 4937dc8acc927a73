# Adds the vendored llama.cpp and ggml as static libraries with hidden symbols, with everything that the addon does not
# use switched off. The vendored tree is never edited; all its settings are made here.

include(CheckCXXCompilerFlag)
file(READ ${CMAKE_CURRENT_SOURCE_DIR}/scripts/llama-pin.json pin)
string(JSON AUTOCOG_LLAMA_BUILD GET "${pin}" build)
string(JSON AUTOCOG_LLAMA_COMMIT GET "${pin}" commit)

# Without these, llama.cpp and ggml query git, find the commit of *this* repository, and rebuild after each commit.
set(LLAMA_BUILD_NUMBER ${AUTOCOG_LLAMA_BUILD})
set(LLAMA_BUILD_COMMIT ${AUTOCOG_LLAMA_COMMIT})
set(GIT_EXE "" CACHE FILEPATH "empty, so that ggml uses the pinned commit" FORCE)

set(BUILD_SHARED_LIBS OFF CACHE BOOL "" FORCE)
set(LLAMA_BUILD_IS_DEV OFF CACHE BOOL "" FORCE)
set(LLAMA_ALL_WARNINGS OFF CACHE BOOL "" FORCE)
set(LLAMA_OPENSSL OFF CACHE BOOL "" FORCE)
set(LLAMA_USE_PREBUILT_UI OFF CACHE BOOL "" FORCE)
foreach(part TESTS EXAMPLES APP UI)
  set(LLAMA_BUILD_${part} OFF CACHE BOOL "" FORCE)
endforeach()
foreach(part TOOLS SERVER)
  set(LLAMA_BUILD_${part} ${AUTOCOG_TOOLS} CACHE BOOL "" FORCE)
endforeach()
# In a clone, a build with a GPU's backend has a target llama-bench for `npm run bench -- --gpu`; not built by default.
set(AUTOCOG_LLAMA_BENCH OFF)
if((AUTOCOG_CUDA OR AUTOCOG_VULKAN) AND EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/native/test)
  set(AUTOCOG_LLAMA_BENCH ON)
endif()
if(AUTOCOG_TOOLS OR AUTOCOG_LLAMA_BENCH)
  set(LLAMA_BUILD_COMMON ON CACHE BOOL "" FORCE)
else()
  set(LLAMA_BUILD_COMMON OFF CACHE BOOL "" FORCE)
endif()

# ggml's own thread pool instead of OpenMP: no dependency on libgomp, and each session controls its own threads. Contexts
# must attach a persistent pool (thread_pool.h): without one, ggml starts new threads for each graph.
set(GGML_OPENMP OFF CACHE BOOL "" FORCE)
set(GGML_CUDA ${AUTOCOG_CUDA} CACHE BOOL "" FORCE)
set(GGML_VULKAN ${AUTOCOG_VULKAN} CACHE BOOL "" FORCE)
set(GGML_METAL ${AUTOCOG_METAL} CACHE BOOL "" FORCE)
set(GGML_METAL_EMBED_LIBRARY ${AUTOCOG_METAL} CACHE BOOL "" FORCE)
set(GGML_RPC ${AUTOCOG_RPC} CACHE BOOL "" FORCE)

# Without variants, portable builds target x86-64-v3 (AVX2, FMA, F16C, BMI2: Haswell 2013, Zen 2017 and later). Source
# builds use all features of the build machine's CPU. Either would die of SIGILL on other CPUs, so that the addon checks
# the CPU when it is loaded (cpu.cmake).
if(AUTOCOG_NATIVE AND NOT AUTOCOG_MODULES)
  set(GGML_NATIVE ON CACHE BOOL "" FORCE)
else()
  # ggml refuses it for modules; below, the CPU backend gets the compiler's option.
  set(GGML_NATIVE OFF CACHE BOOL "" FORCE)
endif()
if(AUTOCOG_NATIVE OR AUTOCOG_VARIANTS)
  set(portable OFF)
else()
  set(portable ON)
endif()
foreach(feature SSE42 AVX AVX2 BMI2 FMA F16C)
  set(GGML_${feature} ${portable} CACHE BOOL "" FORCE)
endforeach()

# CMake's own variable for the architectures of CUDA, which ggml overrides: the GPUs of this machine, or many if the
# build is portable.
if(AUTOCOG_CUDA AND DEFINED ENV{CUDAARCHS})
  set(CMAKE_CUDA_ARCHITECTURES $ENV{CUDAARCHS})
endif()

# With modules, ggml is a shared library, since its backends need its functions; all else stays static.
set(GGML_BACKEND_DL ${AUTOCOG_MODULES} CACHE BOOL "" FORCE)
set(GGML_CPU_ALL_VARIANTS ${AUTOCOG_VARIANTS} CACHE BOOL "" FORCE)
set(AUTOCOG_PROGRAMS ${CMAKE_BINARY_DIR}/bin)
if(AUTOCOG_MODULES)
  # The loader looks for them beside the addon, and beside programs.
  if(CMAKE_LIBRARY_OUTPUT_DIRECTORY)
    set(AUTOCOG_PROGRAMS ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
  else()
    set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${AUTOCOG_PROGRAMS})
  endif()
  set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)
  set(GGML_LLAMAFILE_DEFAULT ON)
  set(GGML_BUILD_NUMBER ${AUTOCOG_LLAMA_BUILD})
  set(GGML_BUILD_COMMIT ${AUTOCOG_LLAMA_COMMIT})
  set(BUILD_SHARED_LIBS ON CACHE BOOL "" FORCE)
  add_subdirectory(llama.cpp/ggml EXCLUDE_FROM_ALL)
  set(BUILD_SHARED_LIBS OFF CACHE BOOL "" FORCE)
endif()
add_subdirectory(llama.cpp EXCLUDE_FROM_ALL)

get_property(ggml_targets DIRECTORY llama.cpp/ggml/src PROPERTY BUILDSYSTEM_TARGETS)
# Backends with a directory of their own.
foreach(backend cuda metal rpc vulkan)
  if(TARGET ggml-${backend})
    list(APPEND ggml_targets ggml-${backend})
  endif()
endforeach()
set(cpu_targets ${ggml_targets})
list(FILTER cpu_targets INCLUDE REGEX "^ggml-cpu")
list(FILTER cpu_targets EXCLUDE REGEX "-feats$")
if(AUTOCOG_MODULES)
  # GCC knows the instructions of ARM's SME from release 14 on. ggml has no option that leaves variants out, so that they
  # become empty libraries, outside of the folder that is packed: such CPUs use the variant below.
  check_cxx_compiler_flag(-march=armv9.2-a+sme AUTOCOG_COMPILER_KNOWS_SME)
  if(NOT AUTOCOG_COMPILER_KNOWS_SME)
    set(left_out ${cpu_targets})
    list(FILTER left_out INCLUDE REGEX "^ggml-cpu-armv9")
    file(WRITE ${CMAKE_BINARY_DIR}/left-out/empty.c "int autocog_left_out;\n")
    foreach(target ${left_out})
      set_target_properties(${target} PROPERTIES
        SOURCES ${CMAKE_BINARY_DIR}/left-out/empty.c
        COMPILE_OPTIONS ""
        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/left-out)
      list(REMOVE_ITEM cpu_targets ${target})
      list(REMOVE_ITEM ggml_targets ${target})
    endforeach()
  endif()
  set(backend_targets ${ggml_targets})
  list(FILTER backend_targets EXCLUDE REGEX "-feats$")
  foreach(target ${backend_targets})
    # npm packs no symbolic links, which a version would lead to.
    set_property(TARGET ${target} PROPERTY VERSION)
    set_property(TARGET ${target} PROPERTY SOVERSION)
    set_target_properties(${target} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}")
    if(MINGW)
      # On Windows, a shared library, unlike a module, is a run-time file to CMake.
      set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}")
    endif()
    autocog_self_contained(${target})
  endforeach()
  # Names of our own: the loader takes a library that another package has loaded under the same name for ours.
  foreach(target ggml ggml-base)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME autocog-${target})
  endforeach()
endif()

# Assertions are turned into exceptions (native/engine/common/assertion.h), which unwind through ggml's C frames.
if(NOT MSVC)
  foreach(target ggml-base ${cpu_targets})
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:-fexceptions>)
  endforeach()
endif()

# Missing tensors become exceptions as well, instead of null pointers.
set(present_tensors ${CMAKE_CURRENT_SOURCE_DIR}/cmake/present-tensors.h)
if(MSVC)
  target_compile_options(llama PRIVATE /FI${present_tensors})
else()
  target_compile_options(llama PRIVATE -include ${present_tensors})
endif()

# Cells outside of a sliding window stay, for prompts and branches that return to them.
set(keep_cells ${CMAKE_CURRENT_SOURCE_DIR}/cmake/keep-cells.h)
if(MSVC)
  set(options /FI${keep_cells})
else()
  set(options -include ${keep_cells})
endif()
set_source_files_properties(
  ${CMAKE_CURRENT_SOURCE_DIR}/llama.cpp/src/llama-kv-cache.cpp
  TARGET_DIRECTORY llama
  PROPERTIES COMPILE_OPTIONS "${options}" OBJECT_DEPENDS ${keep_cells})

# The programs that results are compared with keep ggml's own kernels.
if(NOT AUTOCOG_TOOLS)
  include(cmake/kernels.cmake)
endif()

# A server that is lost in use becomes an error as well, instead of the end of the process, also one whose machine is.
if(AUTOCOG_RPC)
  foreach(pair ggml-rpc:rpc-dispatcher transport:rpc-transport)
    string(REPLACE ":" ";" pair ${pair})
    list(GET pair 0 source)
    list(GET pair 1 header)
    set(header ${CMAKE_CURRENT_SOURCE_DIR}/cmake/${header}.h)
    if(MSVC)
      set(options /FI${header})
    else()
      # Not every compiler sees that an assertion outside of the dispatcher's loop still does not return.
      set(options -include ${header} -Wno-return-type)
    endif()
    set_source_files_properties(
      ${CMAKE_CURRENT_SOURCE_DIR}/llama.cpp/ggml/src/ggml-rpc/${source}.cpp
      TARGET_DIRECTORY ggml-rpc
      PROPERTIES COMPILE_OPTIONS "${options}" OBJECT_DEPENDS ${header})
  endforeach()
endif()

# GCC 12 eliminates the stores to the AMX tile configuration as dead, so every quantized model crashes with SIGILL or
# SIGSEGV on CPUs with AMX (scripts/check-amx.mjs demonstrates it). Whether later releases are correct is unknown.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set_source_files_properties(
    ${CMAKE_CURRENT_SOURCE_DIR}/llama.cpp/ggml/src/ggml-cpu/amx/mmq.cpp
    TARGET_DIRECTORY ggml-base
    PROPERTIES COMPILE_OPTIONS "-fno-tree-dse;-fno-dse")
endif()

# ggml measures graphs by deliberate offsets from a null pointer whenever a context is created. Only that check is
# disabled, and only for that file, so that every other report still ends the run.
if(AUTOCOG_SANITIZE)
  set_source_files_properties(
    ${CMAKE_CURRENT_SOURCE_DIR}/llama.cpp/ggml/src/ggml.c
    TARGET_DIRECTORY ggml-base
    PROPERTIES COMPILE_OPTIONS "-fno-sanitize=pointer-overflow")
  # The bucket sort converts the bucket of a -inf logit (a forbidden token) to int before clamping it. On all relevant
  # machines the result is INT_MIN, which is then clamped to the last bucket.
  set_source_files_properties(
    ${CMAKE_CURRENT_SOURCE_DIR}/llama.cpp/src/llama-sampler.cpp
    TARGET_DIRECTORY llama
    PROPERTIES COMPILE_OPTIONS "-fno-sanitize=float-cast-overflow")
endif()

# ccache and ninja see only the literal "-march=native". Encode what it expands to on this CPU, so that objects built
# for another CPU are not reused.
if(AUTOCOG_NATIVE AND NOT MSVC)
  string(SHA1 isa "${AUTOCOG_CPU_MACROS}")
  string(SUBSTRING ${isa} 0 12 isa)
  target_compile_definitions(ggml-cpu PRIVATE AUTOCOG_HOST_ISA=0x${isa})
  if(AUTOCOG_MODULES)
    target_compile_options(ggml-cpu PRIVATE -march=native)
  endif()
endif()

# The reference programs of `npm run test:oracles`. write-model is one of llama.cpp's tests with a different main
# function; llama.cpp's own CMake file for its tests would add targets that access the network.
if(AUTOCOG_TOOLS)
  add_executable(write-model ${CMAKE_CURRENT_SOURCE_DIR}/test-oracles/write-model.cc)
  target_include_directories(write-model PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/llama.cpp/tests)
  target_link_libraries(write-model PRIVATE llama llama-common)
  add_executable(encode-decode ${CMAKE_CURRENT_SOURCE_DIR}/test-oracles/encode-decode.cc)
  target_link_libraries(encode-decode PRIVATE llama)
  set_target_properties(write-model encode-decode PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${AUTOCOG_PROGRAMS})
  # None of these targets computes compared values; unoptimized, they build in two thirds of the time.
  if(NOT MSVC)
    foreach(target cpp-httplib llama-common mtmd server-context llama-server-impl write-model)
      target_compile_options(${target} PRIVATE -O0)
    endforeach()
  endif()
  add_custom_target(oracles ALL DEPENDS write-model encode-decode llama-perplexity llama-server llama-bench)
endif()
