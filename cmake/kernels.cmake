# Compiles our kernels (native/kernels) into ggml's CPU backend, or into each of its variants with that variant's
# instructions. ggml's traits.cpp asks them first.

set(kernels ${CMAKE_CURRENT_SOURCE_DIR}/native/kernels)
set(kernel_hook ${kernels}/hook.h)
set(kernel_fuse ${kernels}/fuse.h)
set(kernel_sources
  ${kernels}/attention.cc ${kernels}/experts.cc ${kernels}/kernel.cc ${kernels}/kernels.cc ${kernels}/products.cc)
if(MSVC)
  set(kernel_warnings /W4 $<$<BOOL:${AUTOCOG_WERROR}>:/WX>)
else()
  # ggml-impl.h defines functions that not every file uses; GCC's own headers of intrinsics use undefined registers.
  set(kernel_warnings -Wall -Wextra -Wno-unused-function
    $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized;-Wno-maybe-uninitialized> $<$<BOOL:${AUTOCOG_WERROR}>:-Werror>)
endif()
foreach(target ${cpu_targets})
  target_sources(${target} PRIVATE ${kernel_sources})
endforeach()
list(GET cpu_targets 0 target)
set_source_files_properties(${kernel_sources} TARGET_DIRECTORY ${target} PROPERTIES COMPILE_OPTIONS "${kernel_warnings}")
foreach(pair traits.cpp:${kernel_hook} ggml-cpu.c:${kernel_fuse})
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 source)
  list(GET pair 1 header)
  if(MSVC)
    set(options /FI${header})
  else()
    set(options -include ${header})
  endif()
  set_source_files_properties(
    ${CMAKE_CURRENT_SOURCE_DIR}/llama.cpp/ggml/src/ggml-cpu/${source}
    TARGET_DIRECTORY ${target}
    PROPERTIES COMPILE_OPTIONS "${options}" OBJECT_DEPENDS ${header})
endforeach()
