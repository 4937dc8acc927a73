# How the addon and, with variants, ggml's shared libraries are linked.

include(CheckLinkerFlag)
if(UNIX AND NOT APPLE)
  # Zig's linker has no such option.
  check_linker_flag(CXX -Wl,--exclude-libs,ALL AUTOCOG_LINKER_EXCLUDES)
endif()

function(autocog_self_contained target)
  if(APPLE)
    set_target_properties(${target} PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "@loader_path")
  elseif(MINGW)
    # Windows has none of the compiler's libraries, and only what is declared as exported is.
    target_link_options(${target} PRIVATE -static -Wl,--exclude-all-symbols -Wl,--gc-sections)
  elseif(UNIX)
    set_target_properties(${target} PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN")
    # Another copy of llama.cpp in the same process must not resolve to our symbols.
    if(AUTOCOG_LINKER_EXCLUDES)
      target_link_options(${target} PRIVATE -Wl,--exclude-libs,ALL)
    else()
      target_link_options(${target} PRIVATE -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/cmake/exports.ld)
    endif()
    target_link_options(${target} PRIVATE
      # A symbol that is not defined anywhere fails when the library is loaded, not when it is called.
      -Wl,-z,now -Wl,--gc-sections)
    if(NOT AUTOCOG_NATIVE)
      # Not libgcc: exceptions that cross libraries need one unwinder, and Node itself needs libgcc_s.
      target_link_options(${target} PRIVATE -static-libstdc++)
    endif()
  endif()
endfunction()

# Node's functions for MinGW, of which cmake-js has an import library on Windows alone: their names, for
# native/addon/node_imports.cc.
function(autocog_import_node target)
  foreach(folder ${CMAKE_JS_INC})
    if(EXISTS ${folder}/../def/node_api.def)
      file(STRINGS ${folder}/../def/node_api.def names REGEX "^[a-z_0-9]+$")
    endif()
  endforeach()
  if(NOT names)
    message(FATAL_ERROR "node-api-headers has no node_api.def")
  endif()
  list(TRANSFORM names REPLACE "(.+)" "NODE_FUNCTION(\\1)\n")
  list(JOIN names "" lines)
  file(WRITE ${CMAKE_BINARY_DIR}/node-functions/node_functions.inc "${lines}")
  target_sources(${target} PRIVATE native/addon/node_imports.cc)
  target_include_directories(${target} PRIVATE ${CMAKE_BINARY_DIR}/node-functions)
endfunction()
